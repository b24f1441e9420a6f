import type { LogQuery } from './logs/log-query.ts';
import type { TraceQuery } from './traces/trace-query.ts';
import { CompiledQuery, type RawBuilder } from 'kysely';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openTelemetryDatabase,
  openTestTelemetryDatabase,
  retentionJobs,
  telemetryRetention,
  type TelemetryDatabase,
} from '#storage';
import { createSystemClock, silentLogger, VirtualClock } from '#telemetry';
import { dayTableOf } from './logs/day-tables.ts';
import { logSliceQueries } from './logs/log-slices.ts';
import { createLogStore } from './logs/log-store.ts';
import type { LogEntry } from './logs/log-entry.ts';
import { spanSliceQueries } from './traces/span-slices.ts';
import { createSpanStore } from './traces/span-store.ts';
import type { StoredSpan } from './traces/stored-span.ts';

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 1));
const startMs = clock.wallMs() - 7_200_000;

const lineAt = (at: number): LogEntry => ({
  // Some share a millisecond.
  atMs: startMs + Math.floor(at / 3) * 1000,
  level: at % 500 === 0 ? 'error' : 'info',
  component: '',
  serviceName: at % 100 === 0 ? 'rare' : 'shop',
  message: at % 1000 === 0 ? 'needle' : 'hay',
  traceId: null,
  spanId: null,
  fields: { at },
});

const spanAt = (at: number): StoredSpan => ({
  traceId: Math.floor(at / 3)
    .toString(16)
    .padStart(32, '0'),
  spanId: at.toString(16).padStart(16, '0'),
  parentSpanId: null,
  name: at % 900 === 0 ? 'rare' : 'step',
  kind: 'internal',
  serviceName: 'shop',
  startUs: startMs * 1000 + Math.floor(at / 2),
  endUs: startMs * 1000 + at,
  status: at % 600 === 0 ? 'error' : 'ok',
  statusMessage: null,
  attributes: { at, odd: at % 2 === 1 },
  links: [],
  events: [],
});

/** All pages of a search. */
async function allOf<Found>(
  search: (cursor: string | undefined) => Promise<{ found: readonly Found[]; nextCursor: string | null }>,
): Promise<readonly Found[]> {
  const all: Found[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await search(cursor);
    all.push(...page.found);
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}

describe('a search in slices', () => {
  const lines = Array.from({ length: 21_000 }, (_, at) => lineAt(at));
  const spans = Array.from({ length: 9000 }, (_, at) => spanAt(at));
  let database: TelemetryDatabase;
  beforeEach(async () => {
    database = await openTestTelemetryDatabase(clock);
  });
  afterEach(() => database.close());

  it.each<[string, Partial<LogQuery>, (line: LogEntry) => boolean]>([
    ['everything', {}, () => true],
    ['a rare text', { text: 'NEEDLE' }, (line) => line.message === 'needle'],
    ['a rare service', { serviceName: 'rare' }, (line) => line.serviceName === 'rare'],
    ['errors of a service', { serviceName: 'shop', level: 'error' }, () => false],
    ['errors', { level: 'error' }, (line) => line.level === 'error'],
    ['nothing', { text: 'no such text' }, () => false],
    [
      'a time within a day',
      { fromMs: startMs + 1_000_000, toMs: startMs + 5_000_000 },
      (line) => line.atMs >= startMs + 1_000_000 && line.atMs <= startMs + 5_000_000,
    ],
  ])('finds %s among the lines of two days, whatever the size of the pages', async (_what, query, fits) => {
    const store = createLogStore(database, clock);
    await store.append(lines);
    const wanted = lines.filter(fits).map((line) => line.fields['at']);
    for (const limit of [7, 1000]) {
      if (wanted.length / limit > 100) continue;
      const found = await allOf((cursor) => store.search({ ...query, limit, ...(cursor && { cursor }) }));
      expect(found.map((line) => line.fields['at'])).toEqual(wanted.toReversed());
    }
  });

  it('ends a page of long lines where its text has 4 MiB, and goes on behind it', async () => {
    const store = createLogStore(database, clock);
    const mebibytes = [1, 1, 1, 0.5, 1, 6, 3, 1, 0.1];
    const long = mebibytes.map((size, at) => ({
      ...lineAt(0),
      // Over two days, and over more than one slice.
      atMs: startMs + at * 1_800_000,
      message: at % 2 === 0 ? 'x'.repeat(size * 1024 * 1024 - 20) : '',
      fields: at % 2 === 0 ? { at } : { at, text: 'x'.repeat(size * 1024 * 1024 - 40) },
    }));
    await store.append(long.slice(0, 5));
    await store.append(
      Array.from({ length: 6000 }, (_, at) => ({ ...lineAt(at), atMs: long[4]?.atMs ?? 0 })),
    );
    await store.append(long.slice(5));
    const pages: (readonly unknown[])[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await store.search({ limit: 1000, ...(cursor && { cursor }) });
      const sizes = page.found.map(({ message, fields }) => message.length + JSON.stringify(fields).length);
      pages.push(
        sizes.filter((size) => size > 1000).map((size) => Math.round((size / 1024 / 1024) * 10) / 10),
      );
      cursor = page.nextCursor;
    }
    expect(pages.filter(({ length }) => length > 0)).toEqual([[0.1, 1], [3], [6], [1, 0.5, 1, 1], [1]]);
  });

  it.each<[string, Partial<TraceQuery>, (span: StoredSpan) => boolean]>([
    ['a rare name', { name: 'rare' }, (span) => span.name === 'rare'],
    ['failures', { status: 'error' }, (span) => span.status === 'error'],
    ['an attribute', { attributes: { at: '4242' } }, (span) => span.attributes['at'] === 4242],
    ['what nobody is', { serviceName: 'shop', attributes: { at: 'none' } }, () => false],
  ])('finds the traces with %s, whatever the size of the pages', async (_what, query, fits) => {
    const store = createSpanStore(database, clock);
    await store.insert(spans);
    const wanted = [...new Set(spans.filter(fits).map(({ traceId }) => traceId))].toReversed();
    for (const limit of [3, 1000]) {
      const found = await allOf((cursor) => store.search({ ...query, limit, ...(cursor && { cursor }) }));
      expect(found.map(({ traceId }) => traceId)).toEqual(wanted);
    }
  });

  async function planOf(query: RawBuilder<unknown>): Promise<string> {
    const { sql, parameters } = query.compile(database.reader);
    const plan = await database.reader.executeQuery<{ detail: string }>(
      CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
    );
    return plan.rows.map(({ detail }) => detail).join('\n');
  }

  const table = dayTableOf(startMs);
  it.each<[string, Partial<LogQuery>, string]>([
    ['the time', {}, `${table}_by_time`],
    ['a text', { text: 'x', level: 'debug', component: 'c' }, `${table}_by_time`],
    ['severe lines', { level: 'error', text: 'x' }, `${table}_severe`],
    ['a service', { serviceName: 's', level: 'warn', fromMs: 1, toMs: 2 }, `${table}_by_service`],
    ['a trace', { traceId: 't', serviceName: 's' }, `${table}_by_trace`],
  ])('of logs by %s walks one index in its order', async (_what, query, index) => {
    await createLogStore(database, clock).append(lines.slice(0, 10));
    const at = { time: startMs, row: 5 };
    const { edgeQuery, linesQuery } = logSliceQueries(table, { ...query, limit: 10 }, at);
    expect(await planOf(edgeQuery)).toMatch(
      new RegExp(`^SEARCH ${table} USING COVERING INDEX ${index} [^\\n]*$`),
    );
    expect(await planOf(linesQuery(at, 10))).toMatch(
      new RegExp(`^SEARCH ${table} USING INDEX ${index} [^\\n]*$`),
    );
  });

  it.each<[string, Partial<TraceQuery>, string]>([
    ['the time', { fromMs: 1, toMs: 2 }, 'trace_spans_by_start'],
    ['an attribute', { attributes: { a: 'b' } }, 'trace_spans_by_start'],
    ['a name', { name: 'n', serviceName: 's', status: 'error' }, 'trace_spans_by_name'],
    ['a service', { serviceName: 's', fromMs: 1 }, 'trace_spans_by_service'],
    ['failures', { status: 'error', serviceName: 's' }, 'trace_spans_failed'],
  ])('of traces by %s walks one index in its order', async (_what, query, index) => {
    const at = { time: startMs * 1000, row: 5 };
    const { edgeQuery, tracesQuery } = spanSliceQueries({ ...query, limit: 10 }, at);
    expect(await planOf(edgeQuery)).toMatch(
      new RegExp(`^SEARCH trace_spans USING COVERING INDEX ${index} [^\\n]*$`),
    );
    expect(await planOf(tracesQuery(at))).toMatch(new RegExp(`^SEARCH trace_spans USING INDEX ${index} `));
  });
});

describe('the telemetry database', () => {
  const systemClock = createSystemClock();
  let directory: string;
  let database: TelemetryDatabase;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'omoi-search-'));
    database = await openTelemetryDatabase({
      directory,
      clock: systemClock,
      logger: silentLogger,
      role: 'server',
    });
  });
  afterEach(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  /** Does one piece of work after the other until `end` has come; tells how many were done by then. */
  async function countUntil(end: Promise<unknown>, work: () => Promise<unknown>): Promise<number> {
    let ended = false;
    void end.finally(() => {
      ended = true;
    });
    for (let done = 0; ; done++) {
      await work();
      if (ended) return done;
    }
  }
  const readSeries = () => database.reader.selectFrom('tsdb_series').selectAll().execute();
  const writeSeries = () =>
    database.transaction((tx) =>
      tx.db.updateTable('tsdb_series').set({ metric_name: 'm' }).where('id', '=', 1).execute(),
    );

  it('reads the archive and writes between the slices of a search', async () => {
    const store = createLogStore(database, systemClock);
    const slices = 12;
    for (let batch = 0; batch < slices; batch++) {
      await store.append(Array.from({ length: 5000 }, (_, at) => lineAt(batch * 5000 + at)));
    }
    const search = () => store.search({ text: 'no such text', limit: 1 });
    expect(await countUntil(search(), readSeries)).toBeGreaterThanOrEqual(slices / 2);
    expect(await countUntil(search(), writeSeries)).toBeGreaterThanOrEqual(slices / 2);
  });

  it('writes between the batches of retention', async () => {
    const store = createSpanStore(database, systemClock);
    const count = 5000;
    await store.insert(Array.from({ length: count }, (_, at) => spanAt(at)));
    const [job] = retentionJobs(database, telemetryRetention({ spansMs: 0 }), { clock: systemClock });
    const afterMs = clock.wallMs() + 86_400_000;
    const running = job?.run(afterMs, new AbortController().signal) ?? Promise.resolve(0);
    expect(await countUntil(running, writeSeries)).toBeGreaterThanOrEqual(count / 250 / 2);
    expect(await running).toBe(count);
  });
});
