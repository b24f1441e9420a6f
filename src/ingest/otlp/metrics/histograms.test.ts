import { beforeEach, describe, expect, it } from 'vitest';
import { createMatcher } from '#telemetry';
import { startOtlp, type OtlpTest } from '../otlp.test-support.ts';
import { cumulative, ENCODINGS, metrics, text } from './metric-requests.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

describe.each(ENCODINGS)('metrics in %s', (encoding) => {
  const send = (body: object) => otlp.send('metrics', body, { encoding });
  const at = (timeMs: number) => ({ timeUnixNano: otlp.ns(timeMs) });

  const histogram = (temporality: number, point: object) =>
    metrics({
      name: 'h',
      unit: 's',
      histogram: { aggregationTemporality: temporality, dataPoints: [point] },
    });
  const buckets = (...bucketCounts: readonly number[]) => ({
    bucketCounts,
    explicitBounds: [0.5, 1],
    count: bucketCounts.reduce((total, count) => total + count, 0),
  });

  it('makes series of a histogram', async () => {
    await send(histogram(2, { ...at(1), ...buckets(1, 2, 3), sum: 3.5 }));
    expect(otlp.stored()).toEqual({
      'h_seconds_bucket{le="+Inf"}': { 1: 6 },
      'h_seconds_bucket{le="0.5"}': { 1: 1 },
      'h_seconds_bucket{le="1"}': { 1: 3 },
      h_seconds_count: { 1: 6 },
      h_seconds_sum: { 1: 3.5 },
    });
  });

  it('adds the deltas of a histogram, once each, and ends all its series at once', async () => {
    const first = histogram(1, { ...at(1), ...buckets(1, 2, 3), sum: 3.5 });
    await send(first);
    expect((await send(first)).rejected).toBe(1);
    await send(histogram(1, { ...at(2), ...buckets(1, 0, 0), sum: 0.25 }));
    await send(histogram(1, { ...at(3), flags: 1 }));
    expect(otlp.stored()).toEqual({
      'h_seconds_bucket{le="+Inf"}': { 1: 6, 2: 7, 3: 'stale' },
      'h_seconds_bucket{le="0.5"}': { 1: 1, 2: 2, 3: 'stale' },
      'h_seconds_bucket{le="1"}': { 1: 3, 2: 4, 3: 'stale' },
      h_seconds_count: { 1: 6, 2: 7, 3: 'stale' },
      h_seconds_sum: { 1: 3.5, 2: 3.75, 3: 'stale' },
    });
  });

  it('adds a sum that is told now and then to what is known of it, and all else as ever', async () => {
    const deltas = [{}, { sum: 2 }, {}, { sum: 0.5 }].map((sum, place) =>
      send(histogram(1, { ...at(place + 1), ...buckets(1, 0, 1), ...sum })),
    );
    expect(await Promise.all(deltas)).toEqual(
      Array.from({ length: 4 }, () => ({ rejected: 0, message: '' })),
    );
    expect(otlp.stored()).toEqual({
      'h_seconds_bucket{le="+Inf"}': { 1: 2, 2: 4, 3: 6, 4: 8 },
      'h_seconds_bucket{le="0.5"}': { 1: 1, 2: 2, 3: 3, 4: 4 },
      'h_seconds_bucket{le="1"}': { 1: 1, 2: 2, 3: 3, 4: 4 },
      h_seconds_count: { 1: 2, 2: 4, 3: 6, 4: 8 },
      h_seconds_sum: { 2: 2, 4: 2.5 },
    });
  });

  it.each(['NaN', 'Infinity', '-Infinity'])('counts a delta without its sum, which is %s', async (sum) => {
    const answer = await send(histogram(1, { ...at(1), ...buckets(1, 0, 1), sum }));
    expect(answer).toEqual({ rejected: 0, message: 'left out: the sum of a delta, which is no number (1)' });
    await send(histogram(1, { ...at(2), ...buckets(1, 0, 0), sum: 3 }));
    expect(otlp.stored()).toMatchObject({ h_seconds_count: { 1: 2, 2: 3 }, h_seconds_sum: { 2: 3 } });
    const point = { count: 1, zeroCount: 1 };
    expect(await send(exponential({ ...at(1), ...point, sum }, 1))).toEqual(answer);
    await send(exponential({ ...at(2), ...point, sum: 3 }, 1));
    expect(otlp.stored()).toMatchObject({ e: { 1: { count: 1, sum: NaN }, 2: { count: 2, sum: 3 } } });
  });

  it.each([
    [
      'a bound is missing',
      { bucketCounts: [1, 2, 3], explicitBounds: [1], count: 6 },
      '1 bounds and 3 buckets',
    ],
    ['bounds go down', { bucketCounts: [1, 2, 3], explicitBounds: [2, 1], count: 6 }, 'do not ascend'],
    ['a bound is NaN', { bucketCounts: [1, 2], explicitBounds: ['NaN'], count: 3 }, 'do not ascend'],
    ['the count is another', { bucketCounts: [1, 2], explicitBounds: [1], count: 100 }, 'its buckets hold 3'],
  ])('refuses a histogram where %s', async (_, point, reason) => {
    expect(await send(histogram(2, { ...at(1), ...point }))).toEqual({
      rejected: 1,
      message: expect.stringContaining(reason),
    });
    expect(otlp.stored()).toEqual({});
  });

  const exponential = (point: object, temporality = 2) => exponentials([point], temporality);
  const exponentials = (dataPoints: readonly object[], aggregationTemporality = 2) =>
    metrics({ name: 'e', exponentialHistogram: { aggregationTemporality, dataPoints } });

  it('moves exponential buckets to native indexes and merges scales above 8', async () => {
    const positive = { offset: 1, bucketCounts: [1, 2, 3, 4] };
    await send(exponential({ ...at(1), count: 10, sum: 1, scale: 9, positive }));
    expect(otlp.stored()).toMatchObject({
      e: { 1: { schema: 8, positiveSpans: [{ offset: 1, length: 3 }], positiveCounts: [1, 5, 4] } },
    });
  });

  it('adds the deltas of exponential histograms, in the coarser of their scales', async () => {
    const fine = { offset: 1, bucketCounts: [1, 2] };
    await send(exponential({ ...at(1), count: 3, sum: 1, scale: 1, positive: fine }, 1));
    const coarse = { offset: 1, bucketCounts: [5] };
    const second = exponential({ ...at(2), count: 6, sum: 2, scale: 0, zeroCount: 1, positive: coarse }, 1);
    await send(second);
    expect((await send(second)).rejected).toBe(1);
    // Of scale 1, the buckets that end at 2 and at 2^1.5; of scale 0, those that end at 2 and at 4.
    expect(otlp.stored()).toMatchObject({
      e: {
        2: {
          schema: 0,
          count: 9,
          sum: 3,
          zeroCount: 1,
          positiveSpans: [{ offset: 1, length: 2 }],
          positiveCounts: [1, 7],
        },
      },
    });
  });

  it.each([
    [0, 1023, 1e308],
    [-4, 63, 1e306],
    [8, 1024 * 256 - 1, 1.797e308],
  ])(
    'widens the zero bucket of deltas of scale %d no further than numbers go',
    async (scale, offset, zeroThreshold) => {
      const positive = { offset, bucketCounts: [1] };
      await send(exponential({ ...at(1), count: 1, sum: 1, scale, positive }, 1));
      await send(exponential({ ...at(2), count: 1, sum: 1, scale, zeroCount: 1, zeroThreshold }, 1));
      expect(otlp.stored()).toMatchObject({
        e: { 2: { count: 2, zeroCount: 2, zeroThreshold: Number.MAX_VALUE, positiveCounts: [] } },
      });
    },
  );

  it('says that a cumulative native histogram was reset where its start changes', async () => {
    const point = { count: 1, sum: 1, positive: { offset: 0, bucketCounts: [1] } };
    await send(exponential({ ...at(1), ...point, startTimeUnixNano: otlp.ns(0) }));
    await send(exponential({ ...at(9), ...point, startTimeUnixNano: otlp.ns(5) }));
    await send(exponential({ ...at(10), flags: 1 }));
    expect(otlp.stored()).toMatchObject({ e: { 9: { counterReset: 'reset' }, 10: 'stale' } });
  });

  it('says so once where one request tells of it in two orders of the attributes', async () => {
    const ordered = [text('a', '1'), text('b', '2')];
    const point = (timeMs: number, startMs: number, attributes: readonly object[]) => ({
      ...at(timeMs),
      startTimeUnixNano: otlp.ns(startMs),
      attributes,
      count: 1,
      sum: 1,
      positive: { offset: 0, bucketCounts: [1] },
    });
    await send(exponential(point(1, 0, ordered)));
    await send(exponentials([point(9, 5, ordered), point(10, 5, ordered.toReversed())]));
    const series = Object.values(otlp.stored()['e{a="1", b="2"}'] ?? {});
    expect(series).toHaveLength(3);
    expect(
      series.filter((value) => (value as { counterReset?: string }).counterReset === 'reset'),
    ).toHaveLength(1);
  });

  it.each([
    ['the scale is below −4', { count: 0, scale: -5 }, 'scale -5'],
    ['the scale is above 20', { count: 0, scale: 21 }, 'scale 21'],
    [
      'buckets hold less than the count',
      { count: 100, positive: { bucketCounts: [1] } },
      'its buckets hold 1',
    ],
    ['the zero threshold is NaN', { count: 1, zeroCount: 1, zeroThreshold: 'NaN' }, 'zero threshold is NaN'],
    ['the zero threshold is negative', { count: 1, zeroCount: 1, zeroThreshold: -1 }, 'zero threshold is -1'],
    [
      'buckets are beyond numbers',
      { count: 1, positive: { offset: 5000, bucketCounts: [1] } },
      'do not exist',
    ],
  ])('refuses an exponential histogram where %s', async (_, point, reason) => {
    const answer = await send(exponential({ ...at(1), ...point }));
    expect(answer).toEqual({ rejected: 1, message: expect.stringContaining(reason) });
    expect(otlp.stored()).toEqual({});
  });

  it.each(['NaN', 'Infinity', '-Infinity'])('stores histograms whose sum is %s', async (sum) => {
    const point = { ...at(1), count: 1, sum };
    await send(
      metrics({
        name: 'h',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [{ ...point, bucketCounts: [1, 0], explicitBounds: [2] }],
        },
      }),
    );
    await send(exponential({ ...point, zeroCount: 1 }));
    const stored = otlp.stored();
    expect(stored['h_sum']).toEqual({ 1: sum });
    expect(stored['h_count']).toEqual({ 1: 1 });
    expect(stored['e']).toMatchObject({ 1: { count: 1, sum: Number(sum) } });
  });

  it('refuses a histogram alone whose bucket offset is far beyond 32 bits, in JSON', async () => {
    const point = (offset: string) =>
      `{"timeUnixNano":"${otlp.ns(1)}","count":1,"positive":{"offset":${offset},"bucketCounts":[1]}}`;
    const body = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"e","exponentialHistogram":{
      "aggregationTemporality":2,"dataPoints":[${point('1e12')},${point('0')}]}}]}]}]}`;
    const answer = await otlp.send('metrics', body);
    expect(answer).toEqual({ rejected: 1, message: expect.stringContaining('offset') });
    expect(Object.keys(otlp.stored())).toEqual(['e']);
  });

  it('keeps an exemplar without its ids where they have another length, and says so', async () => {
    const exemplar = { asDouble: 1, timeUnixNano: otlp.ns(0), traceId: 'abcd', spanId: 'ab' };
    const zeros = { ...exemplar, asDouble: 2, traceId: '0'.repeat(32), spanId: '0'.repeat(16) };
    const answer = await send(cumulative({ ...at(1), asDouble: 1, exemplars: [exemplar, zeros] }));
    expect(answer).toEqual({
      rejected: 0,
      message:
        "left out: an exemplar's trace_id of 2 bytes (1); left out: an exemplar's span_id of 1 bytes (1)",
    });
    const kept = await otlp.tsdb.exemplars({ matchers: [], startMs: 0, endMs: otlp.clock.wallMs() + 1 });
    expect(kept.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels))).toEqual([{}, {}]);
  });

  it('keeps exemplars, those of a histogram with their bucket', async () => {
    const exemplar = (asDouble: number) => ({
      asDouble,
      timeUnixNano: otlp.ns(0),
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
      filteredAttributes: [text('user', 'u')],
    });
    const point = { ...at(1), ...buckets(1, 2, 3), sum: 3, exemplars: [exemplar(0.7), exemplar(7)] };
    await send(histogram(2, point));
    await send(cumulative({ ...at(1), asDouble: 1, exemplars: [exemplar(1)] }));
    const kept = await otlp.tsdb.exemplars({
      matchers: [createMatcher('__name__', '=~', '.+')],
      startMs: 0,
      endMs: otlp.clock.wallMs() + 1,
    });
    expect(
      kept.map(({ labels, exemplars }) => [labels['__name__'], labels['le'], exemplars[0]?.value]),
    ).toEqual(
      expect.arrayContaining([
        ['c_total', undefined, 1],
        ['h_seconds_bucket', '1', 0.7],
        ['h_seconds_bucket', '+Inf', 7],
      ]),
    );
    expect(kept[0]?.exemplars[0]?.labels).toEqual({
      user: 'u',
      trace_id: 'ab'.repeat(16),
      span_id: 'cd'.repeat(8),
    });
  });
});
