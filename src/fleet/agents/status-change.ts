import type { StateTransaction } from '#storage';
import type { AgentStatus } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import type { AgentRow } from './agent-entry.ts';
import { statusEvent } from './agent-rows.ts';

interface StatusChange {
  readonly left: AgentStatus;
  /** The row as the transaction has written it. */
  readonly now: AgentRow;
  readonly traceparent: string | null;
}

/** Tells that an agent's status has changed: by an event of the same transaction, and in memory after its commit. */
export async function tellStatus(
  tx: StateTransaction,
  { bus, agentIndex, activity }: Pick<FleetParts, 'bus' | 'agentIndex' | 'activity'>,
  { left, now, traceparent }: StatusChange,
): Promise<void> {
  await bus.append(tx, statusEvent(now, left, traceparent));
  const change = agentIndex.nextChange();
  tx.afterCommit(() => {
    agentIndex.apply(now, null, change);
    activity.tell({ kind: 'agent', agentId: now.agent_id, traceparent });
  });
}
