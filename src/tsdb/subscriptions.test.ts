import { expect, onTestFinished, test, vi } from 'vitest';
import {
  SampleBatch,
  SelfMetrics,
  VirtualClock,
  createMatcher,
  nextTurn,
  silentLogger,
  type AppendNotice,
  type Labels,
  type Subscription,
} from '#telemetry';
import { TickingClock } from '../telemetry/time/ticking-clock.test-support.ts';
import { createTsdb } from './index.ts';
import { Selector, SeriesLinks } from './series-links.ts';
import { originOf } from './origin.test-support.ts';

const HOUR_MS = 3_600_000;
const origin = originOf('collector');

async function openStore() {
  const clock = new VirtualClock();
  const selfMetrics = new SelfMetrics();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics });
  const append = (labels: Labels, aheadMs = 0, value = 1) => {
    const batch = new SampleBatch();
    batch.add(tsdb.series(labels), clock.wallMs() + aheadMs, value);
    return tsdb.commit(batch, origin);
  };
  return { clock, selfMetrics, tsdb, append };
}

test('links do not remember the series that came and went, nor selectors that nobody listens to', () => {
  const links = new SeriesLinks();
  const selectors = Array.from({ length: 10 }, () => new Selector([]));
  const LIVE = 100;
  for (let row = 1; row <= 100_000; row++) {
    for (const selector of selectors) links.add(row, selector);
    if (row > LIVE) links.forget(row - LIVE);
  }
  expect(links.size).toBe(LIVE);
  const linked = () => {
    const found: Selector[] = [];
    for (let link = links.lastOf(100_000); link; link = link.parent) found.push(link.selector);
    return found.toReversed();
  };
  expect(linked()).toEqual(selectors);
  for (const selector of selectors.slice(1)) selector.isDropped = true;
  expect(linked()).toEqual(selectors.slice(0, 1));
  for (const selector of selectors) selector.isDropped = true;
  expect(linked()).toEqual([]);
  for (let row = 1; row <= 100_000; row++) links.lastOf(row);
  expect(links.size).toBe(0);
});

test('a series is linked once for all who listen to the same matchers, and stopping looks at none', async () => {
  const { tsdb, append } = await openStore();
  const SERIES = 10_000;
  for (let at = 0; at < SERIES; at++) tsdb.series({ __name__: 'm', pod: String(at) });
  let looks = 0;
  const add = vi.spyOn(SeriesLinks.prototype, 'add');
  const lastOf = vi.spyOn(SeriesLinks.prototype, 'lastOf');
  onTestFinished(() => void vi.restoreAllMocks());
  const subscriptions = Array.from({ length: 100 }, () =>
    tsdb.onAppend(
      [createMatcher('pod', '!=', 'none'), createMatcher('__name__', '=', 'm')].toReversed(),
      () => looks++,
    ),
  );
  await subscriptions[0]?.whenLinked;
  expect(add).toHaveBeenCalledTimes(SERIES);
  append({ __name__: 'm', pod: '7' });
  expect(looks).toBe(100);
  lastOf.mockClear();
  for (const subscription of subscriptions) subscription.stop();
  expect([add.mock.calls.length, lastOf.mock.calls.length]).toEqual([SERIES, 0]);
  append({ __name__: 'm', pod: '7' }, 1);
  append({ __name__: 'm', pod: '7' }, 2);
  expect(looks).toBe(100);
  // What nobody listens to costs its next sample one look, and those after it none.
  expect(lastOf).toHaveBeenCalledTimes(1);
});

test('many series are linked in slices; who comes and who goes meanwhile is linked, or not, once', async () => {
  const clock = new TickingClock();
  const tsdb = await createTsdb({ clock, logger: silentLogger, selfMetrics: new SelfMetrics() });
  const pods = Array.from({ length: 2000 }, (_, at) => ({ __name__: 'm', pod: String(at) }));
  for (const labels of pods) tsdb.series(labels);
  const heard: string[] = [];
  const subscription = tsdb.onAppend([createMatcher('__name__', '=', 'm')], ({ refs }) => {
    for (const ref of refs) heard.push(tsdb.labelsOf(ref)['pod'] ?? '');
  });
  const given = tsdb.onAppend([createMatcher('__name__', '=', 'm')], () => expect.fail('was stopped'));
  given.stop();
  let turns = 0;
  const late = { __name__: 'm', pod: 'late' };
  tsdb.series(late);
  const countTurns = async (): Promise<void> => {
    for (; turns < 11; turns++) await nextTurn();
  };
  const first = await Promise.race([
    countTurns().then(() => 'turns of others'),
    subscription.whenLinked?.then(() => 'all in one turn'),
  ]);
  expect(first).toBe('turns of others');
  await subscription.whenLinked;
  const batch = new SampleBatch();
  for (const labels of [...pods, late]) batch.add(tsdb.series(labels), clock.wallMs(), 1);
  tsdb.commit(batch, origin);
  expect(heard).toEqual([...pods, late].map(({ pod }) => pod));
  await tsdb.stop();
});

test('a forgotten series is heard of again under a new reference; under the old one nothing is taken', async () => {
  const { clock, tsdb, append } = await openStore();
  const notices: AppendNotice[] = [];
  tsdb.onAppend([createMatcher('pod', '=~', 'a.*')], (notice) => notices.push(notice));
  const labels = { __name__: 'm', pod: 'a1' };
  const kept = tsdb.series(labels);
  append(labels);
  await clock.advance(5 * HOUR_MS);
  await tsdb.runMaintenance();
  expect((await tsdb.status()).seriesCount).toBe(0);
  expect(tsdb.holds(kept)).toBe(false);
  // The row is another's now.
  append({ __name__: 'm', pod: 'a2' }, 0, 7);
  const batch = new SampleBatch();
  batch.add(kept, clock.wallMs(), 2);
  expect(tsdb.commit(batch, origin)).toMatchObject({ accepted: 0, refused: { unknown_series: 1 } });
  append(labels, 1, 3);
  expect(notices.map(({ values }) => values)).toEqual([[1], [7], [3]]);
  expect(notices.map(({ refs }) => tsdb.labelsOf(refs[0] ?? 0))).toEqual([
    {},
    { __name__: 'm', pod: 'a2' },
    labels,
  ]);
});

test('late samples are told of, those that were there or are refused are not', async () => {
  const { tsdb, append } = await openStore();
  const heard: number[] = [];
  tsdb.onAppend([createMatcher('__name__', '=', 'm')], ({ values }) => heard.push(...values));
  const labels = { __name__: 'm' };
  append(labels, 0, 1);
  append(labels, -60_000, 2);
  append(labels, -60_000, 2);
  append(labels, -60_000, 3);
  append(labels, -HOUR_MS, 4);
  expect(heard).toEqual([1, 2]);
});

test('listeners may stop themselves and others, subscribe and throw; the rest hear everything', async () => {
  const { selfMetrics, tsdb, append } = await openStore();
  const heard: string[] = [];
  const matchers = [createMatcher('__name__', '=', 'm')];
  const subscriptions: Subscription[] = [];
  const listen = (name: string, then = () => {}) =>
    tsdb.onAppend(matchers, () => {
      heard.push(name);
      then();
    });
  const first = listen('first', () => {
    first.stop();
    for (const subscription of subscriptions) subscription.stop();
    listen('new');
  });
  listen('thrower', () => {
    throw new Error('broken');
  });
  subscriptions.push(listen('stopped by the first'));
  listen('last');
  append({ __name__: 'm' }, 0);
  expect(heard.splice(0)).toEqual(['first', 'thrower', 'last']);
  append({ __name__: 'm' }, 1);
  expect(heard).toEqual(['thrower', 'last', 'new']);
  const failures = selfMetrics.collect().find(({ name }) => name === 'omoi_tsdb_listener_failures_total');
  expect(failures?.points).toMatchObject([{ value: 2 }]);
});
