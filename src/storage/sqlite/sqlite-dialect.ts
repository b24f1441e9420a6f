import type { SQLInputValue } from 'node:sqlite';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  type SelectModifierNode,
} from 'kysely';
import { errorOf } from './sqlite-errors.ts';
import type { SqliteAccess } from './sqlite-access.ts';

/**
 * Kysely over a SQLite thread. Its transactions are savepoints inside an outer transaction that the commit queue
 * opens and commits; a writing dialect is used in the queue's turns alone.
 */
export function createThreadDialect(
  thread: SqliteAccess,
  options: { readonly path: string; readonly access: 'read' | 'write' },
): Dialect {
  return {
    createAdapter: () => new ThreadAdapter(),
    createDriver: () => new ThreadDriver(thread, options),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SerialQueryCompiler(),
  };
}

/** Requests queue in the thread, so nothing has to wait for a connection on this side. */
class ThreadAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** `for update` and its like say nothing here: transactions run one after the other. */
class SerialQueryCompiler extends SqliteQueryCompiler {
  protected override visitSelectModifier(node: SelectModifierNode): void {
    if (node.modifier === 'Distinct' || node.rawModifier) super.visitSelectModifier(node);
  }
}

class ThreadDriver implements Driver {
  readonly #connection: ThreadConnection;
  readonly #thread: SqliteAccess;

  constructor(thread: SqliteAccess, options: { readonly path: string; readonly access: 'read' | 'write' }) {
    this.#thread = thread;
    this.#connection = new ThreadConnection(thread, options);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    this.#connection.assertWritable();
    this.#thread.tell({ op: 'savepoint' });
  }

  async commitTransaction(): Promise<void> {
    this.#thread.tell({ op: 'release' });
  }

  async rollbackTransaction(): Promise<void> {
    // When this fails the outer transaction is broken as a whole, and its commit says so.
    await this.#thread.ask({ op: 'undo' });
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

class ThreadConnection implements DatabaseConnection {
  readonly #thread: SqliteAccess;
  readonly #path: string;
  readonly #access: 'read' | 'write';

  constructor(
    thread: SqliteAccess,
    { path, access }: { readonly path: string; readonly access: 'read' | 'write' },
  ) {
    this.#thread = thread;
    this.#path = path;
    this.#access = access;
  }

  assertWritable(): void {
    if (this.#access === 'read') throw new Error('the reader of a database has no transactions');
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const reply = await this.#thread.ask({
      op: this.#access,
      sql: query.sql,
      // What is no SQLite value is refused by the thread, with its place among the parameters.
      parameters: query.parameters as readonly SQLInputValue[],
    });
    if (!reply.ok) throw errorOf(reply.failure, this.#path);
    const { rows, changes, lastInsertRowid } = reply.result;
    return {
      rows: rows as Row[],
      ...(changes !== null && { numAffectedRows: BigInt(changes) }),
      ...(lastInsertRowid !== null && { insertId: BigInt(lastInsertRowid) }),
    };
  }

  // oxlint-disable-next-line require-yield -- the port asks for a generator; answers come whole from the thread
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('a SQLite thread answers whole; ask for less with limit');
  }
}
