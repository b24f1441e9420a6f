import { expect, test } from 'vitest';
import {
  SampleBatch,
  SelfMetrics,
  VirtualClock,
  createMatcher,
  silentLogger,
  type AppendNotice,
  type AppendOrigin,
  type Labels,
  type Subscription,
} from '#telemetry';
import { createTsdb } from './index.ts';
import { Subscriptions, type AppendSubscription } from './subscriptions.ts';

const HOUR_MS = 3_600_000;
const origin: AppendOrigin = {
  source: 'collector',
  traceparent: null,
  receivedAtMs: 0,
  receivedMonotonicMs: 0,
};

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

test('a subscription does not remember the series that came and went', () => {
  const subscriptions = new Subscriptions(silentLogger, () => {});
  const all: AppendSubscription = {
    matchers: [createMatcher('__name__', '=', 'm')],
    listener: () => {},
    active: true,
  };
  subscriptions.add(all, []);
  const LIVE = 100;
  for (let row = 1; row <= 100_000; row++) {
    if (!subscriptions.match(row, { __name__: 'm', pod: String(row) })) expect.fail(`row ${row}`);
    if (row > LIVE) subscriptions.forget(row - LIVE);
  }
  expect(subscriptions.linkedSeries).toBe(LIVE);
  const live = Array.from({ length: LIVE }, (_, at) => 100_000 - LIVE + 1 + at);
  expect(subscriptions.remove(all, live)).toEqual(live);
  expect(subscriptions.linkedSeries).toBe(0);
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
