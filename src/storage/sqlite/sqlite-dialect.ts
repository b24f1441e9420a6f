import type { SQLInputValue } from 'node:sqlite';
import {
  DefaultQueryExecutor,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  Transaction,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type KyselyProps,
  type QueryResult,
  type SelectModifierNode,
} from 'kysely';
import { errorOf } from './sqlite-errors.ts';
import type { SqliteAccess } from './sqlite-access.ts';

/** Kysely over a SQLite thread, for reads that need no transaction. */
export function createReader<Tables>(thread: SqliteAccess, path: string): Kysely<Tables> {
  return new Kysely<Tables>(propsOf(new ThreadConnection(thread, { path, access: 'read' })));
}

/**
 * What runs inside the transactions of a SQLite thread: one for all of them, since they take turns. A transaction is a
 * savepoint inside an outer transaction that the commit queue opens and commits. Statements that are not awaited one by
 * one go to the thread together, and are done in their order.
 */
export function createWriter<Tables>(connection: ThreadConnection): Transaction<Tables> {
  return new Transaction<Tables>(propsOf(connection));
}

function propsOf(connection: ThreadConnection): KyselyProps {
  const dialect: Dialect = {
    createAdapter: () => new ThreadAdapter(),
    createDriver: () => new ThreadDriver(connection),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SerialQueryCompiler(),
  };
  const executor = new DefaultQueryExecutor(dialect.createQueryCompiler(), dialect.createAdapter(), {
    provideConnection: (consumer) => consumer(connection),
  });
  return { config: { dialect }, dialect, driver: dialect.createDriver(), executor };
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

  constructor(connection: ThreadConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    throw new Error('the reader of a database has no transactions');
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

/** What is asked of a SQLite thread, by reading or by writing. */
export class ThreadConnection implements DatabaseConnection {
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

  /**
   * A statement whose answer nobody waits for before the commit; where it fails, so does the transaction.
   * @throws TypeError at once for what can't be sent: it would be missing in the thread when the commit comes
   */
  atCommit<Row>({ sql, parameters }: CompiledQuery<Row>, foreseen?: number): Promise<readonly Row[]> {
    const values = parameters.map(sendable);
    const write = { op: 'write', sql, parameters: values, atCommit: true } as const;
    return this.#thread.ask(foreseen === undefined ? write : { ...write, foreseen }).then((reply) => {
      if (!reply.ok) throw errorOf(reply.failure, this.#path);
      return reply.result.rows as readonly Row[];
    });
  }

  // oxlint-disable-next-line require-yield -- the port asks for a generator; answers come whole from the thread
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('a SQLite thread answers whole; ask for less with limit');
  }
}

function sendable(parameter: unknown): SQLInputValue {
  if (typeof parameter === 'string' || typeof parameter === 'number' || typeof parameter === 'bigint') {
    return parameter;
  }
  if (parameter === null || parameter instanceof Uint8Array) return parameter;
  throw new TypeError(`not a database value: ${typeof parameter}`);
}
