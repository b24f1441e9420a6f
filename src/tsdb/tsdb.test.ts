import { expect, test } from 'vitest';
import {
  SampleBatch,
  SelfMetrics,
  VirtualClock,
  createMatcher,
  isStaleMarker,
  silentLogger,
  wordsOf,
  type AppendNotice,
  type Labels,
} from '#telemetry';
import { createTsdb, type Tsdb, type TsdbLimits } from './index.ts';
import { originOf } from './origin.test-support.ts';

const origin = originOf('collector');

async function openStore(limits: Partial<TsdbLimits> = {}): Promise<{ tsdb: Tsdb; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics(), limits });
  return { tsdb, clock };
}

function append(
  tsdb: Tsdb,
  labels: Labels,
  samples: readonly (readonly [timestampMs: number, value: number])[],
) {
  const batch = new SampleBatch();
  for (const [timestampMs, value] of samples) batch.add(tsdb.series(labels), timestampMs, value);
  return tsdb.commit(batch, origin);
}

function read(
  tsdb: Tsdb,
  name: string,
  startMs: number,
  endMs: number,
  latestOnly = false,
): [number, number][][] {
  const found = tsdb.select({ matchers: [createMatcher('__name__', '=', name)], startMs, endMs, latestOnly });
  if (found instanceof Promise) throw new Error('answered with a promise');
  return found.map((series) => Array.from(series.timestampsMs, (t, at) => [t, series.values[at] ?? NaN]));
}

test('samples of a batch are read back in order', async () => {
  const { tsdb, clock } = await openStore();
  const now = clock.wallMs();
  const samples = Array.from({ length: 500 }, (_, at) => [now - 500_000 + at * 1000, Math.sqrt(at)] as const);
  expect(append(tsdb, { __name__: 'm', a: '1' }, samples).accepted).toBe(500);
  expect(read(tsdb, 'm', 0, now)).toEqual([samples]);
  expect(read(tsdb, 'm', now - 400_000, now - 300_000)).toEqual([samples.slice(100, 201)]);
  expect(read(tsdb, 'm', 0, now, true)).toEqual([[samples[499]]]);
  expect(read(tsdb, 'm', 0, now - 400_000, true)).toEqual([[samples[100]]]);
});

test('late samples within the window are merged, others refused by name', async () => {
  const { tsdb, clock } = await openStore({ outOfOrderWindowMs: 60_000 });
  const now = clock.wallMs();
  const labels = { __name__: 'm' };
  append(tsdb, labels, [
    [now - 100_000, 1],
    [now, 5],
  ]);
  const result = append(tsdb, labels, [
    [now - 50_000, 3],
    [now - 50_000, 3],
    [now - 50_000, 4],
    [now, 6],
    [now, 5],
    [now - 70_000, 2],
    [now - 9_000_000, 2],
    [now + 700_000, 2],
  ]);
  expect(result.accepted).toBe(3);
  expect(result.refused).toMatchObject({
    duplicate_timestamp: 2,
    out_of_order: 1,
    too_old: 1,
    too_far_ahead: 1,
  });
  expect(read(tsdb, 'm', 0, now)).toEqual([
    [
      [now - 100_000, 1],
      [now - 50_000, 3],
      [now, 5],
    ],
  ]);
});

test('a staleness marker keeps its bits', async () => {
  const { tsdb, clock } = await openStore();
  const now = clock.wallMs();
  const batch = new SampleBatch();
  batch.addStale(tsdb.series({ __name__: 'm' }), now);
  tsdb.commit(batch, origin);
  for (const latestOnly of [true, false]) {
    const found = tsdb.select({
      matchers: [createMatcher('__name__', '=', 'm')],
      startMs: 0,
      endMs: now,
      latestOnly,
    });
    if (found instanceof Promise) throw new Error('answered with a promise');
    const [series] = found;
    expect(series && isStaleMarker(wordsOf(series.values), 0)).toBe(true);
  }
});

test('subscribers are told of a whole unit after it is visible, also about later series', async () => {
  const { tsdb, clock } = await openStore();
  const now = clock.wallMs();
  const notices: { notice: AppendNotice; visible: number }[] = [];
  const subscription = tsdb.onAppend([createMatcher('__name__', '=', 'm')], (notice) => {
    notices.push({ notice, visible: read(tsdb, 'm', now, now).length });
  });
  const batch = new SampleBatch();
  const first = tsdb.series({ __name__: 'm', a: '1' });
  const second = tsdb.series({ __name__: 'm', a: '2' });
  batch.add(first, now, 1);
  batch.add(tsdb.series({ __name__: 'other' }), now, 1);
  batch.addStale(second, now);
  tsdb.commit(batch, origin);
  expect(notices).toEqual([
    {
      visible: 2,
      notice: {
        origin,
        refs: [first, second],
        timestampsMs: [now, now],
        values: [1, NaN],
        stale: [false, true],
      },
    },
  ]);
  subscription.stop();
  append(tsdb, { __name__: 'm', a: '1' }, [[now + 1, 1]]);
  expect(notices).toHaveLength(1);
});

test.each<[string, Labels, Partial<TsdbLimits>, string]>([
  ['too many labels', { __name__: 'm', a: '1', b: '2' }, { maxLabelsPerSeries: 2 }, 'labels_invalid'],
  ['a long value', { __name__: 'm', a: 'xxxxx' }, { maxLabelValueLength: 4 }, 'labels_invalid'],
  ['no metric name', { a: '1' }, {}, 'labels_invalid'],
  ['half a surrogate pair', { __name__: 'm', a: '\uD800' }, {}, 'labels_invalid'],
  ['one series too many', { __name__: 'm', a: '1' }, { maxSeries: 1 }, 'series_limit_reached'],
  [
    'one series too many of a metric',
    { __name__: 'full', a: '1' },
    { maxSeriesPerMetric: 1 },
    'series_limit_reached',
  ],
])('%s is refused', async (_, labels, limits, code) => {
  const { tsdb } = await openStore(limits);
  tsdb.series({ __name__: 'full' });
  expect(() => tsdb.series(labels)).toThrowError(expect.objectContaining({ code }));
});

test('the status names the top offenders and the range of time', async () => {
  const { tsdb, clock } = await openStore();
  const now = clock.wallMs();
  expect(await tsdb.status()).toMatchObject({ seriesCount: 0, minTimeMs: null, maxTimeMs: null });
  for (let at = 0; at < 30; at++) {
    append(tsdb, { __name__: at < 20 ? 'big' : 'small', instance: `host-${at}`, job: 'j' }, [
      [now - 1000 * at, 1],
    ]);
  }
  expect(await tsdb.status(2)).toMatchObject({
    seriesCount: 30,
    labelPairCount: 33,
    minTimeMs: now - 29_000,
    maxTimeMs: now,
    seriesCountByMetricName: [
      { name: 'big', value: 20 },
      { name: 'small', value: 10 },
    ],
    labelValueCountByLabelName: [
      { name: 'instance', value: 30 },
      { name: '__name__', value: 2 },
    ],
    seriesCountByLabelValuePair: [
      { name: 'job=j', value: 30 },
      { name: '__name__=big', value: 20 },
    ],
  });
});
