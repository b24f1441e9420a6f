import type { Sender } from '#telemetry';

/** Who sends: what a bound token speaks for, or null for a sender without such a bound. */
export interface OtlpSender {
  /** Under which its series are kept. */
  readonly name: Sender;
  readonly scope: {
    readonly agentIds: readonly string[];
    /** All agents of this pool, whichever they are when they send; null where agents are named. */
    readonly poolId: string | null;
  } | null;
}

/** What a sender may write under whose name. */
export interface Authority {
  /** Metric names that only Omoi itself may write: they can make it act. */
  readonly isReserved: (metricName: string) => boolean;
  /** The pool that an agent belongs to now; null for an agent without a pool, and for one that is not known. */
  readonly agentPool: (agentId: string) => string | null;
}

/** Whether the sender speaks for an agent. */
export function speaksFor({ scope }: OtlpSender, agentId: string, { agentPool }: Authority): boolean {
  if (scope === null || scope.agentIds.includes(agentId)) return true;
  return scope.poolId !== null && agentPool(agentId) === scope.poolId;
}
