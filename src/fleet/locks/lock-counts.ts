import { OmoiError } from '#telemetry';
import type { FleetLimits } from '../limits.ts';

/** How many locks are held, in all and by each agent. Memory only; changed after commits. */
export class LockCounts {
  readonly #limits: Pick<FleetLimits, 'maxLocks' | 'maxLocksPerAgent'>;
  readonly #ofAgent = new Map<string, number>();
  #total = 0;

  constructor(limits: Pick<FleetLimits, 'maxLocks' | 'maxLocksPerAgent'>) {
    this.#limits = limits;
  }

  add(agentId: string, change: 1 | -1): void {
    this.#total += change;
    const held = (this.#ofAgent.get(agentId) ?? 0) + change;
    if (held > 0) this.#ofAgent.set(agentId, held);
    else this.#ofAgent.delete(agentId);
  }

  /** Those that are being committed at the same time may pass together. @throws OmoiError `lock_limit_reached` */
  assertRoom(agentId: string): void {
    const { maxLocks, maxLocksPerAgent } = this.#limits;
    if (this.#total >= maxLocks) {
      throw new OmoiError('lock_limit_reached', `maxLocks (${maxLocks}) locks are held.`, {
        max_locks: maxLocks,
      });
    }
    if ((this.#ofAgent.get(agentId) ?? 0) < maxLocksPerAgent) return;
    throw new OmoiError(
      'lock_limit_reached',
      `Agent ${agentId} holds maxLocksPerAgent (${maxLocksPerAgent}) locks.`,
      { agent_id: agentId, max_locks_per_agent: maxLocksPerAgent },
    );
  }
}
