import { backoffMs, isRetryable, messageOf, OmoiError, type Timer } from '#telemetry';
import { countGivenUp, OutageLog, WRITE_BACKOFF } from './persist.ts';
import type { PoolParts } from './pool-parts.ts';
import { setPoolError } from './pool-rows.ts';

/** When each pool's replicas are looked at again: at once, when an override ends, or after an outage. */
export class ConvergenceSchedule {
  readonly #parts: PoolParts;
  readonly #converge: (poolId: string) => Promise<void>;
  readonly #outages: OutageLog;
  readonly #timers = new Map<string, Timer>();
  /** Pools whose replicas will be looked at, and have not been yet. */
  readonly #due = new Set<string>();
  /** Attempts in a row that found the database away. */
  readonly #failures = new Map<string, number>();
  #stopped = false;

  /** @param converge looks at a pool's replicas; calls `began` when it does */
  constructor(parts: PoolParts, converge: (poolId: string) => Promise<void>) {
    this.#parts = parts;
    this.#converge = converge;
    this.#outages = new OutageLog(parts);
  }

  /** @param delayMs instead of what was set before; null: when something happens */
  in(poolId: string, delayMs: number | null): void {
    this.#timers.get(poolId)?.cancel();
    this.#timers.delete(poolId);
    if (delayMs === null || this.#stopped) return;
    const { clock } = this.#parts;
    this.#timers.set(
      poolId,
      clock.after(delayMs, () => this.soon(poolId)),
    );
  }

  /** Once for all that ends until then: of a pool's agents many may end at once, and each look is at all of them. */
  soon(poolId: string): void {
    if (this.#stopped || this.#due.has(poolId)) return;
    this.#due.add(poolId);
    void this.#run(poolId);
  }

  /** A pool's replicas are being read: what ends from here on may not show. */
  began(poolId: string): void {
    this.#due.delete(poolId);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  async #run(poolId: string): Promise<void> {
    try {
      await this.#converge(poolId);
      this.#outages.succeeded();
      this.#failures.delete(poolId);
    } catch (error) {
      this.#due.delete(poolId);
      this.#onFailure(poolId, error);
    }
  }

  /** While the database is away it is tried again; what it refuses for good waits for the next change of the pool. */
  #onFailure(poolId: string, error: unknown): void {
    if (error instanceof OmoiError && error.code === 'unknown_pool') {
      this.#failures.delete(poolId);
      return;
    }
    const { random, logger, metrics, database } = this.#parts;
    if (isRetryable(error)) {
      const failures = (this.#failures.get(poolId) ?? 0) + 1;
      this.#failures.set(poolId, failures);
      this.#outages.failed(`The replicas of pool ${poolId}`, error);
      this.in(poolId, backoffMs(failures, WRITE_BACKOFF, random));
      return;
    }
    const reason = messageOf(error);
    logger.error(
      { pool_id: poolId, error: reason },
      'Pool agents neither started nor stopped: tried again when the pool changes.',
    );
    countGivenUp(metrics, poolId);
    void database
      .transaction((tx) => setPoolError(tx, poolId, `its replicas could not be decided: ${reason}`))
      .catch(() => undefined);
  }
}
