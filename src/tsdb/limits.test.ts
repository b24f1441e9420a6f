import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SampleBatch, SelfMetrics, silentLogger, VirtualClock, type Labels } from '#telemetry';
import { SeriesIndex } from './index/series-index.ts';
import { createTsdb, type Tsdb } from './index.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { originOf } from './origin.test-support.ts';

// The limits of the store as docs/monitoring/promql.md tells them, at their numbers.

/** `npm run test:long` takes those of the series, too, as they are; two million series take long. */
const areDefaults = process.env['OMOI_LIMITS'] === 'default';

let clock: VirtualClock;
let tsdb: Tsdb;
beforeEach(async () => {
  clock = new VirtualClock();
  tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
});
afterEach(() => tsdb.stop());

describe('the labels of a series', () => {
  it.each<[what: string, most: number, (size: number) => Labels]>([
    [
      'labels, the name among them',
      64,
      (count) => ({
        __name__: 'm',
        ...Object.fromEntries(Array.from({ length: count - 1 }, (_, at) => [`l${at}`, 'x'])),
      }),
    ],
    ['characters of a name', 1024, (length) => ({ __name__: 'm', ['a'.repeat(length)]: 'x' })],
    ['characters of a value', 8192, (length) => ({ __name__: 'm', a: 'x'.repeat(length) })],
    [
      'characters of all',
      32_768,
      (length) => ({
        __name__: 'm',
        ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, 'x'.repeat(8000)])),
        e: 'x'.repeat(length - '__name__mabcde'.length - 4 * 8000),
      }),
    ],
  ])('%s: %i and no more', (_what, most, labels) => {
    expect(() => tsdb.series(labels(most))).not.toThrow();
    expect(() => tsdb.series(labels(most + 1))).toThrow(expect.objectContaining({ code: 'labels_invalid' }));
  });
});

it('holds a million series of a metric and two million in all', () => {
  expect(DEFAULT_LIMITS).toMatchObject({ maxSeriesPerMetric: 1_000_000, maxSeries: 2_000_000 });
});

it('holds maxSeriesPerMetric series of a metric and maxSeries in all, and takes more when some have gone', () => {
  const perLabel = areDefaults ? 1000 : 100;
  const maxSeriesPerMetric = perLabel ** 2;
  const maxSeries = 2 * maxSeriesPerMetric;
  const index = new SeriesIndex(
    areDefaults ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, maxSeriesPerMetric, maxSeries },
  );
  const numbers = Array.from({ length: perLabel }, (_, at) => `${at}`);
  const refused = (limit: string) =>
    expect.objectContaining({ code: 'series_limit_reached', details: { limit } });
  for (const __name__ of ['m1', 'm2']) {
    for (const a of numbers) for (const b of numbers) index.findOrAdd({ __name__, a, b });
    expect(index.seriesOfMetric(__name__)).toBe(maxSeriesPerMetric);
    if (__name__ === 'm1') {
      expect(() => index.findOrAdd({ __name__, a: 'more' })).toThrow(refused('max_series_per_metric'));
    }
  }
  expect(index.seriesCount).toBe(maxSeries);
  expect(() => index.findOrAdd({ __name__: 'm3' })).toThrow(refused('max_series'));
  // One that is there is found.
  const gone = index.findOrAdd({ __name__: 'm1', a: '99', b: '99' });
  index.remove([gone]);
  index.findOrAdd({ __name__: 'm3' });
  expect(() => index.findOrAdd({ __name__: 'm3', a: 'more' })).toThrow(refused('max_series'));
});

describe('the time of a sample', () => {
  const MINUTE_MS = 60_000;
  function commit(atMs: number): { readonly accepted: number } {
    const batch = new SampleBatch();
    batch.add(tsdb.series({ __name__: 'm' }), atMs, 1);
    return tsdb.commit(batch, originOf('remote_write'));
  }

  it('is no more than ten minutes ahead of the clock', () => {
    expect(commit(clock.wallMs() + 10 * MINUTE_MS).accepted).toBe(1);
    expect(commit(clock.wallMs() + 10 * MINUTE_MS + 1).accepted).toBe(0);
  });

  it('is no more than five minutes behind the newest of its series', () => {
    const newestMs = clock.wallMs();
    expect(commit(newestMs).accepted).toBe(1);
    expect(commit(newestMs - 5 * MINUTE_MS).accepted).toBe(1);
    expect(commit(newestMs - 5 * MINUTE_MS - 1).accepted).toBe(0);
  });

  it('is no more than two hours old', () => {
    expect(commit(clock.wallMs() - 120 * MINUTE_MS - 1).accepted).toBe(0);
    expect(commit(clock.wallMs() - 120 * MINUTE_MS).accepted).toBe(1);
  });
});
