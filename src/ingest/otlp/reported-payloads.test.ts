import { beforeEach, describe, expect, it } from 'vitest';
import { startOtlp, type OtlpTest } from './otlp.test-support.ts';

/*
 * Payloads that hurt other receivers, or that other senders are known to send; the source stands beside each. What is
 * expected is what the specification says, or what loses least.
 */
let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const cumulative = { aggregationTemporality: 2 };
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const resource = {
  attributes: [text('service.name', 'api'), text('service.instance.id', 'a'), text('host.name', 'h')],
};
const metrics = (...list: readonly object[]) => ({
  resourceMetrics: [{ resource, scopeMetrics: [{ metrics: list }] }],
});
const gauge = (name: string, ...dataPoints: readonly object[]) => ({ name, gauge: { dataPoints } });
const OF_API = 'instance="a", job="api"';

describe.each(['json', 'protobuf'] as const)('in %s', (encoding) => {
  const send = (...list: readonly object[]) => otlp.send('metrics', metrics(...list), { encoding });
  const at = (afterMs: number) => ({ timeUnixNano: otlp.ns(afterMs) });

  const histogram = (point: object) => ({
    name: 'h',
    histogram: { ...cumulative, dataPoints: [{ ...at(0), sum: 1, ...point }] },
  });
  const buckets = (values: Record<string, number>) =>
    Object.fromEntries([
      ...Object.entries(values).map(([le, value]) => [`h_bucket{${OF_API}, le="${le}"}`, { 0: value }]),
      [`h_count{${OF_API}}`, { 0: Math.max(...Object.values(values)) }],
      [`h_sum{${OF_API}}`, { 0: 1 }],
    ]) as Record<string, Record<number, number>>;

  it.each<[string, object, object, string | RegExp]>([
    [
      'buckets without bounds (DataDog/datadog-agent#49637)',
      { count: 3, bucketCounts: [1, 2], explicitBounds: [] },
      {},
      'a histogram has 0 bounds and 2 buckets (1)',
    ],
    [
      'a bucket of -1 that became 2^64-1 (opentelemetry-collector-contrib#50348)',
      { count: 29_502, bucketCounts: ['29503', '18446744073709551615'], explicitBounds: [30] },
      {},
      /^a histogram's count is 29502, and its buckets hold 184467440737095/,
    ],
    [
      'counts beyond what a double holds, which add up',
      {
        count: '18014398509481986',
        bucketCounts: ['9007199254740993', '9007199254740993'],
        explicitBounds: [1],
      },
      buckets({ 1: 9_007_199_254_740_992, '+Inf': 18_014_398_509_481_984 }),
      '',
    ],
    [
      'the bound +Inf with a bucket of its own after it (swift-otel#387)',
      { count: 3, bucketCounts: [1, 2, 0], explicitBounds: [5, 'Infinity'] },
      buckets({ 5: 1, '+Inf': 3 }),
      '',
    ],
    [
      'the bound +Inf as the bound of the last bucket (swift-otel#387)',
      { count: 3, bucketCounts: [1, 2], explicitBounds: [5, 'Infinity'] },
      buckets({ 5: 1, '+Inf': 3 }),
      '',
    ],
  ])('%s', async (_, point, stored, message) => {
    // Twice: bounds that were seen before are read another way.
    const first = { ...point, attributes: [text('b', 'first')] };
    const answer = await send(histogram(first), histogram(point));
    if (message === '') expect(answer.message).toBe('');
    else expect(answer.message.replace(' (2)', ' (1)')).toMatch(message);
    const found = Object.entries(otlp.stored()).filter(([series]) => !series.includes('b="first"'));
    expect(Object.fromEntries(found)).toEqual(stored);
  });

  it('one resource in several requests, the later ones of earlier times (prometheus#16063)', async () => {
    expect(await send(gauge('g', { ...at(0), asInt: 1 }))).toEqual({ rejected: 0, message: '' });
    const hourMs = 3_600_000;
    expect(await send(gauge('other', { ...at(-hourMs / 2), asInt: 2 }))).toEqual({
      rejected: 0,
      message: '',
    });
    expect(await send(gauge('third', { ...at(0), asInt: 3 }))).toEqual({ rejected: 0, message: '' });
    const info = Object.values(otlp.stored('target_info'));
    expect(info).toEqual([{ 0: 1 }]);
  });

  it('a point without a time, whose resource has one all the same (prometheus#13760)', async () => {
    expect(await send(gauge('g', { asInt: 1 }))).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ [`g{${OF_API}}`]: { 0: 1 } });
    expect(Object.values(otlp.stored('target_info'))).toEqual([{ 0: 1 }]);
  });

  it('a start that is the time of the first point (prometheus#17201)', async () => {
    const sum = (point: object) => ({
      name: 's',
      sum: { ...cumulative, isMonotonic: true, dataPoints: [point] },
    });
    const startTimeUnixNano = otlp.ns(0);
    expect((await send(sum({ startTimeUnixNano, ...at(0), asInt: 7 }))).message).toBe('');
    expect((await send(sum({ startTimeUnixNano, ...at(1000), asInt: 9 }))).message).toBe('');
    expect(otlp.stored()).toEqual({ [`s_total{${OF_API}}`]: { 0: 7, 1000: 9 } });
  });

  it('a delta among good siblings (pgdog#1289)', async () => {
    const delta = {
      name: 'd',
      sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [{ asInt: 5 }] },
    };
    expect((await send(delta, gauge('g', { asInt: 1 }))).message).toBe('');
    expect(otlp.stored()).toEqual({ [`d_total{${OF_API}}`]: { 0: 5 }, [`g{${OF_API}}`]: { 0: 1 } });
  });

  it('a metric without a unit after one with it (VictoriaMetrics#10889)', async () => {
    await send({ ...gauge('first', { asInt: 1 }), unit: 's' }, gauge('second', { asInt: 2 }));
    expect(otlp.stored()).toEqual({
      [`first_seconds{${OF_API}}`]: { 0: 1 },
      [`second{${OF_API}}`]: { 0: 2 },
    });
  });

  it('histograms with fewer buckets after one with more (VictoriaMetrics#11041)', async () => {
    const point = (series: string, more: object) => ({
      ...at(0),
      attributes: [text('s', series)],
      scale: 0,
      ...more,
    });
    const dataPoints = [
      point('a', {
        count: 9,
        zeroCount: 1,
        positive: { offset: 3, bucketCounts: [1, 2, 3] },
        negative: { offset: -2, bucketCounts: [2] },
      }),
      point('b', { count: 2, positive: { bucketCounts: [2] } }),
      point('c', { count: 0 }),
    ];
    const sent = await send({ name: 'e', exponentialHistogram: { ...cumulative, dataPoints } });
    expect(sent).toEqual({ rejected: 0, message: '' });
    const of = (series: string) => otlp.stored()[`e{${OF_API}, s="${series}"}`]?.[0];
    expect(of('a')).toMatchObject({
      zeroCount: 1,
      positiveSpans: [{ offset: 4, length: 3 }],
      positiveCounts: [1, 2, 3],
      negativeSpans: [{ offset: -1, length: 1 }],
      negativeCounts: [2],
    });
    expect(of('b')).toMatchObject({
      zeroCount: 0,
      positiveSpans: [{ offset: 1, length: 1 }],
      positiveCounts: [2],
      negativeSpans: [],
      negativeCounts: [],
    });
    expect(of('c')).toMatchObject({ count: 0, positiveSpans: [], positiveCounts: [], negativeSpans: [] });
  });

  it('a native histogram whose bucket is 2^64-1 (opentelemetry-collector-contrib#50348)', async () => {
    const positive = { bucketCounts: [3, '18446744073709551615'] };
    const dataPoints = [{ ...at(0), count: 2, sum: 1, positive }];
    const sent = await send({ name: 'e', exponentialHistogram: { ...cumulative, dataPoints } });
    expect(sent.rejected).toBe(1);
    expect(sent.message).toContain('its count is 2, and its buckets hold 18446744073709552000');
    expect(otlp.stored()).toEqual({});
  });

  it('a bucket for numbers that do not exist (DataDog/datadog-agent#52344)', async () => {
    const dataPoints = [{ ...at(0), count: 44, scale: -4, negative: { offset: 65, bucketCounts: [44] } }];
    const sent = await send({ name: 'e', exponentialHistogram: { ...cumulative, dataPoints } });
    expect(sent).toEqual({
      rejected: 1,
      message:
        'an exponential histogram does not hold together: it has buckets for numbers that do not exist (1)',
    });
  });
});

describe('spans in JSON', () => {
  const span = (more: object) => ({
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    name: 'work',
    startTimeUnixNano: otlp.ns(0),
    endTimeUnixNano: otlp.ns(1),
    ...more,
  });
  const send = (...spans: readonly object[]) =>
    otlp.send('traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] });

  it.each<[string, object, string]>([
    [
      'a time as an object of two halves (opentelemetry-js#4216)',
      { startTimeUnixNano: { low: -1_013_133_952, high: 395_276_536 } },
      'startTimeUnixNano is an object, where none belongs (1)',
    ],
    [
      'an id in base64 (opentelemetry-collector#8720)',
      { traceId: 'Z6z8LqVvEI+kU1/Ci6mXBQ==' },
      'traceId: an id in hex digits belongs here (1)',
    ],
  ])('%s: refused by name, and its siblings are kept', async (_, more, message) => {
    expect(await send(span(more), span({}))).toEqual({ rejected: 1, message });
    expect(otlp.spans).toHaveLength(1);
  });

  it('a time with an exponent (opentelemetry-collector#572)', async () => {
    const text = JSON.stringify({
      resourceSpans: [{ scopeSpans: [{ spans: [span({ endTimeUnixNano: 0 })] }] }],
    });
    const nanoseconds = `${otlp.clock.wallMs() / 1e12}e18`;
    const sent = await otlp.send('traces', text.replace(`"${otlp.ns(0)}"`, nanoseconds));
    expect(sent).toEqual({ rejected: 0, message: '' });
    expect(Math.round((otlp.spans[0]?.startUs ?? 0) / 1000)).toBe(otlp.clock.wallMs());
  });
});
