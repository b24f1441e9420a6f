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
    createDriver: () => new CodedDriver(dialect.createDriver(), refusal),
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

  constructor(driver: Driver, refusal: () => OmoiError | null) {
    this.#driver = driver;
    this.#refusal = refusal;
  }

  init(): Promise<void> {
    return this.#driver.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
    return new CodedConnection(await coded(this.#driver.acquireConnection()));
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

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.#driver.releaseConnection(innerOf(connection));
  }

  destroy(): Promise<void> {
    return this.#driver.destroy();
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
