import { OmoiError, type AgentStatus } from '#telemetry';
import { pendingRestart, type UnitRow } from './unit-rows.ts';

interface Restart {
  readonly order: {
    readonly agentId: string;
    readonly expectedGeneration?: number;
    readonly hung?: boolean;
  };
  /** The newest unit of the agent. */
  readonly process: UnitRow;
  readonly status: AgentStatus | null;
}

export type RestartDecision =
  | { readonly kind: 'refused'; readonly error: OmoiError }
  /** An earlier order has done it, or is about to. */
  | { readonly kind: 'under_way'; readonly generation: number }
  /** It finishes its work first. */
  | { readonly kind: 'drain' }
  /** Nothing is to be waited for: it hangs, has ended, or was not started yet. */
  | { readonly kind: 'replace' };

/** What a restart comes to. Who hangs is not asked to finish; who drains and then hangs is not waited for any more. */
export function decideRestart(restart: Restart): RestartDecision {
  const { order, process, status } = restart;
  const { agentId, expectedGeneration } = order;
  const drains = pendingRestart(process) !== null && process.state !== 'ended';
  const hangs = order.hung === true || status === 'UNRESPONSIVE' || status === 'STALLED';
  // The generation that shall run, as earlier orders have it.
  const wanted = process.generation + (drains ? 1 : 0);
  if (expectedGeneration !== undefined && expectedGeneration > wanted)
    return { kind: 'refused', error: unknownGeneration(agentId, expectedGeneration, process.generation) };
  const repeated =
    expectedGeneration === undefined ? drains || isStarting(restart) : expectedGeneration < wanted || drains;
  const overtaken = drains && hangs && (expectedGeneration ?? process.generation) === process.generation;
  if (repeated && !overtaken) return { kind: 'under_way', generation: wanted };
  if (process.desired_state === 'retired') return { kind: 'refused', error: isRetired(process) };
  if (status === 'QUARANTINED') return { kind: 'refused', error: isQuarantined(agentId) };
  if (hangs || process.state !== 'running') return { kind: 'replace' };
  return { kind: 'drain' };
}

/** A generation that a restart has brought, and that has not told of itself yet. */
function isStarting({ process, status }: Restart): boolean {
  return (
    process.generation > 1 &&
    process.desired_state === 'run' &&
    process.state !== 'ended' &&
    status === 'SPAWNING'
  );
}

function unknownGeneration(agentId: string, expected: number, current: number): OmoiError {
  return new OmoiError(
    'unknown_generation',
    `Agent ${agentId} is at generation ${current}; there is no generation ${expected}.`,
    { agent_id: agentId, current_generation: current },
  );
}

function isRetired({ agent_id: agentId, pool_id: poolId }: UnitRow): OmoiError {
  return new OmoiError(
    'transition_not_allowed',
    `Agent ${agentId} is beyond the count of pool ${poolId}: scale the pool instead.`,
    { agent_id: agentId, pool_id: poolId },
  );
}

function isQuarantined(agentId: string): OmoiError {
  return new OmoiError(
    'transition_not_allowed',
    `Agent ${agentId} is QUARANTINED: release it before it is restarted.`,
    { agent_id: agentId, status: 'QUARANTINED' },
  );
}
