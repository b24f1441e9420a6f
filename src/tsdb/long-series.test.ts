import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
import { histogram } from './histogram.test-support.ts';
import { createTsdb, type Tsdb } from './index.ts';
import { originOf } from './origin.test-support.ts';

const HOUR_MS = 3_600_000;
const SAMPLES = 120_000;
/** Decoded between two pauses; a tenth more where chunks end unevenly. */
const SAMPLES_PER_STEP = 22_000;
const matchers = [createMatcher('__name__', '=', 'm')];
const origin = originOf('import');

let clock: VirtualClock;
let database: TelemetryDatabase | null = null;
let tsdb: Tsdb;

async function open({ archive }: { readonly archive: boolean }): Promise<void> {
  clock = new VirtualClock();
  if (archive) database = await openTestTelemetryDatabase(clock);
  tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
    ...(database ? { telemetryDatabase: database } : {}),
    limits: { headWindowMs: 2 * HOUR_MS, outOfOrderWindowMs: 2 * HOUR_MS },
  });
}

afterEach(async () => {
  await tsdb.stop();
  await database?.close();
  database = null;
});

/** Appends samples at these times, or histograms. */
function append(timesMs: Iterable<number>, kind: 'float' | 'histogram' = 'float'): void {
  let batch = new SampleBatch();
  const ref = tsdb.series({ __name__: 'm', of: 'long' });
  for (const timeMs of timesMs) {
    if (kind === 'float') batch.add(ref, timeMs, Math.round(Math.sin(timeMs) * 1000) / 1000);
    else batch.addHistogram(ref, timeMs, histogram);
    if (batch.length < 10_000) continue;
    tsdb.commit(batch, origin);
    batch = new SampleBatch();
  }
  tsdb.commit(batch, origin);
}

function timesFrom(startMs: number, count: number, stepMs: number): number[] {
  return Array.from({ length: count }, (_, at) => startMs + at * stepMs);
}

function all(): Selection {
  return { matchers, startMs: 0, endMs: clock.wallMs() };
}

function copyOf(series: SelectedSeries | null | undefined): SelectedSeries | null {
  return series
    ? { ...series, timestampsMs: series.timestampsMs.slice(), values: series.values.slice() }
    : null;
}

/** The only series, read in steps; between any two of them something happens. */
function readInSteps(
  reader: SeriesReader,
  between: (step: number) => void = () => {},
): { readonly series: SelectedSeries | null; readonly pauses: number } {
  expect(reader.seriesCount).toBe(1);
  const steps = reader.readLong?.(0);
  if (!steps) throw new Error('the series is not long');
  for (let pauses = 0; ; pauses++) {
    const step = steps.next();
    if (step.done === true) return { series: copyOf(step.value), pauses };
    between(pauses);
  }
}

describe('a series with more samples than are read in one go', () => {
  beforeEach(() => open({ archive: false }));

  test.each([
    ['in order', () => append(timesFrom(clock.wallMs() - HOUR_MS, SAMPLES, 30))],
    [
      'with samples that came late',
      () => {
        append(timesFrom(clock.wallMs() - HOUR_MS, SAMPLES / 2, 40));
        append(timesFrom(clock.wallMs() - HOUR_MS + 7, SAMPLES / 2, 40).toReversed());
      },
    ],
    [
      'with histograms among them',
      () => {
        append(timesFrom(clock.wallMs() - HOUR_MS, SAMPLES, 30));
        append(timesFrom(clock.wallMs() - HOUR_MS + 7, 50, 10_000), 'histogram');
      },
    ],
    ['of histograms', () => append(timesFrom(clock.wallMs() - HOUR_MS, 3000, 1200), 'histogram')],
  ])('is read in steps as it is in one go: %s', async (_, fill) => {
    fill();
    for (const startMs of [0, clock.wallMs() - HOUR_MS * 0.9]) {
      const selection = { ...all(), startMs, endMs: clock.wallMs() - HOUR_MS * 0.1 };
      const [expected] = await tsdb.select(selection);
      const reader = await tsdb.open(selection);
      const { series, pauses } = readInSteps(reader);
      expect(series).toEqual(copyOf(expected));
      expect(pauses).toBeGreaterThan((series?.values.length ?? Infinity) / SAMPLES_PER_STEP);
      expect(await tsdb.select({ ...selection, mayPause: true })).toEqual([series]);
      expect(copyOf(reader.read(0))).toEqual(series);
    }
  });

  test('is read with what comes meanwhile', async () => {
    const timesMs = timesFrom(clock.wallMs() - HOUR_MS, SAMPLES, 30);
    append(timesMs.slice(0, -1000));
    const left = timesMs.slice(-1000);
    const reader = await tsdb.open(all());
    const { series } = readInSteps(reader, () => append(left.splice(0, 500)));
    expect(series?.timestampsMs).toEqual(Float64Array.from(timesMs));
  });

  test('is read without what is given up meanwhile', async () => {
    append(timesFrom(clock.wallMs() - HOUR_MS, SAMPLES, 30));
    const reader = await tsdb.open(all());
    const steps = reader.readLong?.(0);
    steps?.next();
    // The first half is then older than what memory keeps, and the chunk that would be read next is among it.
    await clock.advance(1.5 * HOUR_MS);
    await tsdb.runMaintenance();
    let step = steps?.next();
    while (step?.done === false) step = steps?.next();
    const series = copyOf(step?.value ?? null);
    expect(series).toEqual(copyOf((await tsdb.select(all()))[0]));
    expect(series?.values.length).toBeLessThan(0.6 * SAMPLES);
    expect(series?.values.length).toBeGreaterThan(0.4 * SAMPLES);
  });

  test('has its newest sample before a time found without being read', async () => {
    append(timesFrom(clock.wallMs() - HOUR_MS, SAMPLES, 30));
    append(timesFrom(clock.wallMs() - HOUR_MS + 7, 200, 10_000));
    const startMs = clock.wallMs() - HOUR_MS;
    const [series] = await tsdb.select(all());
    for (const endMs of [startMs, startMs + 10, startMs + 1_000_011, startMs + 2_000_000, clock.wallMs()]) {
      const latest = await tsdb.selectLatest({ ...all(), startMs, endMs });
      const place = series?.timestampsMs.findLastIndex((timeMs) => timeMs <= endMs) ?? -1;
      expect(latest.timestampsMs[0]).toBe(series?.timestampsMs[place]);
      expect(latest.values[0]).toBe(series?.values[place]);
    }
  });
});

describe('a long series with an archive', () => {
  beforeEach(() => open({ archive: true }));

  test('says so when samples leave memory while it is read', async () => {
    append(timesFrom(clock.wallMs() - HOUR_MS, SAMPLES, 30));
    const reader = await tsdb.open(all());
    const steps = reader.readLong?.(0);
    expect(steps?.next()).toEqual({ done: false, value: undefined });
    await clock.advance(1.5 * HOUR_MS);
    await tsdb.runMaintenance();
    expect(steps?.next()).toEqual({ done: true, value: null });
  });

  test('is read from both as from memory alone, more of it than one statement answers', async () => {
    const many = 560_000;
    append(timesFrom(clock.wallMs() - HOUR_MS, many, 6));
    append(timesFrom(clock.wallMs() - HOUR_MS + 3, 300, 9_000));
    const endMs = clock.wallMs() + 10;
    const [expected] = await tsdb.select({ matchers, startMs: 0, endMs });
    // Moved bit by bit, so that it is many rows.
    for (let round = 0; round < 10; round++) {
      await clock.advance(0.29 * HOUR_MS);
      await tsdb.runMaintenance();
    }
    append(timesFrom(clock.wallMs() - 1000, 100, 10));
    const selection = { matchers, startMs: 0, endMs };
    const found = await tsdb.select(selection);
    expect(found).toHaveLength(1);
    expect(found[0]?.values.length).toBeGreaterThan(many);
    expect(copyOf(found[0])).toEqual(copyOf(expected));
    const part = { ...selection, startMs: endMs - 0.7 * HOUR_MS, endMs: endMs - 0.2 * HOUR_MS };
    const inside = (timeMs: number) => timeMs >= part.startMs && timeMs <= part.endMs;
    const [ofPart] = await tsdb.select(part);
    expect(ofPart?.timestampsMs).toEqual(expected?.timestampsMs.filter(inside));
  });
});
