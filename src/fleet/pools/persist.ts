import type { StateDatabase, StateTransaction } from '#storage';
import {
  backoffMs,
  delay,
  messageOf,
  isRetryable,
  type BackoffLimits,
  type Clock,
  type Logger,
  type Random,
  type SelfMetrics,
} from '#telemetry';

/** Between the attempts to write while the database is away. */
export const WRITE_BACKOFF: BackoffLimits = { firstMs: 500, maxMs: 10_000 };

/** Counts that something of a pool could not be recorded, and is not tried again. */
export function countGivenUp(metrics: SelfMetrics, poolId: string): void {
  metrics
    .counter('omoi_pool_records_given_up_total', 'What happened to units and could not be recorded for good.')
    .add(1, { pool_id: poolId });
}

/**
 * The log of one writer about the database being away: a line when that begins and one when it is over, however many
 * writes wait meanwhile.
 */
export class OutageLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #sinceMs: number | null = null;
  #failures = 0;

  constructor(parts: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = parts.clock;
    this.#logger = parts.logger;
  }

  failed(what: string, error: unknown): void {
    this.#failures++;
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#clock.monotonicMs();
    this.#logger.error(
      { what, error: messageOf(error) },
      'Database away: units are recorded when it is back.',
    );
  }

  succeeded(): void {
    if (this.#sinceMs === null) return;
    const awayMs = Math.round(this.#clock.monotonicMs() - this.#sinceMs);
    // That the state can be written again is told once, for the whole server.
    this.#logger.debug(
      { away_ms: awayMs, failed_writes: this.#failures },
      'Database back: units are recorded.',
    );
    this.#sinceMs = null;
    this.#failures = 0;
  }
}

export interface PersistOptions {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly outages: OutageLog;
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  /** What is being written down, for the log. */
  readonly what: string;
  /** Told where it can never be written: a broken constraint, a programmer's mistake, something that is gone. */
  readonly onGivenUp: (error: unknown) => void;
}

/**
 * Writes down what has already happened in the world, however long the database is away; what the database refuses
 * for good is tried once.
 * @returns null when it was given up: it can never be written, or the server stops
 */
export async function persist<Result>(
  options: PersistOptions,
  work: (tx: StateTransaction) => Promise<Result>,
): Promise<Result | null> {
  const { database, clock, random, outages, signal, what, onGivenUp } = options;
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      const result = await database.transaction(work);
      outages.succeeded();
      return result;
    } catch (error) {
      if (signal.aborted) break;
      if (!isRetryable(error)) {
        onGivenUp(error);
        return null;
      }
      outages.failed(what, error);
      await delay(clock, backoffMs(failures, WRITE_BACKOFF, random), signal);
    }
  }
  return null;
}
