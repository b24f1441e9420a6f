import { describe, expect, it } from 'vitest';
import {
  nextTurn,
  VirtualClock,
  type Clock,
  type Labels,
  type LatestSamples,
  type Queryable,
  type SelectedSeries,
  type Selection,
} from '#telemetry';
import { createEngine } from './engine.ts';
import { ALL_FEATURES } from './syntax/features.ts';
import { engineWith } from './engine.test-support.ts';
import { SAMPLES_AT_ONCE } from './evaluation/pacing.ts';

const SERIES = 30_000;
/** A few hundred series that are sorted by three labels have so many of them read; all series three times as many. */
const MAX_READS = 30_000;

/** A store of many series that counts how often the values of their labels are read. */
class WatchedStore implements Queryable {
  reads = 0;
  readonly #latest: LatestSamples;

  constructor() {
    const values = Float64Array.from({ length: SERIES }, (_, at) => (at * 7919) % 30_011);
    const labels = Array.from({ length: SERIES }, (_, at) => this.#watched(at));
    this.#latest = { labels, timestampsMs: new Float64Array(SERIES).fill(1000), values };
  }

  select(): readonly [] {
    return [];
  }

  selectLatest(): LatestSamples {
    return this.#latest;
  }

  #watched(at: number): Labels {
    const labels = {
      __name__: 'm',
      at: `a${Math.floor(at / 10)}`,
      le: at % 10 === 9 ? '+Inf' : `${at % 10}`,
    };
    const watched = {};
    for (const [name, value] of Object.entries(labels)) {
      const get = (): string => {
        this.reads++;
        return value;
      };
      Object.defineProperty(watched, name, { get, enumerable: true });
    }
    return watched;
  }
}

describe('a query over many series pauses while it looks at their labels', () => {
  const store = new WatchedStore();

  it.each([
    ['m + m', SERIES],
    ['m * on (at, le) m', SERIES],
    ['m / ignoring (le) group_left max by (at) (m)', SERIES],
    ['m and m', SERIES],
    ['m or on (at, le) m', SERIES],
    ['m unless on (at) m', 0],
    ['m + on (at, le) fill(0) m', SERIES],
    ['info(m, {__name__="m"})', SERIES],
    ['info(m)', SERIES],
    ['histogram_quantile(0.9, m)', SERIES / 10],
    ['histogram_fraction(0, 5, m)', SERIES / 10],
    ['stddev by (at, le) (m)', SERIES],
    ['sum without (le) (m)', SERIES / 10],
    ['count_values by (at, le) ("value", m)', SERIES],
    ['label_replace(m, "to", "$1", "at", "(.*)")', SERIES],
    ['label_join(m, "to", "/", "at", "le")', SERIES],
    ['topk by (at) (1, m)', SERIES / 10],
    ['sort_by_label(m, "at", "le")', SERIES],
    ['-m', SERIES],
    ['timestamp(m)', SERIES],
  ])('%s', (text, length) => {
    store.reads = 0;
    let most = 0;
    let before = 0;
    const work = engineWith().prepare(text).instantWork(store, 1000);
    for (let step = work.next(); ; step = work.next()) {
      most = Math.max(most, store.reads - before);
      before = store.reads;
      if (step.done !== true) continue;
      expect(step.value).toMatchObject({ kind: 'vector', elements: { length } });
      break;
    }
    expect(store.reads).toBeGreaterThan(SERIES);
    expect(most).toBeLessThan(MAX_READS);
  });
});

describe('a query of many parts, none of which pauses by itself', () => {
  const FEW = 999;
  const latest: LatestSamples = {
    labels: Array.from({ length: FEW }, (_, at) => ({ __name__: 'm', at: `a${at}` })),
    timestampsMs: new Float64Array(FEW).fill(1000),
    values: new Float64Array(FEW),
  };
  const store: Queryable = { select: () => [], selectLatest: () => latest };

  it.each([
    // Ten times what is done between two pauses at most.
    ['a chain of operators', `m${' + 1'.repeat(1000)}`, (1000 * FEW) / 50_000],
    [
      'numbers at many steps',
      `sum_over_time(vector(time()${' + 1'.repeat(1000)})[10m:1s])`,
      (1000 * 600) / 50_000,
    ],
    ['functions of functions', `${'abs('.repeat(300)}m${')'.repeat(300)}`, (300 * FEW) / 50_000],
    [
      'functions of labels',
      `${'label_join('.repeat(150)}m${',"x","","at")'.repeat(150)}`,
      (150 * FEW) / 50_000,
    ],
  ])('pauses: %s', (_, text, pausesAtLeast) => {
    let pauses = 0;
    const work = engineWith().prepare(text).instantWork(store, 1000);
    while (work.next().done !== true) pauses++;
    expect(pauses).toBeGreaterThan(pausesAtLeast);
  });
});

it('pauses between long series that it answers with as they are', () => {
  const [samples, count] = [10_000, 80];
  const one = {
    timestampsMs: Float64Array.from({ length: samples }, (_, at) => at),
    values: new Float64Array(samples),
  };
  const store: Queryable = {
    select: () =>
      Array.from({ length: count }, (_, at) => ({ labels: { __name__: 'm', at: `${at}` }, ...one })),
  };
  const work = engineWith().prepare('m[1h]').instantWork(store, samples);
  let pauses = 0;
  let step = work.next();
  for (; step.done !== true; step = work.next()) pauses++;
  expect(step.value).toMatchObject({ kind: 'matrix', series: { length: count } });
  expect(pauses).toBeGreaterThanOrEqual(count);
});

describe('a query over one long series pauses while it looks at its samples', () => {
  const SAMPLES = 300_000;
  const one: SelectedSeries = {
    labels: { __name__: 'm' },
    timestampsMs: Float64Array.from({ length: SAMPLES }, (_, at) => at),
    // A counter that is reset now and then.
    values: Float64Array.from({ length: SAMPLES }, (_, at) => at % 777),
  };
  const atOnce: Queryable = { select: () => [one] };
  /** Read in ten steps. */
  const inSteps: Queryable = {
    ...atOnce,
    open: () => ({
      seriesCount: 1,
      read: () => one,
      *readLong() {
        for (let step = 0; step < 10; step++) yield;
        return one;
      },
    }),
  };

  function pausesOf(text: string, store: Queryable): number {
    let pauses = 0;
    const work = engineWith().prepare(text).instantWork(store, SAMPLES);
    let step = work.next();
    for (; step.done !== true; step = work.next()) pauses++;
    expect(step.value).not.toMatchObject({ elements: [] });
    return pauses;
  }

  it.each([
    // Of the samples those that a window has are looked at once, to tell floats from staleness markers, …
    ['count_over_time(m[1h])', 1],
    ['m[1h]', 1],
    // … and by most functions once more.
    ['sum_over_time(m[1h])', 2],
    ['avg_over_time(m[1h])', 2],
    ['max_over_time(m[1h])', 2],
    ['ts_of_min_over_time(m[1h])', 2],
    ['stddev_over_time(m[1h])', 2],
    ['rate(m[1h])', 2],
    ['increase(m[1h] @ end())', 2],
    ['changes(m[1h])', 2],
    ['resets(m[1h])', 2],
    ['deriv(m[1h])', 2],
    ['predict_linear(m[1h], 60)', 2],
    ['double_exponential_smoothing(m[1h], 0.5, 0.5)', 2],
    ['quantile_over_time(0.9, m[1h])', 5],
    ['mad_over_time(m[1h])', 9],
  ])('%s', (text, looks) => {
    const atLeast = (looks * SAMPLES) / SAMPLES_AT_ONCE - 1;
    const pauses = pausesOf(text, atOnce);
    expect(pauses).toBeGreaterThanOrEqual(atLeast);
    expect(pausesOf(text, inSteps)).toBeGreaterThanOrEqual(atLeast + 10);
  });

  it('and where the store reads it for an instant selector', () => {
    expect(pausesOf('min_over_time(m[200ms:100ms])', inSteps)).toBeGreaterThanOrEqual(10);
  });
});

describe('a query of many selectors', () => {
  /** A millisecond goes by at each look at the clock. */
  const clock: Clock = Object.assign(new VirtualClock(), { monotonicMs: () => ++looks });
  let looks = 0;
  const text = Array<string>(300).fill('m').join(' or ');

  /** Answers at once; says how many answers were given without a turn of the event loop between them. */
  function countingStore(): { readonly store: Queryable; readonly longest: () => number } {
    let atOnce = 0;
    let longest = 0;
    const selectLatest = (): LatestSamples => {
      if (atOnce++ === 0) setImmediate(() => (atOnce = 0));
      longest = Math.max(longest, atOnce);
      return { labels: [], timestampsMs: new Float64Array(0), values: new Float64Array(0) };
    };
    return { store: { select: () => [], selectLatest }, longest: () => longest };
  }

  it('lets a rule pause after each', () => {
    const { store } = countingStore();
    const work = engineWith().prepare(text).instantWork(store, 0);
    let pauses = 0;
    while (work.next().done !== true) pauses++;
    expect(pauses).toBeGreaterThanOrEqual(299);
  });

  it('gives the event loop its turns while their series are found', async () => {
    const { store, longest } = countingStore();
    const query = createEngine({ clock, features: ALL_FEATURES }).prepare(text);
    await query.instantInSlices(store, 0);
    expect(longest()).toBeLessThan(10);
  });

  it('has as long as any other', async () => {
    const query = createEngine({ clock, features: ALL_FEATURES, timeoutMs: 100 }).prepare(text);
    await expect(query.instantInSlices(countingStore().store, 0)).rejects.toMatchObject({
      code: 'query_timeout',
    });
  });

  it('lets the store ask whether anybody waits', async () => {
    const gone = new AbortController();
    const selectLatest = async ({ afterPause }: Selection): Promise<LatestSamples> => {
      await nextTurn();
      gone.abort(new Error('gone'));
      afterPause?.();
      throw new Error('worked for nobody');
    };
    const query = engineWith()
      .prepare('m')
      .instantInSlices({ select: () => [], selectLatest }, 0, gone);
    await expect(query).rejects.toMatchObject({
      code: 'query_timeout',
      message: expect.stringContaining('gone'),
    });
  });
});
