import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { SqliteRows } from './worker-protocol.ts';

interface CachedStatement {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

const maxCachedStatements = 500;

/** Runs SQL with statements prepared once; the least recently used go first. */
export class StatementCache {
  readonly #database: DatabaseSync;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #statements = new Map<string, CachedStatement>();

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
    if (this.#statements.size > maxCachedStatements) {
      const oldest = this.#statements.keys().next();
      if (!oldest.done) this.#statements.delete(oldest.value);
    }
    return prepared;
  }
}
