import type { StateDatabase, StateTransaction } from '#storage';
import { delay, messageOf, OmoiError, type Clock, type Logger } from '#telemetry';

export interface PersistOptions {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the attempts. */
  readonly signal: AbortSignal;
  /** What is being written down, for the log. */
  readonly what: string;
}

const RETRY_AFTER_MS = 1000;

/**
 * Writes down what has already happened in the world, however long the database is away.
 * @returns null when it was given up: the server stops, or the database says that it can never be written
 */
export async function persist<Result>(
  options: PersistOptions,
  work: (tx: StateTransaction) => Promise<Result>,
): Promise<Result | null> {
  const { database, clock, logger, signal, what } = options;
  while (!signal.aborted) {
    try {
      return await database.transaction(work);
    } catch (error) {
      if (signal.aborted) break;
      logger.error({ error: messageOf(error) }, `${what} could not be written down.`);
      if (error instanceof OmoiError && !error.retryable) return null;
      await delay(clock, RETRY_AFTER_MS, signal);
    }
  }
  return null;
}
