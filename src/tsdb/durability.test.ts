import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestTelemetryDatabase } from '#storage';
import {
  SampleBatch,
  SelfMetrics,
  VirtualClock,
  createMatcher,
  silentLogger,
  type HistogramValue,
  type Labels,
} from '#telemetry';
import { histogram } from './histogram.test-support.ts';
import { createTsdb, type Tsdb } from './index.ts';
import { openLogDirectory, type LogStorage } from './log/log-storage.ts';
import type { TsdbOptions } from './open-tsdb.ts';
import { originOf } from './origin.test-support.ts';

const origin = originOf('remote_write');

let directory: string;
let clock: VirtualClock;
/** Stores of one test; all but the last are as good as crashed, and closed only when the test is over. */
let opened: Tsdb[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omoi-tsdb-'));
  clock = new VirtualClock();
  opened = [];
});
afterEach(async () => {
  for (const tsdb of opened) await tsdb.stop();
  await rm(directory, { recursive: true, force: true });
});

async function open(options: Partial<TsdbOptions> = {}): Promise<Tsdb> {
  const tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
    directory,
    ...options,
  });
  opened.push(tsdb);
  return tsdb;
}

function append(tsdb: Tsdb, labels: Labels, samples: readonly (readonly [number, number])[]) {
  const batch = new SampleBatch();
  for (const [timestampMs, value] of samples) batch.add(tsdb.series(labels), timestampMs, value);
  return tsdb.commit(batch, origin);
}

async function readAll(tsdb: Tsdb): Promise<Record<string, [number, number | HistogramValue][]>> {
  const found = await tsdb.select({
    matchers: [createMatcher('__name__', '=~', '.+')],
    startMs: 0,
    endMs: clock.wallMs() + 1e9,
  });
  return Object.fromEntries(
    found.map((series) => [
      Object.values(series.labels).join(' '),
      Array.from(series.timestampsMs, (t, at) => [t, series.histograms?.[at] ?? series.values[at] ?? NaN]),
    ]),
  );
}

async function fill(tsdb: Tsdb, from: number, to: number): Promise<void> {
  const start = clock.wallMs();
  for (let at = from; at < to; at++) {
    const samples = [[start + at * 15_000 - 3_600_000, Math.sin(at)]] as const;
    append(tsdb, { __name__: 'm', a: '1' }, samples);
    append(tsdb, { __name__: 'm', a: String(at % 7) + 'x' }, samples);
  }
  const batch = new SampleBatch();
  const ref = tsdb.series({ __name__: 'h' });
  batch.addHistogram(ref, start + to * 1000, histogram);
  batch.addExemplar(ref, { labels: { trace_id: 'abc' }, timestampMs: start, value: 3 });
  tsdb.describe('m', { type: 'gauge', help: 'what m is', unit: '' });
  await tsdb.commit(batch, origin).durable();
}

test('a log that was not closed is replayed whole', async () => {
  const first = await open();
  await fill(first, 0, 200);
  const before = await readAll(first);
  const second = await open();
  expect(await readAll(second)).toEqual(before);
  expect(second.recovery).toMatchObject({ damage: [], orphanedSamples: 0, replayedSamples: 401 });
  expect(await second.exemplars({ matchers: [], startMs: 0, endMs: clock.wallMs() })).toHaveLength(1);
  expect(second.metadata().get('m')?.help).toBe('what m is');
  await fill(second, 200, 240);
  const third = await open();
  expect(await readAll(third)).toEqual(await readAll(second));
});

test('a clean stop leaves a snapshot and nothing to replay', async () => {
  const first = await open();
  await fill(first, 0, 200);
  append(first, { __name__: 'm', a: '1' }, [[clock.wallMs() - 3_600_000 + 199 * 15_000 - 5, 7]]);
  const before = await readAll(first);
  await first.stop();
  const second = await open();
  expect(second.recovery).toMatchObject({ damage: [], replayedSamples: 0 });
  expect(await readAll(second)).toEqual(before);
  expect(append(second, { __name__: 'm', a: '1' }, [[clock.wallMs(), 1]]).accepted).toBe(1);
  expect((await readdir(join(directory, 'tsdb'))).filter((name) => name.endsWith('.snapshot'))).toHaveLength(
    1,
  );
  await second.stop();
});

test('exemplars come back as they were, from the log and from a snapshot, each once', async () => {
  const values = [0.25, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
  const first = await open({ limits: { snapshotEveryLogBytes: 1 } });
  append(first, { __name__: 'm' }, [[clock.wallMs(), 1]]);
  const ref = first.series({ __name__: 'm' });
  const commitExemplars = async (fromMs: number): Promise<void> => {
    const batch = new SampleBatch();
    values.forEach((value, at) => batch.addExemplar(ref, { labels: {}, timestampMs: fromMs + at, value }));
    await first.commit(batch, origin).durable();
  };
  const found = async (tsdb: Tsdb) => {
    const ofAll = await tsdb.exemplars({ matchers: [], startMs: 0, endMs: 1000 });
    return ofAll.flatMap(({ exemplars }) => exemplars.map(({ timestampMs, value }) => [timestampMs, value]));
  };
  await commitExemplars(0);
  expect(await found(await open())).toEqual(values.map((value, at) => [at, value]));
  const running = first.runMaintenance();
  for (let fromMs = 100; fromMs < 600; fromMs += 100) {
    await new Promise((resolve) => setImmediate(resolve));
    await commitExemplars(fromMs);
  }
  await running;
  const before = await found(first);
  expect(before).toHaveLength(30);
  expect(await found(await open())).toEqual(before);
});

test('commits during a snapshot are in it or in the log after it, never twice', async () => {
  const first = await open({ limits: { snapshotEveryLogBytes: 1 } });
  await fill(first, 0, 100);
  const running = first.runMaintenance();
  for (let at = 100; at < 160; at++) {
    await new Promise((resolve) => setImmediate(resolve));
    append(first, { __name__: 'm', a: '1' }, [[clock.wallMs() - 3_600_000 + at * 15_000, at]]);
    append(first, { __name__: 'm', a: '1' }, [[clock.wallMs() - 3_600_000 + at * 15_000 - 7000, at]]);
  }
  await append(first, { __name__: 'late', a: '1' }, [[clock.wallMs(), 1]]).durable();
  await running;
  const second = await open();
  expect(await readAll(second)).toEqual(await readAll(first));
  expect(second.recovery?.orphanedSamples).toBe(0);
});

test.each([
  ['torn', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5), 'torn'],
  ['flipped', (bytes: Buffer) => bytes.with(bytes.length - 5, (bytes.at(-5) ?? 0) ^ 4), 'checksum'],
])('a %s tail is cut at the last good record and reported', async (_, damage, reported) => {
  const first = await open();
  await append(first, { __name__: 'm' }, [[clock.wallMs(), 1]]).durable();
  const good = await readAll(first);
  await append(first, { __name__: 'm' }, [[clock.wallMs() + 1000, 2]]).durable();
  const path = join(directory, 'tsdb', '00000001.log');
  await writeFile(path, damage(await readFile(path)));
  const second = await open();
  expect(await readAll(second)).toEqual(good);
  expect(second.recovery?.damage).toEqual([expect.stringContaining(reported)]);
  const third = await open();
  expect(third.recovery?.damage).toEqual([]);
});

/** A disk that can be filled up: writes put down half of their bytes and fail. */
function fillable(storage: LogStorage): LogStorage & { isFull: boolean } {
  const disk = {
    ...storage,
    isFull: false,
    async create(name: string) {
      if (disk.isFull) throw diskFull();
      const file = await storage.create(name);
      return {
        ...file,
        async write(bytes: Uint8Array, offset: number) {
          if (!disk.isFull) return file.write(bytes, offset);
          await file.write(bytes.subarray(0, bytes.length / 2), offset);
          throw diskFull();
        },
      };
    },
  };
  return disk;
}

function diskFull(): Error {
  return Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
}

test('a full disk refuses writes, serves reads, and recovers by itself', async () => {
  const logStorage = fillable(await openLogDirectory(join(directory, 'tsdb')));
  const first = await open({ logStorage });
  const now = clock.wallMs();
  await append(first, { __name__: 'm' }, [[now, 1]]).durable();
  logStorage.isFull = true;
  const refusal = expect.objectContaining({ code: 'storage_full' });
  await expect(append(first, { __name__: 'm' }, [[now + 1, 2]]).durable()).rejects.toEqual(refusal);
  const refused = append(first, { __name__: 'm' }, [[now + 2, 3]]);
  expect(refused).toMatchObject({ accepted: 0, refused: { storage_full: 1 } });
  await expect(refused.durable()).rejects.toEqual(refusal);
  expect(await readAll(first)).toEqual({
    m: [
      [now, 1],
      [now + 1, 2],
    ],
  });
  logStorage.isFull = false;
  await clock.advance(1000);
  await expect.poll(() => append(first, { __name__: 'm' }, [[now + 2, 3]]).accepted).toBe(1);
  await append(first, { __name__: 'm' }, [[now + 3, 4]]).durable();
  const second = await open();
  expect(second.recovery?.damage).toEqual([]);
  expect(await readAll(second)).toEqual({
    m: [
      [now, 1],
      [now + 1, 2],
      [now + 2, 3],
      [now + 3, 4],
    ],
  });
});

test('old chunks move to the archive, are still found, and go when their time is over', async () => {
  const telemetryDatabase = await openTestTelemetryDatabase(clock);
  const limits = { headWindowMs: 3_600_000, retentionMs: 10 * 3_600_000 };
  const tsdb = await open({ telemetryDatabase, limits });
  await fill(tsdb, 0, 240);
  const before = await readAll(tsdb);
  expect(tsdb.select({ matchers: [], startMs: 0, endMs: 1 })).toEqual([]);
  await clock.advance(3 * 3_600_000);
  // A round that began while the clock moved is joined; the next one sees the end.
  await tsdb.runMaintenance();
  await tsdb.runMaintenance();
  expect((await tsdb.status()).chunkCount).toBe(0);
  expect((await tsdb.status()).seriesCount).toBe(0);
  expect(await readAll(tsdb)).toEqual(before);
  expect((await tsdb.labelValues('a', { matcherLists: [] })).items).toHaveLength(8);
  const newest = await tsdb.selectLatest({
    matchers: [createMatcher('a', '=', '1')],
    startMs: 0,
    endMs: clock.wallMs(),
  });
  expect(newest.timestampsMs).toEqual(Float64Array.of(before['m 1']?.at(-1)?.[0] ?? 0));
  await clock.advance(20 * 3_600_000);
  await tsdb.runMaintenance();
  await tsdb.runMaintenance();
  expect(await readAll(tsdb)).toEqual({});
  await telemetryDatabase.close();
});

test('after all series went, new ones are found, moved and kept as ever', async () => {
  const first = await open();
  for (let at = 0; at < 100; at++) append(first, { __name__: 'm', a: String(at) }, [[clock.wallMs(), 1]]);
  await clock.advance(5 * 3_600_000);
  await first.runMaintenance();
  await first.runMaintenance();
  expect((await first.status()).seriesCount).toBe(0);
  append(first, { __name__: 'm', a: 'new' }, [[clock.wallMs(), 1]]);
  expect((await first.lookUpSeries({ matcherLists: [] })).items).toEqual([{ __name__: 'm', a: 'new' }]);
  const before = await readAll(first);
  await first.stop();
  expect(await readAll(await open())).toEqual(before);
});

test('a row that has another series now is replayed as each series that it had', async () => {
  const limits = { headWindowMs: 3_600_000 };
  const telemetryDatabase = await openTestTelemetryDatabase(clock);
  const first = await open({ telemetryDatabase, limits });
  const kept = first.series({ __name__: 'm', a: 'first' });
  await append(first, { __name__: 'm', a: 'first' }, [[clock.wallMs(), 1]]).durable();
  await clock.advance(5 * 3_600_000);
  await first.runMaintenance();
  await first.runMaintenance();
  expect(first.holds(kept)).toBe(false);
  await append(first, { __name__: 'm', a: 'second' }, [[clock.wallMs(), 2]]).durable();
  const stale = new SampleBatch();
  stale.add(kept, clock.wallMs(), 3);
  stale.addExemplar(kept, { labels: {}, timestampMs: clock.wallMs(), value: 3 });
  expect(first.commit(stale, origin)).toMatchObject({ accepted: 0, refused: { unknown_series: 1 } });
  const before = await readAll(first);
  expect(before).toEqual({ 'm first': [[expect.any(Number), 1]], 'm second': [[clock.wallMs(), 2]] });
  // As after a crash: the log alone says what the row was when.
  const second = await open({ telemetryDatabase, limits });
  expect(second.recovery).toMatchObject({ orphanedSamples: 0, replayedSamples: 2 });
  expect(await readAll(second)).toEqual(before);
  await second.stop();
  const third = await open({ telemetryDatabase, limits });
  expect(await readAll(third)).toEqual(before);
  await telemetryDatabase.close();
});

test('a unit in which a series has a histogram and then a float is replayed in that order', async () => {
  const first = await open();
  const batch = new SampleBatch();
  const ref = first.series({ __name__: 'm' });
  batch.add(ref, 1, 1);
  batch.addHistogram(ref, 2, histogram);
  // As a source does that ends: the marker lies further from the histogram than samples may be late.
  batch.addStale(ref, 1_000_000);
  await first.commit(batch, { ...origin, source: 'import' }).durable();
  const before = await readAll(first);
  expect(before['m']).toHaveLength(3);
  expect(await readAll(await open())).toEqual(before);
});

test('series that the log names beyond the limit come back all the same', async () => {
  const limits = { maxSeries: 1 };
  const telemetryDatabase = await openTestTelemetryDatabase(clock);
  const first = await open({ limits, telemetryDatabase });
  await append(first, { __name__: 'm', a: 'gone' }, [[clock.wallMs(), 1]]).durable();
  expect(() => first.series({ __name__: 'm', a: 'refused' })).toThrow('max_series is 1');
  await clock.advance(5 * 3_600_000);
  await first.runMaintenance();
  await first.runMaintenance();
  await append(first, { __name__: 'm', a: 'new' }, [[clock.wallMs(), 2]]).durable();
  const before = await readAll(first);
  expect(Object.keys(before)).toEqual(['m gone', 'm new']);
  const second = await open({ limits, telemetryDatabase });
  expect(second.recovery).toMatchObject({ orphanedSamples: 0, replayedSamples: 2 });
  expect(await readAll(second)).toEqual(before);
  expect(() => second.series({ __name__: 'm', a: 'refused' })).toThrow('max_series is 1');
  await telemetryDatabase.close();
});
