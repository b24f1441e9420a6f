import { OmoiError } from '#telemetry';
import type { StateDatabase, StateTransaction, TransactionOptions } from './database.ts';

/**
 * A transaction whose commit is not answered: it is written, and whoever asked for it is told that it failed. Where it
 * fails by itself, that is what is told. Either way it is rolled back, as far as its effects can know.
 */
export async function transactUnanswered<Result>(
  database: StateDatabase,
  work: (tx: StateTransaction) => Promise<Result>,
  options?: TransactionOptions,
): Promise<never> {
  await database.transaction(
    (tx) =>
      work({
        ...tx,
        afterCommit() {},
        afterRollback(effect) {
          tx.afterCommit(effect);
          tx.afterRollback(effect);
        },
      }),
    options,
  );
  throw new OmoiError('database_failed', 'simulated: the commit got no answer');
}
