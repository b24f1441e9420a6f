import { sql, type RawBuilder } from 'kysely';
import type { TelemetryDatabase } from '#storage';
import type { Position, Slice } from '../sliced-search.ts';
import type { TraceQuery } from './trace-query.ts';

/** A few milliseconds of the reading thread, also where the attributes of each are read. */
const rowsPerSlice = 2000;
/** After every start that a span can have. */
const END: Position = { time: Number.MAX_SAFE_INTEGER, row: 0 };

/** The traces that have a span that fits among the newest spans before a position: a bounded number is read. */
export async function sliceOfSpans(
  { reader }: TelemetryDatabase,
  query: TraceQuery,
  before: Position | null,
): Promise<Slice<string>> {
  const { edgeQuery, tracesQuery } = spanSliceQueries(query, before);
  const edge = (await edgeQuery.execute(reader)).rows[0];
  const { rows } = await tracesQuery(edge).execute(reader);
  return {
    found: rows.map(({ trace_id, time, row }) => ({ item: trace_id, at: { time, row } })),
    next: edge ?? null,
  };
}

export interface SpanSliceQueries {
  /** The last row that the slice looks at; none where fewer are left. From the index alone. */
  readonly edgeQuery: RawBuilder<Position>;
  /** What fits up to there. */
  readonly tracesQuery: (edge: Position | undefined) => RawBuilder<Position & { readonly trace_id: string }>;
}

/** What one slice asks the database. */
export function spanSliceQueries(query: TraceQuery, before: Position | null): SpanSliceQueries {
  const walk = walked(query, before ?? END);
  return {
    edgeQuery: sql`select start_us as time, rowid as row from trace_spans where ${walk}
      order by start_us desc, rowid desc limit 1 offset ${rowsPerSlice - 1}`,
    tracesQuery(edge) {
      const conditions = [walk, ...filters(query)];
      if (edge) conditions.push(sql`(start_us, rowid) >= (${edge.time}, ${edge.row})`);
      // SQLite takes bare columns from the row that has the maximum (https://sqlite.org/lang_select.html#bareagg).
      return sql`select trace_id, max(start_us) as time, rowid as row from trace_spans
        where ${sql.join(conditions, sql` and `)} group by +trace_id order by time desc, row desc limit ${query.limit}`;
    },
  };
}

/** What an index finds in the order of time: the condition that narrows most, and the times. */
function walked(
  { name, serviceName, status, fromMs, toMs }: TraceQuery,
  before: Position,
): RawBuilder<boolean> {
  const conditions = [sql<boolean>`(start_us, rowid) < (${before.time}, ${before.row})`];
  if (fromMs !== undefined) conditions.push(sql`start_us >= ${fromMs * 1000}`);
  if (toMs !== undefined) conditions.push(sql`start_us <= ${toMs * 1000}`);
  if (name !== undefined) conditions.push(sql`name = ${name}`);
  // A literal: SQLite takes an index of some rows only where it sees that they are enough.
  else if (status !== undefined) conditions.push(sql`status = 'error'`);
  else if (serviceName !== undefined) conditions.push(sql`service_name = ${serviceName}`);
  return sql.join(conditions, sql` and `);
}

function filters({ serviceName, status, attributes = {} }: TraceQuery): RawBuilder<boolean>[] {
  const conditions: RawBuilder<boolean>[] = [];
  // `+` keeps the planner at the index that the walk is about.
  if (serviceName !== undefined) conditions.push(sql`+service_name = ${serviceName}`);
  if (status !== undefined) conditions.push(sql`+status = ${status}`);
  for (const [key, value] of Object.entries(attributes)) {
    conditions.push(sql`exists (
      select 1 from json_each(trace_spans.attributes) as attribute
      where attribute.key = ${key} and ${value} =
        case when attribute.type in ('true', 'false') then attribute.type else cast(attribute.value as text) end
    )`);
  }
  return conditions;
}
