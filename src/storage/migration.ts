import type { Kysely } from 'kysely';

/** Raw schema access: a migration must not depend on today's table types. */
// oxlint-disable-next-line typescript/no-explicit-any -- Kysely's own type for an unknown schema
export type SchemaAccess = Kysely<any>;

/**
 * Portable types: `text`, `bigint` for times and counts that may grow (PostgreSQL's `integer` has 32 bits),
 * `integer` for small numbers and booleans, `double precision`.
 */
export interface MigrationStep {
  up(db: SchemaAccess, dialect: 'sqlite' | 'postgres'): Promise<void>;
  down(db: SchemaAccess, dialect: 'sqlite' | 'postgres'): Promise<void>;
}

/** One numbered migration; each half runs on the database that holds its tables. */
export interface Migration {
  /** `005_monitoring_observability` */
  readonly name: string;
  readonly state?: MigrationStep;
  readonly telemetry?: MigrationStep;
}
