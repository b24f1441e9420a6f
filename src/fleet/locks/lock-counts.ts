import { OmoiError } from '#telemetry';
import type { FleetLimits } from '../limits.ts';

/** Counts a lock that is being committed, so that those that come at once see each other. */
export interface LockRoom {
  /** Repeating it changes nothing. @throws OmoiError `lock_limit_reached` */
  reserve(): void;
  /** Where it is committed before it is added, and where it has failed; repeating it changes nothing. */
  giveBack(): void;
}

/** How many locks are held, in all and by each agent. Memory only. */
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

  /** For one lock of an agent, if it comes to that. */
  roomFor(agentId: string): LockRoom {
    let isReserved = false;
    return {
      reserve: () => {
        if (isReserved) return;
        this.#assertRoom(agentId);
        this.add(agentId, 1);
        isReserved = true;
      },
      giveBack: () => {
        if (isReserved) this.add(agentId, -1);
        isReserved = false;
      },
    };
  }

  #assertRoom(agentId: string): void {
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
