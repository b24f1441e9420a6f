import { sql, type Insertable, type Selectable } from 'kysely';
import type { TelemetryDatabase, TelemetryTables } from '#storage';
import { type ReceivedSpan, OmoiError } from '#telemetry';
import { storedFromReceived } from './received-span.ts';
import type { SpanKindName, SpanStatusName, StoredSpan, TraceSummary } from './stored-span.ts';

export interface TraceQuery {
  /** Wall ms since epoch, both inclusive: a trace counts when one of its spans started in between. */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** The name of one of its spans. */
  readonly name?: string;
  readonly serviceName?: string;
  /** Of one span: all of these attributes, compared as text. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Only traces with a span that failed. */
  readonly status?: 'error';
  /** At most 1000. */
  readonly limit: number;
}

/** Where spans are kept and found again: Omoi's own and those that others send. */
export interface SpanStore {
  /** Keeps spans; one that is known already stays as it is. */
  insert(spans: readonly StoredSpan[]): Promise<void>;
  /** Keeps spans that came in by OTLP. */
  receive(spans: readonly ReceivedSpan[]): Promise<void>;
  /** All spans of a trace, by start. @throws OmoiError `unknown_trace` */
  trace(traceId: string): Promise<readonly StoredSpan[]>;
  /** Traces that have a span which fits, the newest first. */
  search(query: TraceQuery): Promise<readonly TraceSummary[]>;
  /** Makes room on a full disk: some of the oldest spans go. */
  dropOldest(): Promise<void>;
}

const maxRowsPerInsert = 200;
const spansDroppedWhenFull = 2000;
const maxListedTraces = 1000;
/** A trace larger than this is shown cut off. */
const maxSpansPerTrace = 20_000;

export function createSpanStore(database: TelemetryDatabase): SpanStore {
  async function insert(spans: readonly StoredSpan[]): Promise<void> {
    if (spans.length === 0) return;
    await database.transaction(async (tx) => {
      for (let at = 0; at < spans.length; at += maxRowsPerInsert) {
        await tx.db
          .insertInto('trace_spans')
          .values(spans.slice(at, at + maxRowsPerInsert).map(rowOf))
          .onConflict((conflict) => conflict.columns(['trace_id', 'span_id']).doNothing())
          .execute();
      }
    });
  }
  return {
    insert,
    receive: (spans) => insert(spans.map(storedFromReceived)),
    async trace(traceId) {
      const rows = await database.reader
        .selectFrom('trace_spans')
        .selectAll()
        .where('trace_id', '=', traceId)
        .orderBy('start_us')
        .limit(maxSpansPerTrace)
        .execute();
      if (rows.length === 0) {
        throw new OmoiError('unknown_trace', `there is no trace ${traceId}, or it is past its retention`);
      }
      return rows.map(spanOf);
    },
    search: (query) => searchTraces(database, query),
    async dropOldest() {
      await database.transaction((tx) =>
        sql`delete from trace_spans where rowid in (
          select rowid from trace_spans order by start_us limit ${spansDroppedWhenFull}
        )`.execute(tx.db),
      );
    },
  };
}

async function searchTraces(
  database: TelemetryDatabase,
  query: TraceQuery,
): Promise<readonly TraceSummary[]> {
  const { fromMs, toMs, name, serviceName, status, attributes = {} } = query;
  let matching = database.reader
    .selectFrom('trace_spans')
    .select((row) => ['trace_id', row.fn.max('start_us').as('newest_us')])
    .groupBy('trace_id');
  if (fromMs !== undefined) matching = matching.where('start_us', '>=', fromMs * 1000);
  if (toMs !== undefined) matching = matching.where('start_us', '<=', toMs * 1000);
  if (name !== undefined) matching = matching.where('name', '=', name);
  if (serviceName !== undefined) matching = matching.where('service_name', '=', serviceName);
  if (status !== undefined) matching = matching.where('status', '=', status);
  for (const [key, value] of Object.entries(attributes)) {
    matching = matching.where(
      sql<boolean>`exists (
        select 1 from json_each(trace_spans.attributes) as attribute
        where attribute.key = ${key} and ${value} =
          case when attribute.type in ('true', 'false') then attribute.type else cast(attribute.value as text) end
      )`,
    );
  }
  const found = await matching
    .orderBy('newest_us', 'desc')
    .limit(Math.min(query.limit, maxListedTraces))
    .execute();
  return summariesOf(
    database,
    found.map((row) => row.trace_id),
  );
}

async function summariesOf(
  database: TelemetryDatabase,
  traceIds: readonly string[],
): Promise<readonly TraceSummary[]> {
  if (traceIds.length === 0) return [];
  const spans = database.reader
    .selectFrom('trace_spans')
    .where('trace_id', 'in', traceIds)
    .groupBy('trace_id');
  const sums = await spans
    .select((row) => [
      'trace_id',
      row.fn.max('end_us').as('end_us'),
      row.fn.countAll<number>().as('span_count'),
      sql<number>`sum(status = 'error')`.as('error_count'),
    ])
    .execute();
  // SQLite takes bare columns from the row that has the minimum (https://sqlite.org/lang_select.html#bareagg).
  const firsts = await spans
    .select((row) => ['trace_id', 'name', 'service_name', row.fn.min('start_us').as('start_us')])
    .execute();
  const sumOf = new Map(sums.map((row) => [row.trace_id, row]));
  const firstOf = new Map(firsts.map((row) => [row.trace_id, row]));
  return traceIds.flatMap((traceId) => {
    const sum = sumOf.get(traceId);
    const first = firstOf.get(traceId);
    // Retention may take a trace between the queries.
    if (!sum || !first) return [];
    return [
      {
        traceId,
        name: first.name,
        serviceName: first.service_name,
        startUs: first.start_us,
        endUs: sum.end_us,
        spanCount: sum.span_count,
        errorCount: sum.error_count,
      },
    ];
  });
}

function rowOf(span: StoredSpan): Insertable<TelemetryTables['trace_spans']> {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: span.parentSpanId,
    name: span.name,
    kind: span.kind,
    service_name: span.serviceName,
    start_us: span.startUs,
    end_us: span.endUs,
    status: span.status,
    status_message: span.statusMessage,
    attributes: JSON.stringify(span.attributes),
    links: JSON.stringify(span.links),
    events: JSON.stringify(span.events),
  };
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
