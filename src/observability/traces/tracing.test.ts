import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import {
  createSeededRandom,
  OmoiError,
  SelfMetrics,
  silentLogger,
  spanIdOf,
  traceIdOf,
  VirtualClock,
} from '#telemetry';
import { createSpanStore, type SpanStore } from './span-store.ts';
import { createTracing, type StoredTracing } from './tracing.ts';

let clock: VirtualClock;
let database: TelemetryDatabase;
let store: SpanStore;
let tracing: StoredTracing;
let metrics: SelfMetrics;

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 10, 22));
  database = await openTestTelemetryDatabase(clock, 'none');
  store = createSpanStore(database, clock);
  metrics = new SelfMetrics();
  tracing = createTracing({
    store,
    clock,
    random: createSeededRandom(1),
    logger: silentLogger,
    metrics,
    serviceName: 'omoi',
  });
});
afterEach(async () => {
  await tracing.stop();
  await database.close();
});

const traceOf = (traceparent: string): string => traceIdOf(traceparent) ?? 'no trace';

describe('tracing', () => {
  it('tells that spans can’t be written once, and once when they are written again', async () => {
    const told: string[] = [];
    let isAway = true;
    const patient = createTracing({
      store: {
        ...store,
        insert: (spans) =>
          isAway ? Promise.reject(new OmoiError('database_failed', 'away')) : store.insert(spans),
      },
      clock,
      random: createSeededRandom(2),
      logger: { ...silentLogger, warn: (_fields, message) => void told.push(message) },
      metrics: new SelfMetrics(),
      serviceName: 'omoi',
    });
    for (let times = 0; times < 3; times++) {
      patient.startSpan('one', { parent: null }).end();
      await clock.advance(5000);
    }
    expect(told).toEqual([expect.stringMatching(/^Spans can’t be written/)]);
    isAway = false;
    await clock.advance(5000);
    expect(told.slice(1)).toEqual(['Spans are written again.']);
    await patient.stop();
  });

  it('keeps a trace across traceparents, with everything that was said of its spans', async () => {
    const startUs = clock.wallMs() * 1000;
    const root = tracing.startSpan('telemetry.append', { parent: null });
    await clock.advance(2.5);
    const other = tracing.startSpan('elsewhere', { parent: null });
    const child = tracing.startSpan('monitor.anomaly', {
      parent: root.traceparent,
      links: [other.traceparent, 'nonsense'],
      attributes: { metric_name: 'tasks_queued_total', score: 4.5, first: true },
    });
    child.addEvent('scored', { score: 4.5 });
    await clock.advance(1);
    child.fail('out of luck');
    child.end();
    root.end();
    await tracing.flush();

    const spans = await store.trace(traceOf(root.traceparent));
    expect(spans).toEqual([
      {
        traceId: traceOf(root.traceparent),
        spanId: spanIdOf(root.traceparent),
        parentSpanId: null,
        name: 'telemetry.append',
        kind: 'internal',
        serviceName: 'omoi',
        startUs,
        endUs: startUs + 3500,
        status: 'unset',
        statusMessage: null,
        attributes: {},
        links: [],
        events: [],
      },
      {
        traceId: traceOf(root.traceparent),
        spanId: spanIdOf(child.traceparent),
        parentSpanId: spanIdOf(root.traceparent),
        name: 'monitor.anomaly',
        kind: 'internal',
        serviceName: 'omoi',
        startUs: startUs + 2500,
        endUs: startUs + 3500,
        status: 'error',
        statusMessage: 'out of luck',
        attributes: { metric_name: 'tasks_queued_total', score: 4.5, first: true },
        links: [{ traceId: traceOf(other.traceparent), spanId: spanIdOf(other.traceparent), attributes: {} }],
        events: [{ name: 'scored', atUs: startUs + 2500, attributes: { score: 4.5 } }],
      },
    ]);
  });

  it.each([
    [128, 0],
    [129, 1],
  ])(
    'keeps 128 attributes, events and links of a span: of %d of each it drops %d',
    async (count, dropped) => {
      const other = tracing.startSpan('elsewhere', { parent: null });
      const span = tracing.startSpan('much', {
        parent: null,
        links: Array.from({ length: count }, () => other.traceparent),
      });
      for (let at = 0; at < count; at++) {
        span.setAttributes({ [`a${at}`]: at });
        span.addEvent(`e${at}`);
      }
      span.end();
      await tracing.flush();
      const [kept] = await store.trace(traceOf(span.traceparent));
      expect(Object.keys(kept?.attributes ?? {})).toHaveLength(128);
      expect(kept?.events).toHaveLength(128);
      expect(kept?.links).toHaveLength(128);
      const counted =
        metrics.collect().find(({ name }) => name === 'omoi_span_parts_dropped_total')?.points ?? [];
      expect(counted.map(({ value }) => value)).toEqual([3 * dropped]);
    },
  );

  it.each([8192, 8193])('keeps 8192 characters of the value of an attribute: of %d', async (length) => {
    const span = tracing.startSpan('long', { parent: null, attributes: { text: 'x'.repeat(length) } });
    span.end();
    await tracing.flush();
    const [kept] = await store.trace(traceOf(span.traceparent));
    expect(kept?.attributes['text']).toHaveLength(8192);
  });

  it('records after the fact', async () => {
    const span = tracing.startSpan('late', { parent: null, startAtMs: clock.wallMs() - 5000 });
    span.end(clock.wallMs() - 4000);
    await tracing.flush();
    const [kept] = await store.trace(traceOf(span.traceparent));
    expect((kept?.endUs ?? 0) - (kept?.startUs ?? 0)).toBe(1_000_000);
  });

  it('writes by itself soon after a span has ended', async () => {
    const span = tracing.startSpan('soon', { parent: null });
    span.end();
    await clock.advance(200);
    await tracing.flush();
    await expect(store.trace(traceOf(span.traceparent))).resolves.toHaveLength(1);
  });

  it('counts the spans it had to drop', async () => {
    await database.close();
    for (let at = 0; at < 20_100; at++) tracing.startSpan('many', { parent: null }).end();
    const dropped = metrics.collect().find((found) => found.name === 'omoi_spans_dropped_total');
    expect(dropped?.points[0]?.value).toBeGreaterThanOrEqual(100);
    expect(metrics.collect().find((found) => found.name === 'omoi_spans_queued')?.points[0]?.value).toBe(
      20_000,
    );
    database = await openTestTelemetryDatabase(clock, 'none');
  });
});

describe('the span store', () => {
  it('refuses an unknown trace with its code', async () => {
    await expect(store.trace('0'.repeat(32))).rejects.toMatchObject({ code: 'unknown_trace' });
  });

  it('keeps a span once, however often it is sent', async () => {
    const span = {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      parentSpanId: null,
      name: 'GET /',
      kind: 2,
      startUs: 1_763_769_600_000_000,
      endUs: 1_763_769_600_001_500,
      statusCode: 2,
      statusMessage: 'boom',
      serviceName: 'shop',
      attributes: { 'http.method': 'GET' },
      events: [{ name: 'exception', atUs: 1_763_769_600_001_000, attributes: {} }],
      links: [],
    };
    await store.receive([span, span]);
    await store.receive([span]);
    expect(await store.trace(span.traceId)).toEqual([
      {
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: null,
        name: 'GET /',
        kind: 'server',
        serviceName: 'shop',
        startUs: 1_763_769_600_000_000,
        endUs: 1_763_769_600_001_500,
        status: 'error',
        statusMessage: 'boom',
        attributes: { 'http.method': 'GET' },
        links: [],
        events: [{ name: 'exception', atUs: 1_763_769_600_001_000, attributes: {} }],
      },
    ]);
  });

  describe('of a span that had not ended when it was sent', () => {
    const begun = {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      parentSpanId: null,
      name: 'GET /',
      kind: 2,
      startUs: 1_763_769_600_000_000,
      endUs: null,
      statusCode: 0,
      statusMessage: '',
      serviceName: 'shop',
      attributes: { 'http.method': 'GET' },
      events: [],
      links: [],
    };
    const more = { attributes: { 'http.method': 'GET', 'http.route': '/' } };
    const ended = { ...begun, ...more, endUs: 1_763_769_600_001_500, statusCode: 1 };
    const summary = async () => {
      const [span, ...others] = await store.trace(begun.traceId);
      expect(others).toEqual([]);
      return { endUs: span?.endUs, status: span?.status, attributes: span?.attributes };
    };
    const unended = { endUs: begun.startUs, status: 'unset' };
    const finished = { endUs: ended.endUs, status: 'ok', attributes: more.attributes };

    it.each([
      ['says so', [begun], { ...unended, attributes: { 'http.method': 'GET', 'omoi.span.ended': false } }],
      [
        'keeps what was told last',
        [begun, { ...begun, ...more }],
        { ...unended, attributes: { ...more.attributes, 'omoi.span.ended': false } },
      ],
      ['keeps it as it ended', [begun, ended], finished],
      ['keeps the end where the beginning comes late', [ended, begun], finished],
      ['keeps the first end', [begun, ended, { ...ended, endUs: ended.endUs + 1 }], finished],
    ])('%s', async (_, spans, kept) => {
      for (const span of spans) await store.receive([span]);
      expect(await summary()).toEqual(kept);
    });

    it('keeps it as it ended where both come at once', async () => {
      await store.receive([begun, ended]);
      expect(await summary()).toEqual(finished);
      await store.receive([{ ...ended, spanId: 'c'.repeat(16) }]);
      expect((await store.trace(begun.traceId)).map(({ spanId }) => spanId[0])).toEqual(['b', 'c']);
    });
  });

  it('keeps attributes, fields of events and links as they came, whatever they are called', async () => {
    const odd = JSON.parse(
      '{"__proto__":{"a":[1,null,"ü\\ud83d\\ude00\\u0000"]},"constructor":"\\"\\\\","big":1e300,"small":-5e-324}',
    ) as Record<string, unknown>;
    await store.receive([
      {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        parentSpanId: null,
        name: 'odd',
        kind: 0,
        startUs: 1,
        endUs: 2,
        statusCode: 0,
        statusMessage: '',
        serviceName: 'shop',
        attributes: odd,
        events: [{ name: 'e', atUs: 1, attributes: odd }],
        links: [{ traceId: 'c'.repeat(32), spanId: 'd'.repeat(16), attributes: odd }],
      },
    ]);
    const [span] = await store.trace('a'.repeat(32));
    const texts = [span?.attributes, span?.events[0]?.attributes, span?.links[0]?.attributes].map((each) =>
      JSON.stringify(each),
    );
    expect(texts).toEqual([odd, odd, odd].map((each) => JSON.stringify(each)));
  });

  describe('searches', () => {
    const startMs = Date.UTC(2026, 10, 22);
    beforeEach(async () => {
      for (const [index, name] of ['first', 'second', 'third'].entries()) {
        const root = tracing.startSpan(name, {
          parent: null,
          attributes: { order: index, odd: index === 1 },
        });
        await clock.advance(10);
        const child = tracing.startSpan('step', { parent: root.traceparent });
        if (name === 'second') child.fail('no');
        child.end();
        root.end();
        await clock.advance(990);
      }
      await tracing.flush();
    });

    it.each([
      ['all, the newest first', {}, ['third', 'second', 'first']],
      ['a number of them', { limit: 1 }, ['third']],
      ['from a time', { fromMs: startMs + 1000 }, ['third', 'second']],
      ['up to a time', { toMs: startMs + 1005 }, ['second', 'first']],
      ['the name of a span', { name: 'first' }, ['first']],
      ['the name of a child', { name: 'step', limit: 2 }, ['third', 'second']],
      ['a number among the attributes', { attributes: { order: '2' } }, ['third']],
      ['a truth among the attributes', { attributes: { odd: 'true' } }, ['second']],
      ['attributes that no span has together', { attributes: { odd: 'true', order: '2' } }, []],
      ['failed spans', { status: 'error' as const }, ['second']],
      ['another service', { serviceName: 'shop' }, []],
    ])('%s', async (_what, query, expected) => {
      const { found } = await store.search({ limit: 100, ...query });
      expect(found.map((summary) => summary.name)).toEqual(expected);
    });

    it('and sums each trace up', async () => {
      const { found } = await store.search({ limit: 1, name: 'second' });
      expect(found[0]).toMatchObject({
        name: 'second',
        serviceName: 'omoi',
        startUs: (startMs + 1000) * 1000,
        endUs: (startMs + 1010) * 1000,
        spanCount: 2,
        errorCount: 1,
      });
    });
  });
});
