import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { TelemetryDatabase } from '#storage';
import type { Position, Slice } from '../sliced-search.ts';
import { dayEndMs, dayStartMs, SEVERE_LEVEL, type DayTable, type LogRow } from './day-tables.ts';
import { LOG_LEVELS } from './log-entry.ts';
import type { LogQuery } from './log-query.ts';

/** A few milliseconds of the reading thread: the text of each is compared. */
const rowsPerSlice = 5000;

/** What a page may still hold. */
export interface PageRoom {
  readonly lines: number;
  /** Of messages and fields. The first line of a page may have more. */
  readonly bytes: number;
  readonly isEmpty: boolean;
}

/** A line that fits, and how much there is to read of it. */
export interface SizedLine {
  readonly table: DayTable;
  readonly id: number;
  readonly bytes: number;
}

interface DaysLeft {
  /** The newest first. */
  readonly tables: readonly DayTable[];
  readonly before: Position | null;
  readonly room: PageRoom;
}

/** The newest lines before a position that fit, of the first day that is not done: a bounded number of rows is read. */
export async function sliceOfDays(
  database: TelemetryDatabase,
  query: LogQuery,
  { tables, before, room }: DaysLeft,
): Promise<Slice<SizedLine>> {
  const { fromMs = -Infinity, toMs = Infinity } = query;
  const lastMs = Math.min(toMs, before === null ? Infinity : before.time - (before.row === 0 ? 1 : 0));
  const [table, ...older] = tables.filter(
    (day) => (dayStartMs(day) ?? 0) <= lastMs && (dayEndMs(day) ?? 0) > fromMs,
  );
  if (table === undefined) return { found: [], next: null };
  const slice = await sliceOfDay(database, table, { query, before: before ?? endOf(table), room });
  return { ...slice, next: slice.next ?? (older[0] ? endOf(older[0]) : null) };
}

/** All of a day is before it: rows count from 1. */
const endOf = (table: DayTable): Position => ({ time: dayEndMs(table) ?? 0, row: 0 });

interface DaySlice {
  readonly query: LogQuery;
  readonly before: Position;
  readonly room: PageRoom;
}

async function sliceOfDay(
  { reader }: TelemetryDatabase,
  table: DayTable,
  { query, before, room }: DaySlice,
): Promise<Slice<SizedLine>> {
  const { edgeQuery, linesQuery } = logSliceQueries(table, query, before);
  const edge = (await edgeQuery.execute(reader)).rows[0];
  const { rows } = await linesQuery(edge, room.lines).execute(reader);
  const kept = countWithin(rows, room);
  return {
    found: rows.slice(0, kept).map(({ id, at_ms, bytes }) => ({
      item: { table, id, bytes },
      at: { time: at_ms, row: id },
    })),
    next: edge ?? null,
    isFull: kept < rows.length,
  };
}

/** How many of the rows a page has room for. */
function countWithin(rows: readonly { readonly bytes: number }[], { bytes, isEmpty }: PageRoom): number {
  let left = bytes;
  const tooMuch = rows.findIndex((row, at) => (left -= row.bytes) < 0 && !(isEmpty && at === 0));
  return tooMuch < 0 ? rows.length : tooMuch;
}

/** Lines of one day as they are kept, the newest first. */
export async function readLines(
  { reader }: TelemetryDatabase,
  table: DayTable,
  ids: readonly number[],
): Promise<readonly Selectable<LogRow>[]> {
  const { rows } = await sql<Selectable<LogRow>>`select * from ${sql.table(table)}
    where id in (select value from json_each(${JSON.stringify(ids)})) order by at_ms desc, id desc`.execute(
    reader,
  );
  return rows;
}

export interface LogSliceQueries {
  /** The last row that the slice looks at; none where fewer are left. From the index alone. */
  readonly edgeQuery: RawBuilder<Position>;
  /** What fits up to there, without reading its text where nothing is looked for in it. */
  readonly linesQuery: (edge: Position | undefined, limit: number) => RawBuilder<LineSize>;
}

interface LineSize {
  readonly id: number;
  readonly at_ms: number;
  readonly bytes: number;
}

/** What one slice asks the database. */
export function logSliceQueries(table: DayTable, query: LogQuery, before: Position): LogSliceQueries {
  const walk = walked(query, before);
  return {
    edgeQuery: sql`select at_ms as time, id as row from ${sql.table(table)} where ${walk}
      order by at_ms desc, id desc limit 1 offset ${rowsPerSlice - 1}`,
    linesQuery(edge, limit) {
      const conditions = [walk, ...filters(query)];
      if (edge) conditions.push(sql`(at_ms, id) >= (${edge.time}, ${edge.row})`);
      return sql`select id, at_ms, octet_length(message) + octet_length(fields) as bytes
        from ${sql.table(table)} where ${sql.join(conditions, sql` and `)}
        order by at_ms desc, id desc limit ${limit}`;
    },
  };
}

/** What an index finds in the order of time: the condition that narrows most, and the times. */
function walked(
  { traceId, serviceName, level, fromMs, toMs }: LogQuery,
  before: Position,
): RawBuilder<boolean> {
  const conditions = [sql<boolean>`(at_ms, id) < (${before.time}, ${before.row})`];
  if (fromMs !== undefined) conditions.push(sql`at_ms >= ${fromMs}`);
  if (toMs !== undefined) conditions.push(sql`at_ms <= ${toMs}`);
  if (traceId !== undefined) conditions.push(sql`trace_id = ${traceId}`);
  else if (serviceName !== undefined) conditions.push(sql`service_name = ${serviceName}`);
  // A literal: SQLite takes an index of some rows only where it sees that they are enough.
  else if (level !== undefined && LOG_LEVELS[level] >= SEVERE_LEVEL)
    conditions.push(sql`level >= ${sql.lit(SEVERE_LEVEL)}`);
  return sql.join(conditions, sql` and `);
}

function filters({ level, component, serviceName, text }: LogQuery): RawBuilder<boolean>[] {
  const conditions: RawBuilder<boolean>[] = [];
  // `+` keeps the planner at the index that the walk is about.
  if (level !== undefined) conditions.push(sql`+level >= ${LOG_LEVELS[level]}`);
  if (component !== undefined) conditions.push(sql`component = ${component}`);
  if (serviceName !== undefined) conditions.push(sql`+service_name = ${serviceName}`);
  if (text !== undefined) {
    const wanted = text.toLowerCase();
    conditions.push(sql`(instr(lower(message), ${wanted}) > 0 or instr(lower(fields), ${wanted}) > 0)`);
  }
  return conditions;
}
