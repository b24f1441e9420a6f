import type { AlertFacts, FleetActuator } from '../ports.ts';
import type { Policy } from './policy.ts';

export type Target =
  | {
      readonly kind: 'agent';
      readonly id: string;
      readonly poolId: string | null;
      readonly generation: number;
      /** Whether that generation is still coming up: what is alerted about may have been the one before it. */
      readonly spawning: boolean;
    }
  | { readonly kind: 'pool'; readonly id: string; readonly poolId: string };

/** What a policy acts on for an alert; or why there is nothing to act on. An unclear target is never guessed. */
export function resolveTarget(
  policy: Policy,
  alert: AlertFacts,
  fleet: Pick<FleetActuator, 'agent' | 'hasPool' | 'poolsOfPhase'>,
): Target | { readonly missing: string } {
  const { target } = policy;
  if (target.kind === 'agent') {
    const agentId = alert.labels[target.label];
    if (!agentId) return { missing: `the alert has no label ${target.label}` };
    const agent = fleet.agent(agentId);
    if (!agent) return { missing: `agent ${agentId} is unknown` };
    const { poolId, generation, status } = agent;
    return { kind: 'agent', id: agentId, poolId, generation, spawning: status === 'SPAWNING' };
  }
  const poolId = poolIdOf(target, alert, fleet);
  if (typeof poolId !== 'string') return poolId;
  return fleet.hasPool(poolId)
    ? { kind: 'pool', id: poolId, poolId }
    : { missing: `pool ${poolId} is unknown` };
}

function poolIdOf(
  target: Extract<Policy['target'], { kind: 'pool' }>,
  alert: AlertFacts,
  fleet: Pick<FleetActuator, 'poolsOfPhase'>,
): string | { readonly missing: string } {
  if (target.pool !== undefined) return target.pool;
  const label = target.label ?? target.phase_label ?? '';
  const value = alert.labels[label];
  if (!value) return { missing: `the alert has no label ${label}` };
  if (target.label !== undefined) return value;
  const pools = fleet.poolsOfPhase(value);
  const [only] = pools;
  if (only !== undefined && pools.length === 1) return only;
  return { missing: `${pools.length} pools work in ${value}; name the pool in the policy` };
}

/** `agent:w-1`, `pool:demo`: how events and spans name a target. */
export function targetText(target: { readonly kind: string; readonly id: string }): string {
  return `${target.kind}:${target.id}`;
}
