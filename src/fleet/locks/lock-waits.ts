import { OmoiError } from '#telemetry';
import type { LockRequest } from './lock-request.ts';

/** Who asks for locks and would wait for them: no agent takes all the places. */
export class LockWaits {
  readonly #maxOfAgent: number;
  readonly #ofAgent = new Map<string, number>();

  constructor(maxOfAgent: number) {
    this.#maxOfAgent = maxOfAgent;
  }

  /** null where the agent may wait for no more; who would not wait is not counted. */
  enter({ agentId, waitMs }: LockRequest): { leave(): void } | null {
    if (waitMs <= 0) return { leave: () => undefined };
    if ((this.#ofAgent.get(agentId) ?? 0) >= this.#maxOfAgent) return null;
    this.#count(agentId, 1);
    return { leave: () => this.#count(agentId, -1) };
  }

  /** What an agent is told that would have waited, and may not. @param refused why it does not have the lock */
  refusalOf({ agentId }: LockRequest, refused: Error): Error {
    const most = this.#maxOfAgent;
    return new OmoiError(
      'lock_limit_reached',
      `Agent ${agentId} waits for maxWaitingLocksPerAgent (${most}) locks already. ${refused.message}`,
      { agent_id: agentId, max_waiting_locks_per_agent: most },
      refused,
    );
  }

  #count(agentId: string, change: 1 | -1): void {
    const waiting = (this.#ofAgent.get(agentId) ?? 0) + change;
    if (waiting > 0) this.#ofAgent.set(agentId, waiting);
    else this.#ofAgent.delete(agentId);
  }
}
