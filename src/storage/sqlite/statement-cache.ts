import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { SqliteRows } from './worker-protocol.ts';

interface CachedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

const maxCachedStatements = 500;
/**
 * Of all cached SQL together. A prepared statement takes some twenty times its text, and one that inserts many rows has
 * a long text for each number of rows.
 */
const maxCachedSqlLength = 256 * 1024;

/** Runs SQL with statements prepared once; the least recently used go first. */
export class StatementCache {
  readonly #database: DatabaseSync;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #statements = new Map<string, CachedStatement>();
  #cachedSqlLength = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  run(sql: string, parameters: readonly SQLInputValue[]): SqliteRows {
    const { statement, returnsRows } = this.#prepare(sql);
    if (returnsRows) return { rows: statement.all(...parameters), changes: null, lastInsertRowid: null };
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  }

  #prepare(sql: string): CachedStatement {
    const known = this.#statements.get(sql);
    if (known) {
      this.#statements.delete(sql);
      this.#statements.set(sql, known);
      return known;
    }
    const statement = this.#database.prepare(sql);
    const prepared = { statement, returnsRows: statement.columns().length > 0 };
    this.#statements.set(sql, prepared);
    this.#cachedSqlLength += sql.length;
    this.#forgetOldest();
    return prepared;
  }

  /** The statement that was prepared last stays, however long it is. */
  #forgetOldest(): void {
    for (const sql of this.#statements.keys()) {
      const fits =
        this.#statements.size <= maxCachedStatements && this.#cachedSqlLength <= maxCachedSqlLength;
      if (fits || this.#statements.size === 1) return;
      this.#statements.delete(sql);
      this.#cachedSqlLength -= sql.length;
    }
  }
}
