import { firstAfter } from '../evaluation/ascending-times.ts';
import { byBlocks, SAMPLES_AT_ONCE, type Steps } from '../evaluation/pacing.ts';
import type { SampleRun } from '../evaluation/sample-run.ts';
import { FLOAT, type VectorTable } from '../evaluation/vector-table.ts';

/** The functions that are computed a row at a time where a series has floats alone, and how. */
export const RATE_ROWS: ReadonlyMap<string, RateKind> = new Map([
  ['rate', { isCounter: true, isPerSecond: true }],
  ['increase', { isCounter: true, isPerSecond: false }],
  ['delta', { isCounter: false, isPerSecond: false }],
]);

export interface RateKind {
  /** Whether a fall is a reset. */
  readonly isCounter: boolean;
  readonly isPerSecond: boolean;
}

/** Where the windows of a row's steps lie: the first ends at `firstEndMs`, the others `stepMs` after each other. */
export interface RowWindows {
  readonly firstEndMs: number;
  readonly stepMs: number;
  readonly stepCount: number;
  readonly rangeMs: number;
}

/** What the windows of a row had: as `fillRow` counts it. */
export interface RowCounts {
  readonly samples: number;
  readonly queried: number;
  readonly read: number;
}

/** Where a row's results go. */
export interface RowPlace {
  readonly table: VectorTable;
  readonly cell: number;
}

export interface RateOptions {
  readonly kind: RateKind;
  readonly windows: RowWindows;
}

/** Steps times samples: more than that may be so many resets that they are felt. */
const MAX_LOOKS_AT_ONCE = 20_000_000;
/** Steps, and resets that they look at, between two chances to pause. */
const WORK_AT_ONCE = 50_000;

/** Whether a row is so much work that it takes pauses. */
export function isLongRateRow({ times }: SampleRun, { windows }: RateOptions): boolean {
  return times.length > SAMPLES_AT_ONCE || times.length * windows.stepCount > MAX_LOOKS_AT_ONCE;
}

/**
 * `rate`, `increase` or `delta` of one series at every step: what `extrapolation` in rates.ts computes window by window,
 * operation by operation, in one loop over numbers.
 */
export function fillRateRow(place: RowPlace, run: SampleRun, options: RateOptions): RowCounts {
  const { values } = run;
  if (options.kind.isCounter) sharedResets.begin(values.length).count(values, 0, values.length);
  const progress = new RowProgress(options, sharedResets, Infinity);
  fillSteps(place, run, progress);
  return progress;
}

/** As `fillRateRow`, with pauses. */
export function* fillLongRateRow(place: RowPlace, run: SampleRun, options: RateOptions): Steps<RowCounts> {
  const { values } = run;
  // Its own: others compute in its pauses.
  const resets = new Resets();
  if (options.kind.isCounter) {
    resets.begin(values.length);
    yield* byBlocks(values.length, (from, to) => resets.count(values, from, to));
  }
  const progress = new RowProgress(options, resets, WORK_AT_ONCE);
  while (progress.step < options.windows.stepCount) {
    fillSteps(place, run, progress);
    yield;
  }
  return progress;
}

/** The resets of a counter. */
class Resets {
  /** For each sample how many there are up to it. */
  upTo = new Uint32Array(0);
  /** What the counter had reached before each. */
  lost = new Float64Array(0);
  found = 0;
  #before = Number.NaN;

  /** Begins another series of so many samples. */
  begin(length: number): this {
    if (this.upTo.length < length) {
      this.upTo = new Uint32Array(length);
      this.lost = new Float64Array(length);
    }
    this.found = 0;
    this.#before = Number.NaN;
    return this;
  }

  /** Looks at the samples from index `from` on, before `to`, which follow those it has looked at. */
  count(values: Float64Array, from: number, to: number): void {
    const { upTo, lost } = this;
    let { found } = this;
    let before = this.#before;
    for (let at = from; at < to; at++) {
      const value = values[at] ?? NaN;
      if (value < before) lost[found++] = before;
      upTo[at] = found;
      before = value;
    }
    this.found = found;
    this.#before = before;
  }
}

/** Of rows that are filled in one go: series are many. */
const sharedResets = new Resets().begin(SAMPLES_AT_ONCE);

/** How far a row is filled, and what its windows had so far. */
class RowProgress implements RowCounts {
  readonly options: RateOptions;
  readonly resets: Resets;
  /** Steps, and resets that they look at, that are done in one go. */
  readonly workAtOnce: number;
  step = 0;
  from = 0;
  to = 0;
  readTo = 0;
  samples = 0;
  queried = 0;
  read = 0;

  constructor(options: RateOptions, resets: Resets, workAtOnce: number) {
    this.options = options;
    this.resets = resets;
    this.workAtOnce = workAtOnce;
  }
}

/** Fills steps until all are done, or as many as are done in one go. */
function fillSteps({ table, cell }: RowPlace, { times, values }: SampleRun, progress: RowProgress): void {
  const { options, resets, workAtOnce } = progress;
  const { firstEndMs, stepMs, stepCount, rangeMs } = options.windows;
  const { isCounter, isPerSecond } = options.kind;
  const perSeconds = isPerSecond ? rangeMs / 1000 : 1;
  const { upTo, lost } = resets;
  const hasResets = isCounter && resets.found > 0;
  const length = times.length;
  const results = table.values;
  const kinds = table.kinds;
  let { step, from, to, readTo, samples, queried, read } = progress;
  let work = 0;
  // Neighbouring windows of a regular series lie alike around their samples: what follows from the distances is kept.
  let knownSpanMs = NaN;
  let knownStartGapMs = NaN;
  let knownEndGapMs = NaN;
  let knownCount = 0;
  let sampled = 0;
  let toStart = 0;
  let toEnd = 0;
  let extrapolated = 0;
  for (; step < stepCount && work < workAtOnce; step++) {
    work++;
    const endMs = firstEndMs + step * stepMs;
    const startMs = endMs - rangeMs;
    if (to < length && (times[to] ?? 0) <= endMs) to = firstAfter(times, to + 1, endMs);
    if (from < length && (times[from] ?? 0) <= startMs) from = firstAfter(times, from + 1, startMs);
    const count = to - from;
    if (count <= 0) continue;
    queried += count;
    read += to - (from > readTo ? from : readTo);
    readTo = to;
    if (count < 2) continue;
    const first = values[from] ?? NaN;
    const firstMs = times[from] ?? 0;
    const lastMs = times[to - 1] ?? 0;
    let growth = (values[to - 1] ?? NaN) - first;
    if (hasResets) {
      // One by one, as the order decides which digits are lost.
      const firstReset = upTo[from] ?? 0;
      const end = upTo[to - 1] ?? 0;
      for (let at = firstReset; at < end; at++) growth += lost[at] ?? 0;
      work += end - firstReset;
    }
    const startGapMs = firstMs - startMs;
    const endGapMs = endMs - lastMs;
    const spanMs = lastMs - firstMs;
    if (
      spanMs !== knownSpanMs ||
      startGapMs !== knownStartGapMs ||
      endGapMs !== knownEndGapMs ||
      count !== knownCount
    ) {
      knownSpanMs = spanMs;
      knownStartGapMs = startGapMs;
      knownEndGapMs = endGapMs;
      knownCount = count;
      sampled = spanMs / 1000;
      toStart = startGapMs / 1000;
      toEnd = endGapMs / 1000;
      const average = sampled / (count - 1);
      const threshold = average * 1.1;
      if (toStart >= threshold) toStart = average / 2;
      if (toEnd >= threshold) toEnd = average / 2;
      extrapolated = (sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled) / perSeconds;
    }
    let perGrowth = extrapolated;
    // Where `first` is at least the growth, zero is at least as far as the samples reach: no division has to say so.
    if (isCounter && growth > 0 && first >= 0 && (first < growth || sampled < toStart)) {
      const toZero = sampled * (first / growth);
      if (toZero < toStart && sampled !== 0) perGrowth = (sampled + toZero + toEnd) / sampled / perSeconds;
    }
    results[cell + step] = growth * perGrowth;
    kinds[cell + step] = FLOAT;
    samples++;
  }
  progress.step = step;
  progress.from = from;
  progress.to = to;
  progress.readTo = readTo;
  progress.samples = samples;
  progress.queried = queried;
  progress.read = read;
}
