import type { StateDatabase } from '#storage';
import type { FleetActuator } from './ports.ts';
import type { RecordingFleet } from './recording-fleet.test-support.ts';

/** What a process that may be killed stands on: once it is dead, nothing that it asks for is done or answered. */
export class KillableProcess {
  readonly #inDatabase = new Set<Promise<unknown>>();
  #isDead = false;
  #commitsLeft = Number.POSITIVE_INFINITY;

  kill(): void {
    this.#isDead = true;
  }

  /** The process dies right after so many more commits, before it learns of the last. */
  killAfterCommits(count: number): void {
    this.#commitsLeft = count;
  }

  /** Resolves when the database has ended what the dead process had begun: the next one finds it as it will stay. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inDatabase);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  database(database: StateDatabase): StateDatabase {
    return {
      ...database,
      transaction: async (work, options) => {
        await this.#living();
        const transaction = database.transaction(async (tx) => {
          this.#assertLiving();
          const result = await work(tx);
          this.#assertLiving();
          return result;
        }, options);
        this.#inDatabase.add(transaction);
        try {
          return await transaction;
        } finally {
          this.#inDatabase.delete(transaction);
          if (--this.#commitsLeft <= 0) this.kill();
          await this.#living();
        }
      },
    };
  }

  fleet(fleet: RecordingFleet): FleetActuator {
    const asked = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
      await this.#living();
      const answer = await call();
      await this.#living();
      return answer;
    };
    return {
      restart: (order) => asked(() => fleet.restart(order)),
      raiseScale: (order) => asked(() => fleet.raiseScale(order)),
      extendScale: (overrideId, ttlMs) => asked(() => fleet.extendScale(overrideId, ttlMs)),
      releaseScale: (overrideId) => asked(() => fleet.releaseScale(overrideId)),
      agent: (agentId) => fleet.agent(agentId),
      pool: (poolId) => fleet.pool(poolId),
      lastOutput: (agentId) => fleet.lastOutput(agentId),
      hasPool: (poolId) => fleet.hasPool(poolId),
      peersOf: (target) => fleet.peersOf(target),
      hasHost: (host) => fleet.hasHost(host),
      poolsOfPhase: (phaseId) => fleet.poolsOfPhase(phaseId),
      health: (domain) => fleet.health(domain),
      cells: () => fleet.cells(),
      silentCells: () => fleet.silentCells(),
    };
  }

  /** What a dead process has begun is rolled back. */
  #assertLiving(): void {
    if (this.#isDead) throw new Error('the process is dead');
  }

  #living(): Promise<void> {
    return this.#isDead ? new Promise<void>(() => {}) : Promise.resolve();
  }
}
