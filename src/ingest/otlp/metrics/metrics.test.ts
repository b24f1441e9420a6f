import { beforeEach, describe, expect, it, test } from 'vitest';
import { createMatcher, OmoiError } from '#telemetry';
import { startOtlp, type OtlpTest } from '../otlp.test-support.ts';

let otlp: OtlpTest;
beforeEach(async () => {
  otlp = await startOtlp();
});

const ENCODINGS = ['json', 'protobuf'] as const;
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const int = (key: string, intValue: string) => ({ key, value: { intValue } });
const ofResource = (attributes: readonly object[], ...metrics: readonly object[]) => ({
  resource: { attributes },
  scopeMetrics: [{ metrics }],
});
const metrics = (...list: readonly object[]) => ({ resourceMetrics: [ofResource([], ...list)] });
const gauge = (...dataPoints: readonly object[]) => metrics({ name: 'g', gauge: { dataPoints } });
const sum = (aggregationTemporality: number, ...dataPoints: readonly object[]) =>
  metrics({ name: 'c', sum: { aggregationTemporality, isMonotonic: true, dataPoints } });
const delta = (...dataPoints: readonly object[]) => sum(1, ...dataPoints);
const cumulative = (...dataPoints: readonly object[]) => sum(2, ...dataPoints);

describe.each(ENCODINGS)('metrics in %s', (encoding) => {
  const send = (body: object) => otlp.send('metrics', body, { encoding });
  const at = (timeMs: number) => ({ timeUnixNano: otlp.ns(timeMs) });

  it.each([
    ['a double', { asDouble: 2.5 }, 2.5],
    ['an integer', { asInt: '-7' }, -7],
    ['NaN', { asDouble: 'NaN' }, 'NaN'],
    ['infinity', { asDouble: 'Infinity' }, 'Infinity'],
    ['minus infinity', { asDouble: '-Infinity' }, '-Infinity'],
    ['no recorded value', { flags: 1 }, 'stale'],
  ])('stores a gauge of %s', async (_, value, expected) => {
    expect(await send(gauge({ ...at(1), ...value }))).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ g: { 1: expected } });
  });

  it.each([
    [
      'sent twice',
      [
        [5, 10],
        [5, 10],
        [1, 20],
      ],
      { 10: 5, 20: 6 },
      1,
    ],
    [
      'too old, then one of now',
      [
        [1000, -86_400_000],
        [1, 10],
      ],
      { 10: 1 },
      1,
    ],
    [
      'of NaN, then a number',
      [
        ['NaN', 10],
        [1, 20],
      ],
      { 20: 1 },
      1,
    ],
    [
      'of infinity, then a number',
      [
        ['Infinity', 10],
        [1, 20],
      ],
      { 20: 1 },
      1,
    ],
    [
      'below zero',
      [
        [5, 10],
        [-1, 20],
        [1, 30],
      ],
      { 10: 5, 30: 6 },
      1,
    ],
    [
      'that comes late',
      [
        [5, 20],
        [1, 10],
        [1, 30],
      ],
      { 20: 5, 30: 6 },
      1,
    ],
  ] as const)('counts a delta %s', async (_, deltas, expected, refused) => {
    let rejected = 0;
    for (const [value, timeMs] of deltas) {
      rejected += (await send(delta({ ...at(timeMs), asDouble: value }))).rejected;
    }
    expect(otlp.stored()).toEqual({ c_total: expected });
    expect(rejected).toBe(refused);
    // The same in one request.
    otlp = await startOtlp();
    const points = deltas.map(([value, timeMs]) => ({ ...at(timeMs), asDouble: value }));
    expect((await send(delta(...points))).rejected).toBe(refused);
    expect(otlp.stored()).toEqual({ c_total: expected });
  });

  it('goes on with totals where another start is told, which says nothing of a delta', async () => {
    await send(delta({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(0) }));
    await send(delta({ ...at(20), asDouble: 1, startTimeUnixNano: otlp.ns(12) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6 } });
  });

  it('takes a changed start of a cumulative sum for a reset, though its value is higher', async () => {
    await send(cumulative({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(20), asDouble: 6, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(40), asDouble: 7, startTimeUnixNano: otlp.ns(30) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6, 30: 0, 40: 7 } });
  });

  it('takes a start that jitters for none', async () => {
    await send(cumulative({ ...at(10), asDouble: 5, startTimeUnixNano: otlp.ns(1) }));
    await send(cumulative({ ...at(20), asDouble: 6, startTimeUnixNano: otlp.ns(3) }));
    expect(otlp.stored()).toEqual({ c_total: { 10: 5, 20: 6 } });
  });

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

  const exponential = (point: object, temporality = 2) =>
    metrics({
      name: 'e',
      exponentialHistogram: { aggregationTemporality: temporality, dataPoints: [point] },
    });

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

  it('says that a cumulative native histogram was reset where its start changes', async () => {
    const point = { count: 1, sum: 1, positive: { offset: 0, bucketCounts: [1] } };
    await send(exponential({ ...at(1), ...point, startTimeUnixNano: otlp.ns(0) }));
    await send(exponential({ ...at(9), ...point, startTimeUnixNano: otlp.ns(5) }));
    await send(exponential({ ...at(10), flags: 1 }));
    expect(otlp.stored()).toMatchObject({ e: { 9: { counterReset: 'reset' }, 10: 'stale' } });
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

  it.each([0, 3])(
    'refuses what is neither delta nor cumulative, alone: temporality %d',
    async (temporality) => {
      const sumOf = (name: string, aggregationTemporality: number) => ({
        name,
        sum: { aggregationTemporality, isMonotonic: true, dataPoints: [{ ...at(1), asInt: '1' }] },
      });
      const answer = await send(metrics(sumOf('unsaid', temporality), sumOf('said', 2)));
      expect(answer).toEqual({
        rejected: 1,
        message: expect.stringContaining('neither DELTA nor CUMULATIVE'),
      });
      expect(Object.keys(otlp.stored())).toEqual(['said_total']);
    },
  );

  it('stores a summary with its quantiles, NaN among them', async () => {
    const quantileValues = [
      { quantile: 'NaN', value: 5 },
      { quantile: 0.5, value: 'NaN' },
      { quantile: 0.99, value: 3 },
    ];
    await send(
      metrics({ name: 's', summary: { dataPoints: [{ ...at(1), count: 2, sum: 4, quantileValues }] } }),
    );
    expect(otlp.stored()).toEqual({
      s_count: { 1: 2 },
      s_sum: { 1: 4 },
      's{quantile="NaN"}': { 1: 5 },
      's{quantile="0.5"}': { 1: 'NaN' },
      's{quantile="0.99"}': { 1: 3 },
    });
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

  it.each(['NaN', 'Infinity', '-Infinity'])('keeps a point whose attribute is %s', async (value) => {
    const attributes = [{ key: 'load', value: { doubleValue: value } }];
    expect(await send(gauge({ ...at(1), asInt: '1', attributes }))).toEqual({ rejected: 0, message: '' });
    expect(otlp.stored()).toEqual({ [`g{load="${value}"}`]: { 1: 1 } });
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

  it('tells integers apart that a double does not', async () => {
    const point = (id: string) => ({ ...at(1), asInt: '1', attributes: [int('id', id)] });
    expect(await send(gauge(point('9007199254740993'), point('9007199254740992')))).toMatchObject({
      rejected: 0,
    });
    expect(Object.keys(otlp.stored())).toEqual(['g{id="9007199254740992"}', 'g{id="9007199254740993"}']);
  });

  it('joins the values of attributes that become one label, in the order of their keys', async () => {
    const attributes = [text('foo_bar', 'under'), text('foo.bar', 'dot'), text('foo-bar', 'dash')];
    await send(gauge({ ...at(1), asInt: '1', attributes }));
    expect(Object.keys(otlp.stored())).toEqual(['g{foo_bar="dash;dot;under"}']);
  });

  it("lets the resource's identity win, and keeps what a point says under its names", async () => {
    const attributes = [text('job', 'other'), text('instance', 'i-2'), text('le', 'x')];
    const resource = [
      text('service.namespace', 'shop'),
      text('service.name', 'api'),
      text('service.instance.id', 'i-1'),
    ];
    const point = { ...at(1), asInt: '1', attributes };
    await send({ resourceMetrics: [ofResource(resource, { name: 'g', gauge: { dataPoints: [point] } })] });
    expect(Object.keys(otlp.stored())).toEqual([
      'g{exported_instance="i-2", exported_job="other", instance="i-1", job="shop/api", le="x"}',
    ]);
  });

  it('keeps two writers apart that differ in one attribute of their resource, and says what else they are', async () => {
    const of = (host: string, value: string) =>
      ofResource([text('service.name', 'api'), text('host.name', host)], {
        name: 'c',
        sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [{ ...at(1), asInt: value }] },
      });
    expect(await send({ resourceMetrics: [of('a', '1'), of('b', '2')] })).toEqual({
      rejected: 0,
      message: '',
    });
    const stored = otlp.stored();
    expect(Object.values(stored)).toEqual([{ 1: 1 }, { 1: 2 }]);
    expect(Object.keys(stored)[0]).toMatch(/^c_total\{instance="a:[0-9a-f]{12}", job="api"\}$/);
    const info = otlp.stored('target_info');
    expect(Object.values(info)).toEqual([{ 1: 1 }, { 1: 1 }]);
    expect(Object.keys(info)[1]).toMatch(
      /^target_info\{host_name="b", instance="b:[0-9a-f]{12}", job="api"\}$/,
    );
  });

  it('keeps two scopes apart', async () => {
    const of = (name: string) => ({
      scope: { name, version: '1' },
      metrics: [{ name: 'g', gauge: { dataPoints: [{ ...at(1), asInt: '1' }] } }],
    });
    await send({ resourceMetrics: [{ scopeMetrics: [of('a'), of('b')] }] });
    expect(Object.keys(otlp.stored())).toEqual([
      'g{otel_scope_name="a", otel_scope_version="1"}',
      'g{otel_scope_name="b", otel_scope_version="1"}',
    ]);
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

  it('refuses points and metrics alone, and says why', async () => {
    const good = { ...at(1), asInt: '1' };
    const answer = await send(
      metrics(
        {
          name: 'g',
          gauge: { dataPoints: [good, { ...at(1), asInt: '1', attributes: [text('', 'x')] }, { ...at(1) }] },
        },
        { gauge: { dataPoints: [good, good] } },
        { name: 'anomaly_score', gauge: { dataPoints: [good] } },
        { name: 'without' },
        { name: 'old', gauge: { dataPoints: [{ ...at(-86_400_000), asInt: '1' }] } },
        { name: 'ahead', gauge: { dataPoints: [{ ...at(86_400_000), asInt: '1' }] } },
      ),
    );
    expect(answer.rejected).toBe(8);
    expect(answer.message).toContain('an attribute without a key (1)');
    expect(answer.message).toContain('a metric without a name (2)');
    expect(answer.message).toContain('anomaly_score is written by Omoi alone (1)');
    expect(otlp.stored()).toEqual({ g: { 1: 1 } });
  });

  it('makes no series for a point that is refused', async () => {
    await send(
      delta({ ...at(1), asDouble: 'NaN' }, { ...at(-86_400_000), asInt: '1', attributes: [text('a', 'b')] }),
    );
    const { seriesCount } = await otlp.tsdb.status();
    expect(seriesCount).toBe(0);
  });

  it('answers what it stored where a limit of the store is reached', async () => {
    otlp = await startOtlp({ limits: { maxSeriesPerMetric: 1 } });
    const point = (value: string) => ({ ...at(1), asInt: '1', attributes: [text('a', value)] });
    const answer = await send(gauge(point('1'), point('2')));
    expect(answer).toEqual({ rejected: 1, message: expect.stringContaining('max_series_per_metric is 1') });
    expect(Object.keys(otlp.stored())).toEqual(['g{a="1"}']);
  });
});

test('a delta whose commit fails counts once, when it is sent again', async () => {
  let failures = 1;
  otlp = await startOtlp({
    samples: (tsdb) => ({
      series: (labels) => tsdb.series(labels),
      describe: (name, metadata) => tsdb.describe(name, metadata),
      isTimely: (timeMs) => tsdb.isTimely(timeMs),
      holds: (ref) => tsdb.holds(ref),
      onForgotten: (listener) => tsdb.onForgotten(listener),
      newestMs: (ref) => tsdb.newestMs(ref),
      newestValue: (ref) => tsdb.newestValue(ref),
      newestHistogram: (ref) => tsdb.newestHistogram(ref),
      commit(batch, origin) {
        if (failures-- <= 0) return tsdb.commit(batch, origin);
        const { refused } = tsdb.commit(batch, { ...origin });
        return {
          accepted: 0,
          refused,
          durable: () => Promise.reject(new OmoiError('storage_failed', 'the log could not be written')),
        };
      },
    }),
  });
  const body = delta({ timeUnixNano: otlp.ns(1), asDouble: 5 });
  await expect(otlp.send('metrics', body)).rejects.toMatchObject({ code: 'storage_failed' });
  await otlp.send('metrics', body);
  await otlp.send('metrics', delta({ timeUnixNano: otlp.ns(2), asDouble: 1 }));
  expect(otlp.stored()).toEqual({ c_total: { 1: 5, 2: 6 } });
});

describe('a sender whose token is bound', () => {
  const point = (agent?: string) => ({
    timeUnixNano: otlp.ns(1),
    asInt: '1',
    attributes: agent === undefined ? [] : [text('agent_id', agent)],
  });
  const named = (name: string, agent?: string) => ({ name, gauge: { dataPoints: [point(agent)] } });

  it('speaks for its agents alone, also for series that are known', async () => {
    const body = metrics(named('a', 'mine'), named('b', 'other'));
    await otlp.send('metrics', body);
    const answer = await otlp.send('metrics', body, { scope: { agentIds: ['mine'], poolId: null } });
    expect(answer).toEqual({ rejected: 1, message: 'this token does not speak for agent other (1)' });
  });

  it('speaks for the agents of its pool, and for no other', async () => {
    const body = metrics(named('a', 'coder-1'), named('b', 'tester-1'), named('c'));
    const answer = await otlp.send('metrics', body, { scope: { agentIds: [], poolId: 'coders' } });
    expect(answer).toEqual({ rejected: 1, message: 'this token does not speak for agent tester-1 (1)' });
    // An agent without a pool is not of the pool of a token that names none.
    const none = await otlp.send('metrics', metrics(named('d', 'tester-1')), {
      scope: { agentIds: [], poolId: null },
    });
    expect(none.rejected).toBe(1);
    expect(Object.keys(otlp.stored())).toEqual(['a{agent_id="coder-1"}', 'c']);
  });
});
