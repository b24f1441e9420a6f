import type { StateDatabase } from '#storage';
import { OmoiError } from '#telemetry';

/** `lost`: the transaction fails; `unanswered`: it goes through, but its caller hears of a failure. */
export type Fault = 'lost' | 'unanswered';

/** What was asked of the database since it was last cleared. */
export interface Traffic {
  transactions: number;
  /** Statements in transactions. */
  statements: number;
}

export interface DatabaseObserver {
  /** What the next transactions suffer, one each. */
  readonly faults: Fault[];
  readonly traffic: Traffic;
  /** Called before and after each transaction and each read: who comes first is for a test to say. */
  pause?: (() => Promise<void>) | null;
}

/** A database that counts, delays and fails as it is told. */
export function observedDatabase(database: StateDatabase, observer: DatabaseObserver): StateDatabase {
  const { faults, traffic } = observer;
  return {
    ...database,
    async transaction(work) {
      await paused(observer);
      const fault = faults.shift();
      if (fault === 'lost') throw new OmoiError('database_failed', 'lost');
      traffic.transactions++;
      const result = await database.transaction((tx) =>
        work({
          ...tx,
          db: tx.db.withPlugin({
            transformQuery({ node }) {
              traffic.statements++;
              return node;
            },
            transformResult: async ({ result: rows }) => rows,
          }),
        }),
      );
      await paused(observer);
      if (fault === 'unanswered') throw new OmoiError('database_failed', 'unanswered');
      return result;
    },
  };
}

/** Whoever was in a pause when another took its place has that one too: a process that was killed asks nothing any more. */
async function paused(observer: DatabaseObserver): Promise<void> {
  let had: DatabaseObserver['pause'];
  do {
    had = observer.pause;
    await had?.();
  } while (observer.pause !== had);
}
