import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { TelemetryDatabase } from '#storage';
import type { Position, Slice } from '../sliced-search.ts';
import { dayEndMs, dayStartMs, SEVERE_LEVEL, type DayTable, type LogRow } from './day-tables.ts';
import { LOG_LEVELS } from './log-entry.ts';
import type { LogQuery } from './log-query.ts';

/** A few milliseconds of the reading thread: the text of each is compared. */
const rowsPerSlice = 5000;

interface DaysLeft {
  /** The newest first. */
  readonly tables: readonly DayTable[];
  readonly before: Position | null;
}

/** The newest lines before a position that fit, of the first day that is not done: a bounded number of rows is read. */
export async function sliceOfDays(
  database: TelemetryDatabase,
  query: LogQuery,
  { tables, before }: DaysLeft,
): Promise<Slice<Selectable<LogRow>>> {
  const { fromMs = -Infinity, toMs = Infinity } = query;
  const lastMs = Math.min(toMs, before === null ? Infinity : before.time - (before.row === 0 ? 1 : 0));
  const [table, ...older] = tables.filter(
    (day) => (dayStartMs(day) ?? 0) <= lastMs && (dayEndMs(day) ?? 0) > fromMs,
  );
  if (table === undefined) return { found: [], next: null };
  const slice = await sliceOfDay(database, table, { query, before: before ?? endOf(table) });
  return { ...slice, next: slice.next ?? (older[0] ? endOf(older[0]) : null) };
}

/** All of a day is before it: rows count from 1. */
const endOf = (table: DayTable): Position => ({ time: dayEndMs(table) ?? 0, row: 0 });

interface DaySlice {
  readonly query: LogQuery;
  readonly before: Position;
}

async function sliceOfDay(
  { reader }: TelemetryDatabase,
  table: DayTable,
  { query, before }: DaySlice,
): Promise<Slice<Selectable<LogRow>>> {
  const { edgeQuery, linesQuery } = logSliceQueries(table, query, before);
  const edge = (await edgeQuery.execute(reader)).rows[0];
  const { rows } = await linesQuery(edge).execute(reader);
  return {
    found: rows.map((item) => ({ item, at: { time: item.at_ms, row: item.id } })),
    next: edge ?? null,
  };
}

export interface LogSliceQueries {
  /** The last row that the slice looks at; none where fewer are left. From the index alone. */
  readonly edgeQuery: RawBuilder<Position>;
  /** What fits up to there. */
  readonly linesQuery: (edge: Position | undefined) => RawBuilder<Selectable<LogRow>>;
}

/** What one slice asks the database. */
export function logSliceQueries(table: DayTable, query: LogQuery, before: Position): LogSliceQueries {
  const walk = walked(query, before);
  return {
    edgeQuery: sql`select at_ms as time, id as row from ${sql.table(table)} where ${walk}
      order by at_ms desc, id desc limit 1 offset ${rowsPerSlice - 1}`,
    linesQuery(edge) {
      const conditions = [walk, ...filters(query)];
      if (edge) conditions.push(sql`(at_ms, id) >= (${edge.time}, ${edge.row})`);
      return sql`select * from ${sql.table(table)} where ${sql.join(conditions, sql` and `)}
        order by at_ms desc, id desc limit ${query.limit}`;
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
