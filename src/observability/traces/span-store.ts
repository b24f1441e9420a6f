import { CompiledQuery, sql, type Selectable } from 'kysely';
import type { TelemetryDatabase, TelemetryTables } from '#storage';
import { OmoiError, Stretch, type Clock, type ReceivedSpan } from '#telemetry';
import { SlicedSearch, type SearchPage } from '../sliced-search.ts';
import { storedFromReceived } from './received-span.ts';
import { sliceOfSpans } from './span-slices.ts';
import { aboutOf, TELLING_SPANS } from './trace-about.ts';
import type { TraceQuery } from './trace-query.ts';
import {
  ENDED_ATTRIBUTE,
  type SpanKindName,
  type SpanStatusName,
  type StoredSpan,
  type TraceAbout,
  type TraceSummary,
} from './stored-span.ts';

/** Where spans are kept and found again: Omoi's own and those that others send. */
export interface SpanStore {
  /**
   * Keeps spans; one that is known already stays as it is, unless it had not ended: then what is told of it later holds.
   */
  insert(spans: readonly StoredSpan[]): Promise<void>;
  /** Keeps spans that came in by OTLP. */
  receive(spans: readonly ReceivedSpan[]): Promise<void>;
  /** All spans of a trace, by start. @throws OmoiError `unknown_trace` */
  trace(traceId: string): Promise<readonly StoredSpan[]>;
  /**
   * Traces that have a span which fits, the newest such span first. It reads a bounded number of rows at a time, and for
   * a bounded time: a page may hold fewer traces than asked for, and more follow by its cursor. A trace may come
   * again on a later page with an older span. @throws OmoiError `invalid_request`
   */
  search(query: TraceQuery): Promise<SearchPage<TraceSummary>>;
  /** What a trace of these spans is about. */
  aboutOf(spans: readonly StoredSpan[]): TraceAbout;
  /** Makes room on a full disk: some of the oldest spans go. */
  dropOldest(): Promise<void>;
}

const maxRowsPerInsert = 500;
const spansDroppedWhenFull = 2000;
const maxListedTraces = 1000;
/** A trace larger than this is shown cut off. */
const maxSpansPerTrace = 20_000;
const maxTraceBytes = 32 * 1024 * 1024;
const spansReadAtOnce = 500;
const bytesReadAtOnce = 1024 * 1024;
const summariesReadAtOnce = 20;
/** What a trace is about is read of so many of its spans that say it, those of few attributes. */
const maxTellingSpans = 50;
const maxTellingBytes = 4096;

export function createSpanStore(database: TelemetryDatabase, clock: Clock): SpanStore {
  const searching = new SlicedSearch('traces', clock);
  async function insert(spans: readonly StoredSpan[]): Promise<void> {
    if (spans.length === 0) return;
    await database.transaction(async (tx) => {
      for (let at = 0; at < spans.length; at += maxRowsPerInsert) {
        const rows = spans.slice(at, at + maxRowsPerInsert).map(valuesOf);
        await tx.db.executeQuery(CompiledQuery.raw(INSERT, [JSON.stringify(rows)]));
      }
    });
  }
  return {
    insert,
    receive: (spans) => insert(spans.map(storedFromReceived)),
    trace: (traceId) => readTrace(database, traceId, clock),
    async search(query) {
      const seen = new Set<string>();
      const limit = Math.min(query.limit, maxListedTraces);
      const page = await searching.run({ ...query, limit }, async (before, left) => {
        // Those that are known may come again: one more for each that a slice can bring.
        const slice = await sliceOfSpans(database, { ...query, limit: left + seen.size }, before);
        const fresh = slice.found.filter(({ item }) => !seen.has(item)).slice(0, left);
        for (const { item } of fresh) seen.add(item);
        return { ...slice, found: fresh };
      });
      return { ...page, found: await summariesOf(database, page.found) };
    },
    aboutOf,
    async dropOldest() {
      await database.transaction((tx) =>
        sql`delete from trace_spans where rowid in (
          select rowid from trace_spans order by start_us limit ${spansDroppedWhenFull}
        )`.execute(tx.db),
      );
    },
  };
}

async function readTrace(
  { reader }: TelemetryDatabase,
  traceId: string,
  clock: Clock,
): Promise<readonly StoredSpan[]> {
  const spans: StoredSpan[] = [];
  const stretch = new Stretch(clock);
  const sized = await reader
    .selectFrom('trace_spans')
    .select([
      sql<number>`rowid`.as('id'),
      sql<number>`octet_length(attributes) + octet_length(links) + octet_length(events)`.as('bytes'),
    ])
    .where('trace_id', '=', traceId)
    .orderBy('start_us')
    .limit(maxSpansPerTrace)
    .execute();
  for (const some of partsOf(sized)) {
    if (stretch.isOver) await stretch.pause();
    const rows = await reader
      .selectFrom('trace_spans')
      .selectAll()
      .where(sql<boolean>`rowid in (select value from json_each(${idsText(some)}))`)
      .orderBy('start_us')
      .execute();
    spans.push(...rows.map(spanOf));
  }
  if (spans.length === 0) {
    throw new OmoiError('unknown_trace', `there is no trace ${traceId}, or it is past its retention`);
  }
  return spans;
}

interface SizedRow {
  readonly id: number;
  readonly bytes: number;
}

/** Rows that are read at once; those that a trace is shown without are left out. */
function* partsOf(rows: readonly SizedRow[]): Generator<readonly SizedRow[], void, void> {
  let part: SizedRow[] = [];
  let bytesOfPart = 0;
  let bytesOfAll = 0;
  for (const row of rows) {
    bytesOfAll += row.bytes;
    if (bytesOfAll > maxTraceBytes) break;
    if (part.length === spansReadAtOnce || (part.length > 0 && bytesOfPart + row.bytes > bytesReadAtOnce)) {
      yield part;
      part = [];
      bytesOfPart = 0;
    }
    part.push(row);
    bytesOfPart += row.bytes;
  }
  if (part.length > 0) yield part;
}

const idsText = (rows: readonly { readonly id: number }[]): string =>
  JSON.stringify(rows.map(({ id }) => id));

async function summariesOf(
  database: TelemetryDatabase,
  traceIds: readonly string[],
): Promise<readonly TraceSummary[]> {
  const found: TraceSummary[] = [];
  for (let at = 0; at < traceIds.length; at += summariesReadAtOnce) {
    const asked = traceIds.slice(at, at + summariesReadAtOnce);
    const summaries = await Promise.all(asked.map((traceId) => summaryOf(database, traceId)));
    // Retention may take a trace between the queries.
    found.push(...summaries.filter((summary) => summary !== null));
  }
  return found;
}

interface SummaryRow {
  readonly name: string;
  readonly service_name: string;
  readonly start_us: number;
  readonly end_us: number;
  readonly span_count: number;
  readonly error_count: number;
}

/** Of as many spans as are shown. */
async function summaryOf({ reader }: TelemetryDatabase, traceId: string): Promise<TraceSummary | null> {
  const { rows } = await sql<SummaryRow>`
    select name, service_name, start_us, max(end_us) over () as end_us, count(*) over () as span_count,
      sum(status = 'error') over () as error_count
    from (
      select name, service_name, start_us, end_us, status from trace_spans
      where trace_id = ${traceId} limit ${maxSpansPerTrace}
    )
    order by start_us limit 1`.execute(reader);
  const row = rows[0];
  if (!row) return null;
  const telling = await reader
    .selectFrom('trace_spans')
    .select(['name', 'parent_span_id', 'attributes'])
    .where('trace_id', '=', traceId)
    .where((where) => where.or([where('name', 'in', TELLING_SPANS), where('parent_span_id', 'is', null)]))
    .where(sql<boolean>`octet_length(attributes) <= ${maxTellingBytes}`)
    .orderBy('start_us')
    .limit(maxTellingSpans)
    .execute();
  return {
    traceId,
    about: aboutOf(
      telling.map(({ name, parent_span_id: parentSpanId, attributes }) => ({
        name,
        parentSpanId,
        attributes: JSON.parse(attributes) as StoredSpan['attributes'],
      })),
    ),
    name: row.name,
    serviceName: row.service_name,
    startUs: row.start_us,
    endUs: row.end_us,
    spanCount: row.span_count,
    errorCount: row.error_count,
  };
}

/**
 * One statement for any number of rows, which come as JSON: many shapes of it would fill the cache of statements.
 * Columns of JSON are cut out of it as they are.
 */
const INSERT = `insert into trace_spans (
    trace_id, span_id, parent_span_id, name, kind, service_name, start_us, end_us, status, status_message,
    attributes, links, events
  )
  select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9, value -> 10, value -> 11, value -> 12
  from json_each(?) where true
  on conflict (trace_id, span_id) do update set
    parent_span_id = excluded.parent_span_id, name = excluded.name, kind = excluded.kind,
    service_name = excluded.service_name, start_us = excluded.start_us, end_us = excluded.end_us,
    status = excluded.status, status_message = excluded.status_message, attributes = excluded.attributes,
    links = excluded.links, events = excluded.events
  where trace_spans.attributes ->> '$."${ENDED_ATTRIBUTE}"' = 0`;

/** In the order of `INSERT`. */
function valuesOf(span: StoredSpan): readonly unknown[] {
  return [
    span.traceId,
    span.spanId,
    span.parentSpanId,
    span.name,
    span.kind,
    span.serviceName,
    span.startUs,
    span.endUs,
    span.status,
    span.statusMessage,
    span.attributes,
    span.links,
    span.events,
  ];
}

function spanOf(row: Selectable<TelemetryTables['trace_spans']>): StoredSpan {
  // The JSON columns and the words are read as `rowOf` wrote them.
  return {
    traceId: row.trace_id,
    spanId: row.span_id,
    parentSpanId: row.parent_span_id,
    name: row.name,
    kind: row.kind as SpanKindName,
    serviceName: row.service_name,
    startUs: row.start_us,
    endUs: row.end_us,
    status: row.status as SpanStatusName,
    statusMessage: row.status_message,
    attributes: JSON.parse(row.attributes) as StoredSpan['attributes'],
    links: JSON.parse(row.links) as StoredSpan['links'],
    events: JSON.parse(row.events) as StoredSpan['events'],
  };
}
