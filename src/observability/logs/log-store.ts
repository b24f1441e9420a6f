import { CompiledQuery, type Selectable } from 'kysely';
import { inBatches, type RetentionJob, type TelemetryDatabase } from '#storage';
import type { ReceivedLogRecord, Clock } from '#telemetry';
import { SlicedSearch, type SearchPage } from '../sliced-search.ts';
import {
  createDayTable,
  dayEndMs,
  dayTableOf,
  listDayTables,
  withLogTables,
  type DayTable,
  type LogRow,
} from './day-tables.ts';
import { entryFromReceived, LOG_LEVELS, logLevelOf, type LogEntry } from './log-entry.ts';
import { sliceOfDays } from './log-slices.ts';
import type { LogQuery } from './log-query.ts';

/** Where log lines are kept and found again: Omoi's own and those that others send. */
export interface LogStore {
  append(entries: readonly LogEntry[]): Promise<void>;
  /** Keeps records that came in by OTLP. */
  receive(records: readonly ReceivedLogRecord[]): Promise<void>;
  /**
   * Lines that fit, the newest first. It reads a bounded number of rows at a time, and for a bounded time: a page may
   * hold fewer lines than asked for, and more follow by its cursor. @throws OmoiError `invalid_request`
   */
  search(query: LogQuery): Promise<SearchPage<LogEntry>>;
  /** Makes room on a full disk: the oldest day goes, or, where there is but one, some of its oldest lines. */
  dropOldest(): Promise<void>;
  /** Drops the tables of the days that are wholly past. */
  retention(keepMs: number): RetentionJob;
}

const maxRowsPerInsert = 500;
const linesDroppedWhenFull = 5000;
/** Lines of a past day that go in one transaction. */
const linesDroppedPerBatch = 500;
const maxListedLines = 1000;
const DAY_MS = 86_400_000;

export function createLogStore(database: TelemetryDatabase, clock: Clock): LogStore {
  const known = new Set<DayTable>();
  const searching = new SlicedSearch('logs', clock);

  async function append(entries: readonly LogEntry[]): Promise<void> {
    // Names are made a day, not a line.
    const days = [...Map.groupBy(entries, ({ atMs }) => Math.floor(atMs / DAY_MS))].map(
      ([day, ofDay]) => [dayTableOf(day * DAY_MS), ofDay] as const,
    );
    await database.transaction(async (tx) => {
      for (const [table, ofDay] of days) {
        if (!known.has(table)) await createDayTable(tx, table);
        for (let at = 0; at < ofDay.length; at += maxRowsPerInsert) {
          const rows = ofDay.slice(at, at + maxRowsPerInsert).map(valuesOf);
          await tx.db.executeQuery(CompiledQuery.raw(insertInto(table), [JSON.stringify(rows)]));
        }
        tx.afterCommit(() => known.add(table));
      }
    });
  }

  async function dropBefore(beforeMs: number, signal: AbortSignal): Promise<number> {
    let dropped = 0;
    for (const table of await listDayTables(database)) {
      if ((dayEndMs(table) ?? Infinity) <= beforeMs) dropped += await dropDay(table, signal);
    }
    return dropped;
  }

  /** Empties the table of a day bit by bit, since dropping a full one takes seconds; tells how many lines went. */
  async function dropDay(table: DayTable, signal: AbortSignal): Promise<number> {
    known.delete(table);
    const dropped = await inBatches({ clock, signal }, () => deleteFirst(table, linesDroppedPerBatch));
    await database.transaction(async (tx) => {
      const left = await withLogTables(tx.db).selectFrom(table).select('id').limit(1).executeTakeFirst();
      if (left === undefined) await tx.db.schema.dropTable(table).execute();
    });
    return dropped;
  }

  async function deleteFirst(table: DayTable, count: number): Promise<number> {
    const result = await database.transaction((tx) => {
      const db = withLogTables(tx.db);
      const first = db.selectFrom(table).select('id').orderBy('id').limit(count);
      return db.deleteFrom(table).where('id', 'in', first).executeTakeFirst();
    });
    return Number(result.numDeletedRows);
  }

  async function dropOldest(): Promise<void> {
    const oldest = (await listDayTables(database)).at(-1);
    if (oldest !== undefined) await deleteFirst(oldest, linesDroppedWhenFull);
  }

  return {
    append,
    receive: (records) => append(records.map((record) => entryFromReceived(record, clock.wallMs()))),
    async search(query) {
      const tables = await listDayTables(database);
      const page = await searching.run(
        { from: query.cursor, limit: Math.min(query.limit, maxListedLines) },
        (before, limit) => sliceOfDays(database, { ...query, limit }, { tables, before }),
      );
      return { ...page, found: page.found.map(entryOf) };
    },
    dropOldest,
    retention: (keepMs) => ({
      name: 'logs',
      run: (nowMs, signal) => dropBefore(nowMs - keepMs, signal),
    }),
  };
}

const COLUMNS = 'at_ms, level, component, service_name, message, trace_id, span_id, fields';

/**
 * One statement for any number of rows, which come as JSON: many shapes of it would fill the cache of statements.
 * Fields are cut out of it as they are.
 */
function insertInto(table: DayTable): string {
  return `insert into ${table} (${COLUMNS})
    select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value -> 7
    from json_each(?)`;
}

/** In the order of `COLUMNS`. */
function valuesOf(entry: LogEntry): readonly unknown[] {
  return [
    Math.trunc(entry.atMs),
    LOG_LEVELS[entry.level],
    entry.component,
    entry.serviceName,
    entry.message,
    entry.traceId,
    entry.spanId,
    entry.fields,
  ];
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
