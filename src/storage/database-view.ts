import type { Database } from './database.ts';

/** The same database, whose transactions go by a way of their own: they are counted, timed or tried again. */
export function withTransactions<Tables>(
  database: Database<Tables>,
  transaction: Database<Tables>['transaction'],
): Database<Tables> {
  return {
    dialect: database.dialect,
    reader: database.reader,
    close: () => database.close(),
    transaction,
  };
}
