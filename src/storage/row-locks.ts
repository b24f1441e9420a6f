import { sql } from 'kysely';
import type { StateTransaction } from './database.ts';
import type { StateTables } from './tables.ts';

/** Rows of one table, by the column that tells them apart. */
export interface RowSet<Table extends keyof StateTables> {
  readonly table: Table;
  readonly key: keyof StateTables[Table] & string;
  readonly ids: readonly string[];
}

/**
 * Holds rows until the transaction ends, in the order of their ids: whoever changes several rows of one table in a
 * transaction takes them so first, because two transactions that take the same rows in different orders wait for each
 * other for ever. Ids without a row are passed over. On SQLite, where transactions do not overlap, it asks nothing.
 */
export async function lockRows<Table extends keyof StateTables>(
  tx: Pick<StateTransaction, 'dialect' | 'db'>,
  { table, key, ids }: RowSet<Table>,
): Promise<void> {
  if (tx.dialect !== 'postgres' || ids.length < 2) return;
  const column = sql.ref(key);
  // By bytes, as those who take rows one after the other sort them in memory.
  await sql`select ${column} from ${sql.table(table)} where ${column} in (${sql.join(ids)})
    order by ${column} collate "C" for update`.execute(tx.db);
}
