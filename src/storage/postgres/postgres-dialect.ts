import {
  PostgresDialect,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Pool } from 'pg';
import type { OmoiError } from '#telemetry';
import { postgresErrorOf } from './postgres-errors.ts';

/**
 * Kysely's PostgreSQL dialect, whose errors are those of the catalogue.
 * @param refusal why no connection is given now; null where one may be asked for
 */
export function createCodedPostgresDialect(pool: Pool, refusal: () => OmoiError | null): Dialect {
  const dialect = new PostgresDialect({ pool });
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => new CodedDriver(dialect.createDriver(), refusal, pool.options.max),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  };
}

async function coded<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call;
  } catch (error) {
    throw postgresErrorOf(error);
  }
}

class CodedDriver implements Driver {
  readonly #driver: Driver;
  readonly #refusal: () => OmoiError | null;
  readonly #places: Places;

  constructor(driver: Driver, refusal: () => OmoiError | null, maxConnections: number) {
    this.#driver = driver;
    this.#refusal = refusal;
    this.#places = new Places(maxConnections);
  }

  init(): Promise<void> {
    return this.#driver.init();
  }

  /** Who waits for others to give theirs back waits: only the connection itself may take too long, and tell of an outage. */
  async acquireConnection(): Promise<DatabaseConnection> {
    this.#assertThere();
    await this.#places.take();
    try {
      this.#assertThere();
      return new CodedConnection(await coded(this.#driver.acquireConnection()));
    } catch (error) {
      this.#places.giveBack();
      throw error;
    }
  }

  #assertThere(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return coded(this.#driver.beginTransaction(innerOf(connection), settings));
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return coded(this.#driver.commitTransaction(innerOf(connection)));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // A rollback that fails has lost its connection, and with it the transaction. The pool discards the
    // connection; the caller is told what made the rollback necessary, which says more.
    await this.#driver.rollbackTransaction(innerOf(connection)).catch(() => undefined);
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    try {
      await this.#driver.releaseConnection(innerOf(connection));
    } finally {
      this.#places.giveBack();
    }
  }

  destroy(): Promise<void> {
    return this.#driver.destroy();
  }
}

/** Places that are given to those who ask in the order in which they ask. */
class Places {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    await promise;
  }

  giveBack(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/**
 * PostgreSQL has no U+0000 in a text and refuses the whole statement, each time it is tried. U+FFFD takes its place, as
 * it does for half a surrogate pair, which UTF-8 cannot write. JSON that is stored has it escaped, and keeps it.
 */
function storable(query: CompiledQuery): CompiledQuery {
  if (!query.parameters.some((value) => typeof value === 'string' && value.includes('\0'))) return query;
  return {
    ...query,
    parameters: query.parameters.map((value) =>
      typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value,
    ),
  };
}

class CodedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;

  constructor(inner: DatabaseConnection) {
    this.inner = inner;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return coded(this.inner.executeQuery<Row>(storable(query)));
  }

  streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    return this.inner.streamQuery<Row>(query, chunkSize);
  }
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof CodedConnection ? connection.inner : connection;
}
