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

/** For each sample of the series at hand how many resets there are up to it. Reused: series are many. */
let resets = new Uint32Array(1024);
/** What the counter had reached before each reset. */
let lost = new Float64Array(1024);

/**
 * `rate`, `increase` or `delta` of one series at every step: what `extrapolate` in rates.ts computes window by window,
 * operation by operation, in one loop over numbers.
 */
export function fillRateRow(
  { table, cell }: { readonly table: VectorTable; readonly cell: number },
  { times, values }: SampleRun,
  { kind, windows }: { readonly kind: RateKind; readonly windows: RowWindows },
): RowCounts {
  const { firstEndMs, stepMs, stepCount, rangeMs } = windows;
  const { isCounter, isPerSecond } = kind;
  const perSeconds = isPerSecond ? rangeMs / 1000 : 1;
  const hasResets = isCounter && countResets(values);
  const length = times.length;
  const results = table.values;
  const kinds = table.kinds;
  let from = 0;
  let to = 0;
  let samples = 0;
  let queried = 0;
  let read = 0;
  let readTo = 0;
  // Neighbouring windows of a regular series lie alike around their samples: what follows from the distances is kept.
  let knownSpanMs = NaN;
  let knownStartGapMs = NaN;
  let knownEndGapMs = NaN;
  let knownCount = 0;
  let sampled = 0;
  let toStart = 0;
  let toEnd = 0;
  let extrapolated = 0;
  for (let step = 0; step < stepCount; step++) {
    const endMs = firstEndMs + step * stepMs;
    const startMs = endMs - rangeMs;
    while (to < length && (times[to] ?? 0) <= endMs) to++;
    while (from < length && (times[from] ?? 0) <= startMs) from++;
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
      const end = resets[to - 1] ?? 0;
      for (let at = resets[from] ?? 0; at < end; at++) growth += lost[at] ?? 0;
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
  return { samples, queried, read };
}

/** Fills `resets` and `lost`; whether there is any. */
function countResets(values: Float64Array): boolean {
  const { length } = values;
  if (resets.length < length) {
    resets = new Uint32Array(length * 2);
    lost = new Float64Array(length * 2);
  }
  let count = 0;
  let before = Number.NaN;
  for (let at = 0; at < length; at++) {
    const value = values[at] ?? NaN;
    if (value < before) lost[count++] = before;
    resets[at] = count;
    before = value;
  }
  return count > 0;
}
