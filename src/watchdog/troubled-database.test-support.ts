import type { StateDatabase } from '#storage';
import { delay, OmoiError, type Clock } from '#telemetry';
import { transactUnanswered } from '../storage/unanswered-commit.test-support.ts';

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
      transaction: async (work, options) => {
        const trouble = this.troubles.shift();
        switch (trouble) {
          case undefined:
            return database.transaction(work, options);
          case 'slow':
            await delay(clock, SLOW_MS, new AbortController().signal);
            return database.transaction(work, options);
          case 'fails_before_commit':
            return database.transaction(async (tx) => {
              await work(tx);
              throw new OmoiError('database_failed', 'simulated: the connection broke before the commit');
            }, options);
          case 'fails_after_commit':
            return transactUnanswered(database, work, options);
        }
      },
    };
  }
}
