import { sql, type Insertable, type Selectable } from 'kysely';
import type { RetentionJob, TelemetryDatabase } from '#storage';
import type { ReceivedLogRecord, Clock } from '#telemetry';
import {
  createDayTable,
  dayEndMs,
  dayStartMs,
  dayTableOf,
  listDayTables,
  withLogTables,
  type DayTable,
  type LogRow,
} from './day-tables.ts';
import { entryFromReceived, LOG_LEVELS, logLevelOf, type LogEntry, type LogLevel } from './log-entry.ts';

export interface LogQuery {
  /** Wall ms since epoch, both inclusive. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** This level and what is more severe. */
  readonly level?: LogLevel;
  /** Found in the message or in the fields, whatever the case of its ASCII letters. */
  readonly text?: string;
  readonly traceId?: string;
  readonly component?: string;
  readonly serviceName?: string;
  /** At most 1000. */
  readonly limit: number;
}

/** Where log lines are kept and found again: Omoi's own and those that others send. */
export interface LogStore {
  append(entries: readonly LogEntry[]): Promise<void>;
  /** Keeps records that came in by OTLP. */
  receive(records: readonly ReceivedLogRecord[]): Promise<void>;
  /** Lines that fit, the newest first. */
  search(query: LogQuery): Promise<readonly LogEntry[]>;
  /** Makes room on a full disk: the oldest day goes, or, where there is but one, some of its oldest lines. */
  dropOldest(): Promise<void>;
  /** Drops the tables of the days that are wholly past. */
  retention(keepMs: number): RetentionJob;
}

const maxRowsPerInsert = 500;
const linesDroppedWhenFull = 5000;
const maxListedLines = 1000;

export function createLogStore(database: TelemetryDatabase, clock: Clock): LogStore {
  const known = new Set<DayTable>();

  async function append(entries: readonly LogEntry[]): Promise<void> {
    const days = Map.groupBy(entries, (entry) => dayTableOf(entry.atMs));
    await database.transaction(async (tx) => {
      const db = withLogTables(tx.db);
      for (const [table, ofDay] of days) {
        if (!known.has(table)) await createDayTable(tx, table);
        for (let at = 0; at < ofDay.length; at += maxRowsPerInsert) {
          const rows = ofDay.slice(at, at + maxRowsPerInsert).map(rowOf);
          await db.insertInto(table).values(rows).execute();
        }
        tx.afterCommit(() => known.add(table));
      }
    });
  }

  async function dropBefore(beforeMs: number): Promise<number> {
    let dropped = 0;
    for (const table of await listDayTables(database)) {
      if ((dayEndMs(table) ?? Infinity) <= beforeMs) dropped += await dropDay(table);
    }
    return dropped;
  }

  /** Tells how many lines went. */
  function dropDay(table: DayTable): Promise<number> {
    known.delete(table);
    return database.transaction(async (tx) => {
      const newest = await withLogTables(tx.db)
        .selectFrom(table)
        .select((row) => row.fn.max('id').as('id'))
        .executeTakeFirst();
      await tx.db.schema.dropTable(table).execute();
      return newest?.id ?? 0;
    });
  }

  async function dropOldest(): Promise<void> {
    const days = await listDayTables(database);
    const oldest = days.at(-1);
    if (oldest === undefined) return;
    if (days.length > 1) {
      await dropDay(oldest);
      return;
    }
    await database.transaction(async (tx) => {
      const db = withLogTables(tx.db);
      const first = db.selectFrom(oldest).select('id').orderBy('id').limit(linesDroppedWhenFull);
      await db.deleteFrom(oldest).where('id', 'in', first).execute();
    });
  }

  return {
    append,
    receive: (records) => append(records.map((record) => entryFromReceived(record, clock.wallMs()))),
    async search(query) {
      const limit = Math.min(query.limit, maxListedLines);
      const found: LogEntry[] = [];
      for (const table of await listDayTables(database)) {
        if (found.length >= limit) break;
        if (!overlaps(table, query)) continue;
        found.push(...(await searchDay(database, table, { ...query, limit: limit - found.length })));
      }
      return found;
    },
    dropOldest,
    retention: (keepMs) => ({ name: 'logs', run: (nowMs) => dropBefore(nowMs - keepMs) }),
  };
}

function overlaps(table: DayTable, { fromMs, toMs }: LogQuery): boolean {
  const startMs = dayStartMs(table) ?? 0;
  const endMs = dayEndMs(table) ?? 0;
  return (fromMs === undefined || endMs > fromMs) && (toMs === undefined || startMs <= toMs);
}

async function searchDay(
  database: TelemetryDatabase,
  table: DayTable,
  query: LogQuery,
): Promise<readonly LogEntry[]> {
  const { fromMs, toMs, level, text, traceId, component, serviceName, limit } = query;
  let select = withLogTables(database.reader).selectFrom(table).selectAll();
  if (fromMs !== undefined) select = select.where('at_ms', '>=', fromMs);
  if (toMs !== undefined) select = select.where('at_ms', '<=', toMs);
  if (level !== undefined) select = select.where('level', '>=', LOG_LEVELS[level]);
  if (traceId !== undefined) select = select.where('trace_id', '=', traceId);
  if (component !== undefined) select = select.where('component', '=', component);
  if (serviceName !== undefined) select = select.where('service_name', '=', serviceName);
  if (text !== undefined) {
    const wanted = text.toLowerCase();
    select = select.where(
      sql<boolean>`(instr(lower(message), ${wanted}) > 0 or instr(lower(fields), ${wanted}) > 0)`,
    );
  }
  const rows = await select.orderBy('at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute();
  return rows.map(entryOf);
}

function rowOf(entry: LogEntry): Insertable<LogRow> {
  return {
    at_ms: Math.trunc(entry.atMs),
    level: LOG_LEVELS[entry.level],
    component: entry.component,
    service_name: entry.serviceName,
    message: entry.message,
    trace_id: entry.traceId,
    span_id: entry.spanId,
    fields: JSON.stringify(entry.fields),
  };
}

function entryOf(row: Selectable<LogRow>): LogEntry {
  return {
    atMs: row.at_ms,
    level: logLevelOf(row.level),
    component: row.component,
    serviceName: row.service_name,
    message: row.message,
    traceId: row.trace_id,
    spanId: row.span_id,
    // Read as `rowOf` wrote it.
    fields: JSON.parse(row.fields) as LogEntry['fields'],
  };
}
