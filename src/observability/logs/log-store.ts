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
import { readLines, sliceOfDays, type SizedLine } from './log-slices.ts';
import type { LogQuery } from './log-query.ts';

/** Where log lines are kept and found again: Omoi's own and those that others send. */
export interface LogStore {
  append(entries: readonly LogEntry[]): Promise<void>;
  /** Keeps records that came in by OTLP. */
  receive(records: readonly ReceivedLogRecord[]): Promise<void>;
  /**
   * Lines that fit, the newest first. It reads a bounded number of rows at a time, and for a bounded time: a page may
   * hold fewer lines than asked for, also where they are long, and more follow by its cursor. The text of a page has
   * some megabytes at most. @throws OmoiError `invalid_request`
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
/** Of messages and fields: what a page has of them is held in memory, and takes this thread's time to read and to send. */
const maxPageBytes = 4 * 1024 * 1024;
/** Of the lines of a page, so much is read before others have a turn. */
const bytesReadAtOnce = 256 * 1024;
const linesReadAtOnce = 100;
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

  async function entriesOf(lines: readonly SizedLine[]): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = [];
    for (const [table, ids] of partsOf(lines)) {
      // Each part is an answer of another thread: others have their turn before it.
      for (const row of await readLines(database, table, ids)) entries.push(entryOf(row));
    }
    return entries;
  }

  return {
    append,
    receive: (records) => append(records.map((record) => entryFromReceived(record, clock.wallMs()))),
    async search(query) {
      const tables = await listDayTables(database);
      let bytes = maxPageBytes;
      const limit = Math.min(query.limit, maxListedLines);
      const page = await searching.run({ ...query, limit }, async (before, lines) => {
        const room = { lines, bytes, isEmpty: bytes === maxPageBytes };
        const slice = await sliceOfDays(database, query, { tables, before, room });
        for (const { item } of slice.found) bytes -= item.bytes;
        return slice;
      });
      return { ...page, found: await entriesOf(page.found) };
    },
    dropOldest,
    retention: (keepMs) => ({
      name: 'logs',
      run: (nowMs, signal) => dropBefore(nowMs - keepMs, signal),
    }),
  };
}

/** Lines of one day that are read at once. */
function* partsOf(
  lines: readonly SizedLine[],
): Generator<readonly [table: DayTable, ids: readonly number[]], void, void> {
  let ids: number[] = [];
  let bytes = 0;
  for (const [at, line] of lines.entries()) {
    ids.push(line.id);
    bytes += line.bytes;
    const next = lines[at + 1];
    const isLast =
      next?.table !== line.table || ids.length === linesReadAtOnce || bytes + next.bytes > bytesReadAtOnce;
    if (!isLast) continue;
    yield [line.table, ids];
    ids = [];
    bytes = 0;
  }
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
