import { sql } from 'kysely';
import type { TelemetryDatabase } from '#storage';
import { inBlocks, numbers, type SeededColumns } from './seeded-rows.ts';

const SPANS_PER_BLOCK = 100_000;
const SPANS_PER_TRACE = 16;
/** The pages of the index by trace that are kept while it is filled at random places, in KiB. */
const CACHE_KIB = 600_000;

const COLUMNS = [
  'trace_id',
  'span_id',
  'parent_span_id',
  'name',
  'kind',
  'service_name',
  'start_us',
  'end_us',
  'status',
  'status_message',
  'attributes',
  'links',
  'events',
] as const;

export interface PastSpans {
  readonly database: TelemetryDatabase;
  readonly columns: SeededColumns;
  readonly count: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Traces of sixteen spans of twenty services, evenly over the time; one span in a hundred failed. */
export async function writePastSpans({ database, columns, count, fromMs, toMs }: PastSpans): Promise<void> {
  const startUs = fromMs * 1000;
  const stepUs = Math.floor(((toMs - fromMs) * 1000) / count);
  const trace = `(n.i / ${SPANS_PER_TRACE})`;
  const place = `(n.i % ${SPANS_PER_TRACE})`;
  const spanId = (number: string): string => `printf('%08x%08x', ${columns.word(number, 4)}, ${number})`;
  const row = `select
    ${columns.hex(trace, 4)},
    ${spanId('n.i')},
    case ${place} when 0 then null else ${spanId(`(${trace} * ${SPANS_PER_TRACE})`)} end,
    'operation-' || (${columns.word('n.i', 0)} % 40),
    case ${place} when 0 then 'server' when 1 then 'client' else 'internal' end,
    'service-' || (${trace} % 20),
    ${startUs} + n.i * ${stepUs},
    ${startUs} + n.i * ${stepUs} + 500 + ${columns.word('n.i', 1)} % 200000,
    case when n.i % 100 = 7 then 'error' else 'unset' end,
    case when n.i % 100 = 7 then 'the peer closed the connection' else null end,
    json_object('http.method', 'POST', 'http.route', '/orders/' || (n.i % 50), 'peer', 'host-' || (n.i % 300)),
    '[]',
    '[]'
    from n`;
  await inBlocks(count, SPANS_PER_BLOCK, (from, some) =>
    database.transaction(async (tx) => {
      await sql`pragma cache_size = ${sql.lit(-CACHE_KIB)}`.execute(tx.db);
      await tx.db
        .insertInto('trace_spans')
        .columns(COLUMNS)
        .expression(sql`${numbers(from, some)} ${sql.raw(row)}`)
        .execute();
    }),
  );
}
