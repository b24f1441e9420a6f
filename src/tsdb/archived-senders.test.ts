import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { SampleBatch, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { createTsdb, type Tsdb } from './index.ts';

const HOUR_MS = 3_600_000;

let clock: VirtualClock;
let database: TelemetryDatabase;
let opened: Tsdb[];
beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestTelemetryDatabase(clock);
  opened = [];
});
afterEach(async () => {
  for (const tsdb of opened) await tsdb.stop();
  await database.close();
});

async function open(): Promise<Tsdb> {
  const parts = { clock, logger: silentLogger, selfMetrics: new SelfMetrics(), telemetryDatabase: database };
  const tsdb = await createTsdb({ ...parts, limits: { headWindowMs: HOUR_MS } });
  opened.push(tsdb);
  return tsdb;
}

/** Sends a sample, and lets it grow so old that it leaves memory. */
async function sendAndArchive(tsdb: Tsdb, sender: string): Promise<void> {
  const batch = new SampleBatch();
  batch.add(tsdb.series({ __name__: 'load' }), clock.wallMs(), 1);
  const at = { receivedAtMs: clock.wallMs(), receivedMonotonicMs: clock.monotonicMs() };
  expect(tsdb.commit(batch, { source: 'otlp', sender, traceparent: null, ...at }).accepted).toBe(1);
  await clock.advance(5 * HOUR_MS);
  // A round that began while the clock moved is joined; the first after an asking forgets nothing.
  for (let round = 0; round < 3; round++) await tsdb.runMaintenance();
  expect((await tsdb.status()).seriesCount).toBe(0);
}

const archived = (tsdb: Tsdb, reachMs = 2 * HOUR_MS, name: string | null = 'load') => [
  ...tsdb.archivedSenders(name, reachMs),
];

it('who has sent what has left memory is known, also after a restart', async () => {
  const first = await open();
  await sendAndArchive(first, 'token:a');
  for (const tsdb of [first, await open()]) {
    expect(archived(tsdb)).toEqual([['token:a', 'load']]);
    expect(archived(tsdb, 2 * HOUR_MS, null)).toEqual([['token:a', 'load']]);
    expect(archived(tsdb, 2 * HOUR_MS, 'other')).toEqual([]);
  }
});

it('who does not look back beyond memory meets none of it', async () => {
  const tsdb = await open();
  await sendAndArchive(tsdb, 'token:a');
  expect(archived(tsdb, HOUR_MS)).toEqual([]);
});

it('a series that two have sent in turn is anybody’s', async () => {
  const tsdb = await open();
  await sendAndArchive(tsdb, 'token:a');
  await sendAndArchive(tsdb, 'token:b');
  expect(
    archived(tsdb)
      .map(([sender]) => sender)
      .sort(),
  ).toEqual(['token:a', 'token:b']);
  expect(archived(await open())).toEqual([['anonymous', 'load']]);
});

it('of any metric each sender comes once, and what differs by metric with each', async () => {
  await database.transaction(async (tx) => {
    for (const sender of ['token:a', 'token:b', 'rule', '']) {
      const series = [1, 2, 3].map((at) => ({
        metric_name: `m${at}`,
        labels: `{"s":"${sender}${at}"}`,
        sender,
      }));
      await tx.db.insertInto('tsdb_series').values(series).execute();
    }
  });
  const found = archived(await open(), 2 * HOUR_MS, null);
  const of = (wanted: string) => found.filter(([sender]) => sender === wanted).map(([, name]) => name);
  expect([of('token:a').length, of('token:b').length]).toEqual([1, 1]);
  for (const sender of ['rule', '']) expect(of(sender).toSorted()).toEqual(['m1', 'm2', 'm3']);
});

it('what was archived before senders were kept is of nobody known', async () => {
  await database.transaction((tx) =>
    tx.db.insertInto('tsdb_series').values({ metric_name: 'load', labels: '{"__name__":"load"}' }).execute(),
  );
  expect(archived(await open())).toEqual([['', 'load']]);
});
