import type { KyselyPlugin } from 'kysely';
import type { StateDatabase } from '#storage';

/** A database that notes what it is asked. */
export class CountedDatabase {
  /** Statements since the last `reset`. */
  statements = 0;
  /** Rows that they gave. */
  rows = 0;
  transactions = 0;
  /** Remediations that were read whole, outside of transactions. */
  remediationsRead = 0;
  /** The text of every statement there has been. */
  readonly texts = new Set<string>();

  reset(): void {
    this.statements = 0;
    this.rows = 0;
    this.transactions = 0;
    this.remediationsRead = 0;
  }

  around(database: StateDatabase): StateDatabase {
    const executor = database.reader.getExecutor();
    const counting: KyselyPlugin = {
      transformQuery: ({ node, queryId }) => {
        this.statements++;
        this.texts.add(executor.compileQuery(node, queryId).sql);
        return node;
      },
      transformResult: async ({ result }) => {
        this.rows += result.rows.length;
        return result;
      },
    };
    return {
      ...database,
      reader: database.reader.withPlugin(counting).withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          this.remediationsRead += result.rows.filter((row) => 'plan' in row).length;
          return result;
        },
      }),
      transaction: (work, options) => {
        this.transactions++;
        return database.transaction((tx) => work({ ...tx, db: tx.db.withPlugin(counting) }), options);
      },
    };
  }
}
