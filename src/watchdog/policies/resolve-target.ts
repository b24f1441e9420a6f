import type { AlertFacts, FleetActuator } from '../ports.ts';
import type { Policy } from './policy.ts';
import type { Target } from './target.ts';

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
    const { poolId, managed, generation, status } = agent;
    return { kind: 'agent', id: agentId, poolId, managed, generation, spawning: status === 'SPAWNING' };
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
