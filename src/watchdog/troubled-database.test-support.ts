import type { StateDatabase, StateTransaction } from '#storage';
import { delay, OmoiError, type Clock } from '#telemetry';

/** How a transaction goes: late, rolled back, or written while whoever asked is told that it failed. */
export const TROUBLES = ['slow', 'fails_before_commit', 'fails_after_commit'] as const;
export type Trouble = (typeof TROUBLES)[number];

const SLOW_MS = 400;

/** A database whose next transactions have trouble, one each. */
export class TroubledDatabase {
  /** Of the next transactions, in order. */
  troubles: Trouble[] = [];

  around(database: StateDatabase, clock: Clock): StateDatabase {
    return {
      ...database,
      transaction: async (work) => {
        const trouble = this.troubles.shift();
        switch (trouble) {
          case undefined:
            return database.transaction(work);
          case 'slow':
            await delay(clock, SLOW_MS, new AbortController().signal);
            return database.transaction(work);
          case 'fails_before_commit':
            return database.transaction(async (tx) => {
              await work(tx);
              throw failure();
            });
          case 'fails_after_commit':
            return failAfterCommit(database, work);
        }
      },
    };
  }
}

async function failAfterCommit<Result>(
  database: StateDatabase,
  work: (tx: StateTransaction) => Promise<Result>,
): Promise<Result> {
  const effects: (() => void)[] = [];
  await database.transaction((tx) =>
    work({ ...tx, afterCommit() {}, afterRollback: (effect) => void effects.push(effect) }),
  );
  for (const effect of effects) effect();
  throw failure();
}

function failure(): OmoiError {
  return new OmoiError('database_failed', 'the connection broke');
}
