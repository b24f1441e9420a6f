import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { histogram } from '../histogram.test-support.ts';
import { propertyLimitMs, heavyPropertyRuns } from '../../../tests/property-runs.ts';
import { MIGRATIONS, migrate, openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import {
  SampleBatch,
  SelfMetrics,
  VirtualClock,
  createMatcher,
  silentLogger,
  type AppendOrigin,
  type HistogramValue,
  type Labels,
} from '#telemetry';
import { createTsdb, type Tsdb } from '../index.ts';
import type { ArchiveDatabase } from './archive-database.ts';
import { originOf } from '../origin.test-support.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 15_000;
/** How far the clock moves at once. */
const MOVE_MS = 20 * STEP_MS;

let root: string;
let clock: VirtualClock;
let database: TelemetryDatabase;
let opened: Set<Tsdb>;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'omoi-archive-'));
  clock = new VirtualClock();
  database = await openTestTelemetryDatabase(clock);
  opened = new Set();
});
afterEach(async () => {
  for (const tsdb of opened) await tsdb.stop();
  await database.close();
  await rm(root, { recursive: true, force: true });
});

async function open(directory: string, telemetryDatabase: ArchiveDatabase = database): Promise<Tsdb> {
  const tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
    directory: join(root, directory),
    telemetryDatabase,
    limits: { headWindowMs: HOUR_MS },
  });
  opened.add(tsdb);
  return tsdb;
}

/** A property opens thousands: one that is gone is not kept. */
async function stop(tsdb: Tsdb): Promise<void> {
  await tsdb.stop();
  opened.delete(tsdb);
}

/** A store as it would be after a power cut now: what the log has, and the archive. The one before is gone. */
async function crashed(dead: Tsdb, from: string, to: string): Promise<Tsdb> {
  // A copy takes its time: files that a snapshot replaces meanwhile would be no crash but a mixture.
  await dead.runMaintenance();
  await cp(join(root, from), join(root, to), { recursive: true });
  await stop(dead);
  await rm(join(root, from), { recursive: true });
  return open(to);
}

async function append(
  tsdb: Tsdb,
  samples: readonly (readonly [timestampMs: number, value: number | HistogramValue])[],
  source: AppendOrigin['source'] = 'collector',
): Promise<number> {
  const batch = new SampleBatch();
  for (const [timestampMs, value] of samples) {
    if (typeof value === 'number') batch.add(tsdb.series({ __name__: 'm', a: '1' }), timestampMs, value);
    else batch.addHistogram(tsdb.series({ __name__: 'h' }), timestampMs, value);
  }
  const committed = tsdb.commit(batch, originOf(source));
  await committed.durable();
  return committed.accepted;
}

/** Steady samples of both kinds, up to now, and some that come late; the clock moves with them. */
async function live(tsdb: Tsdb, forMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < forMs; passedMs += MOVE_MS) {
    const startMs = clock.wallMs();
    await clock.advance(MOVE_MS);
    const samples: [number, number | HistogramValue][] = [];
    for (let atMs = startMs + STEP_MS; atMs <= clock.wallMs(); atMs += STEP_MS) {
      samples.push([atMs, Math.sin(atMs)], [atMs, { ...histogram, sum: atMs }]);
    }
    await append(tsdb, [...samples, [startMs + 7, startMs]]);
  }
}

async function maintain(tsdb: Tsdb): Promise<void> {
  // A round that began while the clock moved is joined; the next one sees the end.
  await tsdb.runMaintenance();
  await tsdb.runMaintenance();
}

async function readAll(tsdb: Tsdb): Promise<Record<string, [number, number | HistogramValue][]>> {
  const found = await tsdb.select({
    matchers: [createMatcher('__name__', '=~', '.+')],
    startMs: 0,
    endMs: Number.MAX_SAFE_INTEGER,
  });
  return Object.fromEntries(
    found.map((series) => [
      series.labels['__name__'],
      Array.from(series.timestampsMs, (t, at) => [t, series.histograms?.[at] ?? series.values[at] ?? NaN]),
    ]),
  );
}

function archivedRows() {
  return database.reader
    .selectFrom('tsdb_chunks')
    .select(['series_id', 'kind', 'min_ms', 'max_ms', 'count', 'byte_length'])
    .orderBy('min_ms')
    .execute();
}

async function archivedSamples(): Promise<number> {
  return (await archivedRows()).reduce((sum, { count }) => sum + count, 0);
}

test('what was archived before a crash is not archived once more after it', async () => {
  const first = await open('1');
  await live(first, 9 * HOUR_MS);
  await maintain(first);
  const rows = await archivedRows();
  expect(rows.filter(({ kind }) => kind === 0).length).toBeGreaterThan(1);
  expect(rows.filter(({ kind }) => kind === 1).length).toBeGreaterThan(1);
  const before = await readAll(first);
  const second = await crashed(first, '1', '2');
  await maintain(second);
  // The log is replayed into other chunks, some of which may be old enough to be moved where those before were not.
  expect(await archivedRows()).toEqual(expect.arrayContaining(rows));
  expect(await readAll(second)).toEqual(before);
  await live(second, 3 * HOUR_MS);
  const third = await crashed(second, '2', '3');
  await clock.advance(4 * HOUR_MS);
  await maintain(third);
  const all = await readAll(third);
  expect((await third.status()).seriesCount).toBe(0);
  expect(await archivedSamples()).toBe(Object.values(all).flat().length);
});

test('a store that dies between the archive’s commit and anything after it archives nothing twice', async () => {
  let dies = false;
  const mortal: ArchiveDatabase = {
    reader: database.reader,
    async transaction(work) {
      const result = await database.transaction(work);
      if (dies) throw new Error('gone');
      return result;
    },
  };
  const first = await open('1', mortal);
  await live(first, 2 * HOUR_MS);
  dies = true;
  await live(first, 6 * HOUR_MS);
  const before = await readAll(first);
  const second = await crashed(first, '1', '2');
  await clock.advance(4 * HOUR_MS);
  await maintain(second);
  expect(await readAll(second)).toEqual(before);
  expect(await archivedSamples()).toBe(Object.values(before).flat().length);
});

test('an import that begins where an archived row begins loses nothing of it', async () => {
  const tsdb = await open('1');
  const startMs = clock.wallMs() - 100 * HOUR_MS;
  const samples = Array.from({ length: 600 }, (_, at) => [startMs + at * STEP_MS, at] as const);
  expect(await append(tsdb, samples, 'import')).toBe(600);
  await maintain(tsdb);
  expect((await tsdb.status()).seriesCount).toBe(0);
  expect(await append(tsdb, [[startMs, 0], [startMs + 1, 0.5], ...samples.slice(598)], 'import')).toBe(4);
  await maintain(tsdb);
  const expected = [samples[0], [startMs + 1, 0.5], ...samples.slice(1)];
  expect(await readAll(tsdb)).toEqual({ m: expected });
  expect(await archivedSamples()).toBe(601);
});

test('a damaged row does not stop what comes from being archived', async () => {
  const first = await open('1');
  await live(first, 6 * HOUR_MS);
  const before = await readAll(first);
  await database.transaction((tx) =>
    tx.db
      .updateTable('tsdb_chunks')
      .set({ bytes: Uint8Array.of(1, 2, 3) })
      .execute(),
  );
  const second = await crashed(first, '1', '2');
  await maintain(second);
  expect(await readAll(second)).toEqual(before);
});

test('rows from before there were checksums get theirs', async () => {
  const tsdb = await open('1');
  await live(tsdb, 6 * HOUR_MS);
  await maintain(tsdb);
  const before = await readAll(tsdb);
  const rows = () =>
    database.reader
      .selectFrom('tsdb_chunks')
      .select(['series_id', 'bytes', 'byte_length'])
      .orderBy('series_id')
      .orderBy('min_ms')
      .orderBy('kind');
  const checked = await rows().execute();
  await migrate(database, { half: 'telemetry', migrations: MIGRATIONS, to: '008_tsdb_chunk_ends' });
  const unchecked = await rows().execute();
  expect(unchecked.map(({ byte_length }) => byte_length + 4)).toEqual(checked.map((row) => row.byte_length));
  const others = Array.from({ length: 2500 }, (_, at) => ({ series_id: 100, min_ms: at, max_ms: at }));
  for (const other of others) {
    const row = { ...other, kind: 0, count: 1, byte_length: 1, bytes: Uint8Array.of(1) };
    await database.transaction((tx) => tx.db.insertInto('tsdb_chunks').values(row).execute());
  }
  await migrate(database, { half: 'telemetry', migrations: MIGRATIONS });
  expect(await rows().where('series_id', '<', 100).execute()).toEqual(checked);
  const lengths = await rows().where('series_id', '=', 100).execute();
  expect(lengths.map(({ bytes, byte_length }) => [bytes.length, byte_length])).toEqual(
    others.map(() => [5, 5]),
  );
  expect(await readAll(tsdb)).toEqual(before);
});

test(
  'whenever a store crashes and whatever came late, each sample is archived once',
  async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('live' as const), count: fc.nat(300) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const), count: fc.constant(0) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('stop' as const), count: fc.constant(0) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('idle' as const), count: fc.nat(300) }) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        await database.close();
        database = await openTestTelemetryDatabase(clock);
        let place = `${++run}`;
        let tsdb = await open(place);
        let incarnation = 0;
        for (const { kind, count } of steps) {
          if (kind === 'live') await live(tsdb, count * STEP_MS);
          else if (kind === 'idle') await clock.advance(count * STEP_MS);
          else {
            if (kind === 'stop') await tsdb.stop();
            const next = `${run}-${++incarnation}`;
            tsdb = await crashed(tsdb, place, next);
            place = next;
          }
        }
        await clock.advance(3 * HOUR_MS);
        await maintain(tsdb);
        // What was asked for before the first round is forgotten in the second.
        await maintain(tsdb);
        const all = await readAll(tsdb);
        expect((await tsdb.status()).seriesCount).toBe(0);
        expect(await archivedSamples()).toBe(Object.values(all).flat().length);
        await stop(tsdb);
        await rm(join(root, place), { recursive: true });
      }),
      { numRuns: heavyPropertyRuns(25) },
    );
  },
  propertyLimitMs,
);

test('archived labels with the names of what objects inherit are found, and only where they are', async () => {
  const tsdb = await open('odd');
  const odd: Labels[] = [
    { __name__: 'm', constructor: 'a' },
    { __name__: 'm', ['__proto__']: 'b' },
    { __name__: 'm', plain: 'c' },
  ];
  const batch = new SampleBatch();
  for (const labels of odd) batch.add(tsdb.series(labels), clock.wallMs(), 1);
  const origin = originOf('otlp');
  await tsdb.commit(batch, origin).durable();
  await clock.advance(3 * HOUR_MS);
  await tsdb.runMaintenance();
  expect((await tsdb.status()).seriesCount).toBe(0);
  const countOf = async (name: string, operator: '=' | '=~', value: string): Promise<number> => {
    const matchers = [createMatcher(name, operator, value)];
    return (await tsdb.select({ matchers, startMs: 0, endMs: clock.wallMs() })).length;
  };
  expect(await countOf('constructor', '=', 'a')).toBe(1);
  expect(await countOf('constructor', '=', '')).toBe(2);
  expect(await countOf('constructor', '=~', '.*')).toBe(3);
  expect(await countOf('__proto__', '=', 'b')).toBe(1);
  expect(await countOf('__proto__', '=', '')).toBe(2);
  expect(await countOf('toString', '=', '')).toBe(3);
  expect((await tsdb.labelValues('constructor', { matcherLists: [] })).items).toEqual(['a']);
  expect((await tsdb.labelValues('toString', { matcherLists: [] })).items).toEqual([]);
});
