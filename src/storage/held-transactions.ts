import type { Clock, Logger, SelfMetrics } from '#telemetry';
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
 * named by its owner in the log, while it is held and again when it is over, and counted. The time until its turn and
 * that of the commit are not its own, and do not count.
 */
export function tellHeldTransactions<Tables>(
  database: Database<Tables>,
  { owner, clock, logger, metrics }: TransactionOwner,
): Database<Tables> {
  const held = metrics.counter(
    'omoi_transactions_held_total',
    'Transactions whose work took more than 5 s, by the part of the server that did it.',
  );
  return {
    dialect: database.dialect,
    reader: database.reader,
    close: () => database.close(),
    transaction: (work, options) =>
      database.transaction(async (tx) => {
        const startedMs = clock.monotonicMs();
        let told = false;
        const timer = clock.after(maxSilentlyHeldMs, () => {
          told = true;
          held.add(1, { owner });
          logger.warn(
            { owner, held_ms: Math.round(clock.monotonicMs() - startedMs) },
            'Transaction held for long: others wait for it. The disk is slow, or its owner waits for something else.',
          );
        });
        try {
          return await work(tx);
        } finally {
          timer.cancel();
          const heldMs = Math.round(clock.monotonicMs() - startedMs);
          if (told) logger.warn({ owner, held_ms: heldMs }, 'Transaction that was held for long is over.');
        }
      }, options),
  };
}
