import { afterEach, expect, test } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import {
  SampleBatch,
  SelfMetrics,
  type VirtualClock,
  createMatcher,
  silentLogger,
  type Labels,
} from '#telemetry';
import { TickingClock } from '../telemetry/time/ticking-clock.test-support.ts';
import { createTsdb, type Tsdb } from './index.ts';
import { originOf } from './origin.test-support.ts';

const HOUR_MS = 3_600_000;
const origin = originOf('collector');

let database: TelemetryDatabase | undefined;
afterEach(async () => {
  await database?.close();
  database = undefined;
});

async function openStore(options: { withArchive?: true } = {}): Promise<{ tsdb: Tsdb; clock: VirtualClock }> {
  const clock = new TickingClock();
  database = options.withArchive ? await openTestTelemetryDatabase(clock) : undefined;
  const tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
    limits: { headWindowMs: HOUR_MS },
    ...(database && { telemetryDatabase: database }),
  });
  return { tsdb, clock };
}

function append(tsdb: Tsdb, timestampMs: number, labelSets: readonly Labels[]): void {
  const batch = new SampleBatch();
  for (const labels of labelSets) batch.add(tsdb.series(labels), timestampMs, 1);
  tsdb.commit(batch, origin);
}

function manySeries(count: number, more: Labels = {}): Labels[] {
  return Array.from({ length: count }, (_, at) => ({
    __name__: `m${at % 3}`,
    pod: `pod-${(at * 7919) % count}`,
    zone: `z${at % 5}`,
    ...more,
  }));
}

const byPod = (series: readonly Labels[]) => series.map((labels) => labels['pod'] ?? '').sort();

/** Runs the work and counts the turns of the event loop that others had meanwhile. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let running = true;
  const turn = (): void => {
    turns++;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  running = false;
  return turns;
}

const any = [createMatcher('pod', '=~', 'pod-.*')];

test.each<[string, (tsdb: Tsdb) => Promise<unknown>]>([
  ['all series', (tsdb) => tsdb.lookUpSeries({ matcherLists: [] })],
  [
    'series by an expression',
    (tsdb) => tsdb.lookUpSeries({ matcherLists: [[createMatcher('pod', '=~', '.*[1-8]')]] }),
  ],
  [
    'series by what they are not',
    (tsdb) => tsdb.lookUpSeries({ matcherLists: [[createMatcher('zone', '!=', 'z1')]] }),
  ],
  [
    'series by several lists',
    (tsdb) => tsdb.lookUpSeries({ matcherLists: [any, [createMatcher('zone', '=', 'z1')]] }),
  ],
  ['label names', (tsdb) => tsdb.labelNames({ matcherLists: [any] })],
  ['label values', (tsdb) => tsdb.labelValues('pod', { matcherLists: [] })],
  ['label values of some', (tsdb) => tsdb.labelValues('pod', { matcherLists: [any] })],
  ['the status', (tsdb) => tsdb.status(10)],
])('a lookup of %s gives others their turns', async (_, work) => {
  const { tsdb, clock } = await openStore();
  append(tsdb, clock.wallMs(), manySeries(20_000));
  expect(await turnsDuring(() => work(tsdb))).toBeGreaterThan(5);
});

test('what is there all the time is found once, whatever comes and goes meanwhile', async () => {
  const { tsdb, clock } = await openStore({ withArchive: true });
  const staying = manySeries(3000, { stays: 'yes' });
  const leaving = manySeries(3000, { stays: 'no' });
  append(tsdb, clock.wallMs(), leaving);
  append(tsdb, clock.wallMs(), [...leaving.slice(0, 50), ...staying]);
  await clock.advance(1.5 * HOUR_MS);
  append(tsdb, clock.wallMs(), staying);
  await clock.advance(0.8 * HOUR_MS);
  append(tsdb, clock.wallMs(), staying);
  const all = tsdb.lookUpSeries({ matcherLists: [] });
  const some = tsdb.lookUpSeries({ matcherLists: [[createMatcher('stays', '=~', 'y.*|no')], any] });
  const values = tsdb.labelValues('pod', { matcherLists: [[createMatcher('stays', '!=', 'never')]] });
  const upkeep = tsdb.runMaintenance();
  append(tsdb, clock.wallMs(), manySeries(500, { stays: 'new' }));
  const expected = byPod([...staying, ...leaving]);
  for (const { items, isTruncated } of [await all, await some]) {
    expect(isTruncated).toBe(false);
    expect(byPod(items.filter(({ stays }) => stays !== 'new'))).toEqual(expected);
  }
  expect((await values).items).toEqual(byPod(staying));
  await upkeep;
  await tsdb.runMaintenance();
  // What went is in the archive alone by now.
  expect((await tsdb.status()).seriesCount).toBe(3500);
  const after = await tsdb.lookUpSeries({ matcherLists: [] });
  expect(byPod(after.items.filter(({ stays }) => stays !== 'new'))).toEqual(expected);
  expect((await tsdb.labelNames({ matcherLists: [] })).items).toEqual(['__name__', 'pod', 'stays', 'zone']);
  expect((await tsdb.labelValues('__name__', { matcherLists: [] })).items).toEqual(['m0', 'm1', 'm2']);
  const gone = [[createMatcher('__name__', '=', 'm1'), createMatcher('stays', '=', 'no')]];
  expect((await tsdb.lookUpSeries({ matcherLists: gone })).items).toHaveLength(1000);
  await tsdb.stop();
});

test('a limit says whether there was more, in memory or in the archive', async () => {
  const { tsdb, clock } = await openStore({ withArchive: true });
  append(tsdb, clock.wallMs(), manySeries(10));
  await clock.advance(4 * HOUR_MS);
  await tsdb.runMaintenance();
  append(tsdb, clock.wallMs(), manySeries(10, { stays: 'yes' }));
  const seriesOf = (limit: number) => tsdb.lookUpSeries({ matcherLists: [], limit });
  expect(await seriesOf(20)).toMatchObject({ items: { length: 20 }, isTruncated: false });
  expect(await seriesOf(19)).toMatchObject({ items: { length: 19 }, isTruncated: true });
  expect(await seriesOf(3)).toMatchObject({ items: { length: 3 }, isTruncated: true });
  const lookup = { matcherLists: [] };
  expect(await tsdb.labelNames({ ...lookup, limit: 4 })).toMatchObject({ isTruncated: false });
  expect(await tsdb.labelNames({ ...lookup, limit: 2 })).toEqual({
    items: ['__name__', 'pod'],
    isTruncated: true,
  });
  expect(await tsdb.labelValues('pod', { ...lookup, limit: 2 })).toEqual({
    items: ['pod-0', 'pod-1'],
    isTruncated: true,
  });
  await tsdb.stop();
});

test('a lookup ends when nobody waits for it any more', async () => {
  const { tsdb, clock } = await openStore();
  append(tsdb, clock.wallMs(), manySeries(20_000));
  const abort = new AbortController();
  const lookup = tsdb.labelValues('pod', { matcherLists: [any], signal: abort.signal });
  abort.abort();
  await expect(lookup).rejects.toMatchObject({ code: 'query_timeout' });
});

test.each([{}, { withArchive: true as const }])(
  'series that began after the interval are left out, with %j',
  async (options) => {
    const { tsdb, clock } = await openStore(options);
    const startMs = clock.wallMs();
    append(tsdb, startMs, [{ __name__: 'first' }]);
    await clock.advance(60_000);
    append(tsdb, clock.wallMs(), [{ __name__: 'second', a: '1' }]);
    append(tsdb, clock.wallMs() - 30_000, [{ __name__: 'first' }]);
    const batch = new SampleBatch();
    const histogram = {
      schema: 0,
      count: 0,
      sum: 0,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: [],
      positiveCounts: [],
      negativeSpans: [],
      negativeCounts: [],
      customBounds: [],
      counterReset: 'unknown' as const,
    };
    batch.addHistogram(tsdb.series({ __name__: 'histogram' }), startMs + 60_000, histogram);
    batch.add(tsdb.series({ __name__: 'late' }), startMs + 60_000, 1);
    tsdb.commit(batch, origin);
    append(tsdb, startMs + 10_000, [{ __name__: 'late' }]);
    const namesUntil = async (afterMs: number) => {
      const endMs = startMs + afterMs;
      return (await tsdb.labelValues('__name__', { matcherLists: [], endMs })).items;
    };
    expect(await namesUntil(-1)).toEqual([]);
    expect(await namesUntil(0)).toEqual(['first']);
    expect(await namesUntil(10_000)).toEqual(['first', 'late']);
    expect(await namesUntil(60_000)).toEqual(['first', 'histogram', 'late', 'second']);
    const found = await tsdb.lookUpSeries({ matcherLists: [], startMs, endMs: startMs + 59_999 });
    expect(found.items.map((labels) => labels['__name__'])).toEqual(['first', 'late']);
    await tsdb.stop();
  },
);

test('a series that lies in memory and in the archive is found at the times of either', async () => {
  const { tsdb, clock } = await openStore({ withArchive: true });
  const startMs = clock.wallMs();
  append(tsdb, startMs, [{ __name__: 'm' }]);
  await clock.advance(3 * HOUR_MS);
  append(tsdb, clock.wallMs(), [{ __name__: 'm' }]);
  for (const endMs of [startMs + 1000, clock.wallMs()]) {
    const found = await tsdb.lookUpSeries({ matcherLists: [], startMs, endMs });
    expect(found.items).toEqual([{ __name__: 'm' }]);
  }
  await tsdb.stop();
});

test('others have their turns while the exemplars of one series are looked through', async () => {
  const { tsdb, clock } = await openStore();
  const batch = new SampleBatch();
  const ref = tsdb.series({ __name__: 'm' });
  const timestampMs = clock.wallMs();
  for (let at = 0; at < 20_000; at++) batch.addExemplar(ref, { labels: {}, value: at, timestampMs });
  tsdb.commit(batch, origin);
  let found: readonly { readonly exemplars: readonly unknown[] }[] = [];
  const selection = { matchers: [createMatcher('__name__', '=', 'm')], startMs: 0, endMs: Infinity };
  const turns = await turnsDuring(async () => (found = await tsdb.exemplars(selection)));
  expect(found.map(({ exemplars }) => exemplars.length)).toEqual([20_000]);
  expect(turns).toBeGreaterThanOrEqual(8);
});
