import { firstAfter } from '../evaluation/ascending-times.ts';
import type { RangeWindow } from '../evaluation/range-window.ts';
import type { Boundary } from '../syntax/ast.ts';

/** What is computed of a range that begins and ends at values of its own. */
export interface ExtendedKind {
  readonly boundary: Boundary;
  readonly nature: 'counter' | 'gauge';
  readonly isPerSecond: boolean;
}

/** Samples of one kind in ascending time: those from index `from` on, before `to`. */
export interface Stretch {
  readonly times: Float64Array;
  readonly from: number;
  readonly to: number;
}

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
}

/** The samples that say what the values at the ends of a range are, as indexes. */
export interface RangeEnds {
  readonly first: number;
  readonly last: number;
}

/** As `sampleEnds`; null, too, where all samples lie behind a smoothed range. As in Prometheus's `extendedRate`. */
export function endsOf(stretch: Stretch, range: Range, boundary: Boundary): RangeEnds | null {
  const ends = sampleEnds(stretch, range, boundary);
  if (!ends || boundary === 'anchored') return ends;
  return (stretch.times[ends.first] ?? 0) > range.endMs ? null : ends;
}

/**
 * The first is the last sample at or before the range's start, else the first one behind it. The last is that of the
 * stretch; of a smoothed one the first at or behind the range's end. Null where all samples lie before the range.
 */
export function sampleEnds({ times, from, to }: Stretch, range: Range, boundary: Boundary): RangeEnds | null {
  if (from >= to) return null;
  const { startMs, endMs } = range;
  let last = to - 1;
  const first = Math.max(from, Math.min(firstAfter(times, from, startMs), last) - 1);
  if (boundary === 'smoothed') last = Math.min(firstAtOrAfter(times, from, endMs), last);
  return (times[last] ?? 0) <= startMs ? null : { first, last };
}

/** The first index from `start` on whose time is not before `timeMs`. */
export function firstAtOrAfter(times: Float64Array, start: number, timeMs: number): number {
  const after = firstAfter(times, start, timeMs);
  return after > start && times[after - 1] === timeMs ? after - 1 : after;
}

/** The value at a time on the line from a sample to the next one; a counter that has been reset begins at 0. */
export function interpolated(
  { times, values }: { readonly times: Float64Array; readonly values: Float64Array },
  next: number,
  { timeMs, isCounter }: { readonly timeMs: number; readonly isCounter: boolean },
): number {
  const startMs = times[next - 1] ?? 0;
  const end = values[next] ?? NaN;
  const before = values[next - 1] ?? NaN;
  const start = isCounter && end < before ? 0 : before;
  return start + ((end - start) * (timeMs - startMs)) / ((times[next] ?? 0) - startMs);
}

/** The values at the ends of a range. */
export interface EndValues {
  readonly left: number;
  readonly right: number;
}

/** The values of an anchored range are those of samples; of a smoothed one they lie between them. */
export function valuesAtEnds(
  floats: Stretch & { readonly values: Float64Array },
  { first, last }: RangeEnds,
  {
    range,
    boundary,
    isCounter,
  }: { readonly range: Range; readonly boundary: Boundary; readonly isCounter: boolean },
): EndValues {
  const { times, values, from } = floats;
  const { startMs, endMs } = range;
  const isBefore = boundary === 'smoothed' && (times[first] ?? 0) < startMs;
  const isBehind = boundary === 'smoothed' && last > from && (times[last] ?? 0) > endMs;
  return {
    left: isBefore ? interpolated(floats, first + 1, { timeMs: startMs, isCounter }) : (values[first] ?? NaN),
    right: isBehind ? interpolated(floats, last, { timeMs: endMs, isCounter }) : (values[last] ?? NaN),
  };
}

/** The indexes of the samples that lie within the range: from `from` on, before `to`, which may be less. */
export function withinEnds(
  { times }: Pick<Stretch, 'times'>,
  { first, last }: RangeEnds,
  { startMs, endMs }: Range,
): { readonly from: number; readonly to: number } {
  return {
    from: (times[first] ?? 0) <= startMs ? first + 1 : first,
    to: (times[last] ?? 0) >= endMs ? last : last + 1,
  };
}

/**
 * Leaves out of a window what lies before its anchor: the newest sample at or before the range's start, whatever its
 * kind. False where no sample lies behind the range's start.
 */
export function skipToAnchor(window: RangeWindow): boolean {
  const { times, histogramTimes, from, histogramFrom, rangeStartMs } = window;
  const float = firstAfter(times, from, rangeStartMs);
  const histogram = firstAfter(histogramTimes, histogramFrom, rangeStartMs);
  if (float >= window.to && histogram >= window.histogramTo) return false;
  const floatMs = float > from ? (times[float - 1] ?? 0) : -Infinity;
  const histogramMs = histogram > histogramFrom ? (histogramTimes[histogram - 1] ?? 0) : -Infinity;
  if (floatMs === -Infinity && histogramMs === -Infinity) return true;
  if (floatMs >= histogramMs) window.skipTo(float - 1, histogram);
  else window.skipTo(float, histogram - 1);
  return true;
}
