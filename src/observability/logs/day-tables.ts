import { sql, type Generated, type Kysely } from 'kysely';
import type { DatabaseTransaction, TelemetryDatabase, TelemetryTables } from '#storage';
import { LOG_LEVELS } from './log-entry.ts';

const DAY_MS = 86_400_000;
/** Lines of this level and above are few, and are what is looked for most: they have an index of their own. */
export const SEVERE_LEVEL = LOG_LEVELS.warn;

/** A table of the log: one for each day in UTC, so that retention drops whole days. `logs_20261122` */
export type DayTable = `logs_${string}`;

/** A log table; the tables come and go with the days and are in no migration. */
export interface LogRow {
  /** Grows in order of writing. */
  id: Generated<number>;
  at_ms: number;
  level: number;
  component: string;
  service_name: string;
  message: string;
  trace_id: string | null;
  span_id: string | null;
  /** JSON object. */
  fields: string;
}

/** The tables of the telemetry, and those of the days. */
export type LogTables = Record<DayTable, LogRow>;

const NAME = /^logs_(\d{4})(\d{2})(\d{2})$/;

export function dayTableOf(atMs: number): DayTable {
  return `logs_${new Date(atMs).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** When a table's day began, in wall ms; null for a name that is none of a day's table. */
export function dayStartMs(table: string): number | null {
  const match = NAME.exec(table);
  return match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : null;
}

/** Wall ms at which the next day begins. */
export function dayEndMs(table: string): number | null {
  const startMs = dayStartMs(table);
  return startMs === null ? null : startMs + DAY_MS;
}

/** A database that also knows the days' tables. */
export function withLogTables(db: Kysely<TelemetryTables>): Kysely<LogTables> {
  // The names are made and checked here; Kysely knows only tables that always exist.
  return db as unknown as Kysely<LogTables>;
}

/** The days' tables that exist, the newest first. */
export async function listDayTables(database: TelemetryDatabase): Promise<readonly DayTable[]> {
  const tables = await sql<{ name: string }>`
    select name from sqlite_schema where type = 'table' and name glob 'logs_*'
  `.execute(database.reader);
  return tables.rows
    .map((table) => table.name)
    .filter((name): name is DayTable => dayStartMs(name) !== null)
    .sort()
    .reverse();
}

export async function createDayTable(
  tx: DatabaseTransaction<TelemetryTables>,
  table: DayTable,
): Promise<void> {
  await tx.db.schema
    .createTable(table)
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('level', 'integer', (column) => column.notNull())
    .addColumn('component', 'text', (column) => column.notNull())
    .addColumn('service_name', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('trace_id', 'text')
    .addColumn('span_id', 'text')
    .addColumn('fields', 'text', (column) => column.notNull())
    .execute();
  await tx.db.schema
    .createIndex(`${table}_by_time`)
    .ifNotExists()
    .on(table)
    .columns(['at_ms', 'id'])
    .execute();
  await tx.db.schema
    .createIndex(`${table}_by_service`)
    .ifNotExists()
    .on(table)
    .columns(['service_name', 'at_ms', 'id'])
    .execute();
  await tx.db.schema
    .createIndex(`${table}_severe`)
    .ifNotExists()
    .on(table)
    .columns(['at_ms', 'id', 'level'])
    .where(sql<boolean>`level >= ${sql.lit(SEVERE_LEVEL)}`)
    .execute();
  await tx.db.schema
    .createIndex(`${table}_by_trace`)
    .ifNotExists()
    .on(table)
    .columns(['trace_id', 'at_ms', 'id'])
    .where('trace_id', 'is not', null)
    .execute();
}
