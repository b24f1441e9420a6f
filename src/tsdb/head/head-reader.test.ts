import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import {
  createMatcher,
  SampleBatch,
  type SelectedSeries,
  type Selection,
  SelfMetrics,
  type SeriesReader,
  silentLogger,
  VirtualClock,
} from '#telemetry';
import { histogram } from '../histogram.test-support.ts';
import { createTsdb, type Tsdb } from '../index.ts';
import { originOf } from '../origin.test-support.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 15_000;
const SERIES = 20;
const everything = [createMatcher('__name__', '=~', '.+')];
const origin = originOf('import');

let clock: VirtualClock;
let database: TelemetryDatabase;
let tsdb: Tsdb;
beforeEach(async () => {
  clock = new VirtualClock();
  database = await openTestTelemetryDatabase(clock);
  tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
    telemetryDatabase: database,
    limits: { headWindowMs: 2 * HOUR_MS },
  });
});
afterEach(async () => {
  await tsdb.stop();
  await database.close();
});

/** Samples of both kinds until now; every fifth series ends after half of the time. */
function fill(forMs: number): void {
  const startMs = clock.wallMs() - forMs;
  for (let atMs = startMs; atMs <= clock.wallMs(); atMs += STEP_MS) {
    const batch = new SampleBatch();
    for (let series = 0; series < SERIES; series++) {
      const ref = tsdb.series({ __name__: 'm', series: String(series) });
      if (series % 5 === 0 && atMs > startMs + forMs / 2) continue;
      if (series % 3 === 0 && atMs > startMs + forMs / 3) batch.addHistogram(ref, atMs, histogram);
      else batch.add(ref, atMs, Math.sin(atMs + series));
    }
    tsdb.commit(batch, origin);
  }
}

/** All that a reader gives, each series copied before the next is read; those without samples left out. */
function readAll(reader: SeriesReader): readonly (SelectedSeries | null)[] {
  return Array.from({ length: reader.seriesCount }, (_, place) => {
    const series = reader.read(place);
    return series && { ...series, timestampsMs: series.timestampsMs.slice(), values: series.values.slice() };
  }).filter((series) => series === null || series.values.length > 0);
}

test.each([
  ['all of memory', -2 * HOUR_MS, 0],
  ['a part of it', -HOUR_MS, -HOUR_MS / 4],
  ['what some series have nothing of', -HOUR_MS / 10, 0],
  ['one moment', -HOUR_MS, -HOUR_MS],
])('reads one series at a time what a selection has at once: %s', async (_name, fromMs, toMs) => {
  fill(1.9 * HOUR_MS);
  const nowMs = clock.wallMs();
  const selection: Selection = { matchers: everything, startMs: nowMs + fromMs, endMs: nowMs + toMs };
  const expected = await tsdb.select(selection);
  expect(expected.length).toBeGreaterThan(SERIES / 2);
  expect(readAll(await tsdb.open(selection))).toEqual(expected);
  expect(readAll(await tsdb.open({ ...selection, mayPause: true }))).toEqual(expected);
});

test('says so when samples have left memory since the selection, and not for newer ones', async () => {
  fill(1.9 * HOUR_MS);
  const nowMs = clock.wallMs();
  const old: Selection = { matchers: everything, startMs: nowMs - 2 * HOUR_MS, endMs: nowMs };
  const expected = await tsdb.select(old);
  const readsOld = await tsdb.open(old);
  expect(readsOld.read(0)).not.toBeNull();

  await clock.advance(3.8 * HOUR_MS);
  fill(0);
  await tsdb.runMaintenance();
  await tsdb.runMaintenance();
  expect(readsOld.read(0)).toBeNull();

  const reopened = await tsdb.open(old);
  const key = (series: SelectedSeries | null): string => series?.labels['series'] ?? '';
  const byKey = (a: SelectedSeries | null, b: SelectedSeries | null): number => (key(a) < key(b) ? -1 : 1);
  expect(readAll(reopened).toSorted(byKey)).toEqual(expected.toSorted(byKey));
  const newest = await tsdb.open({
    matchers: everything,
    startMs: clock.wallMs() - 60_000,
    endMs: clock.wallMs(),
  });
  expect(newest.read(1)).not.toBeNull();
});

test('holds a selection that reaches into the archive to the limits', async () => {
  fill(1.9 * HOUR_MS);
  const all: Selection = { matchers: everything, startMs: 0, endMs: clock.wallMs() };
  const samples = (await tsdb.select(all)).reduce((sum, { values }) => sum + values.length, 0);
  await clock.advance(5 * HOUR_MS);
  await tsdb.runMaintenance();
  await tsdb.runMaintenance();
  fill(0);
  const later = { ...all, endMs: clock.wallMs() };
  const count = samples + SERIES;

  const found = await tsdb.select({ ...later, maxSamples: count, maxSeries: SERIES });
  expect(found.reduce((sum, { values }) => sum + values.length, 0)).toBe(count);
  for (const limit of [{ maxSamples: count - 1 }, { maxSamples: 10 }, { maxSeries: SERIES - 1 }]) {
    await expect(tsdb.select({ ...later, ...limit })).rejects.toMatchObject({ code: 'query_limit' });
  }
});
