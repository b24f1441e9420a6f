import type { Clock, Logger, SelfMetrics } from '#telemetry';
import { withTransactions } from './database-view.ts';
import type { Database } from './database.ts';

/** A transaction that holds its turn for longer is told in the log: on SQLite all others wait behind it. */
export const maxSilentlyHeldMs = 5000;

export interface TransactionOwner {
  /** Who works in these transactions: the name of a part. */
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

/**
 * A view of the database for one part of the server: a transaction whose work takes longer than `maxSilentlyHeldMs` is
 * named by its owner in the log, while it is held and again when it is over, and counted. Of those that are held beside
 * each other (on PostgreSQL) the first is told, and their number when the last is over. The time until its turn and that of
 * the commit are not its own, and do not count.
 */
export function tellHeldTransactions<Tables>(
  database: Database<Tables>,
  { owner, clock, logger, metrics }: TransactionOwner,
): Database<Tables> {
  const held = metrics.counter(
    'omoi_transactions_held_total',
    'Transactions whose work took more than 5 s, by the part of the server that did it.',
  );
  let told = 0;
  let telling = 0;
  let longestMs = 0;
  const tell = (heldMs: number): void => {
    held.add(1, { owner });
    told++;
    if (telling++ > 0) return;
    logger.warn(
      { owner, held_ms: heldMs },
      'Transaction held for long: others wait for it. The disk is slow, or its owner waits for something else.',
    );
  };
  const tellEnd = (heldMs: number): void => {
    longestMs = Math.max(longestMs, heldMs);
    if (--telling > 0) return;
    const transactions = told;
    const fields = { owner, held_ms: longestMs, ...(transactions > 1 && { transactions }) };
    told = longestMs = 0;
    logger.warn(fields, 'Transaction that was held for long is over.');
  };
  return withTransactions(database, (work, options) =>
    database.transaction(async (tx) => {
      const startedMs = clock.monotonicMs();
      const heldMs = (): number => Math.round(clock.monotonicMs() - startedMs);
      let isTold = false;
      const timer = clock.after(maxSilentlyHeldMs, () => {
        isTold = true;
        tell(heldMs());
      });
      try {
        return await work(tx);
      } finally {
        timer.cancel();
        if (isTold) tellEnd(heldMs());
      }
    }, options),
  );
}
