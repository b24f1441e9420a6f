import type { Exemplar } from '#telemetry';
import { isNearly } from '../../histogram-check.ts';
import { maxBuckets } from '../limits.ts';
import type { Family } from './family.ts';

const NO_SUM = Number.NaN;
const NO_EXEMPLARS: readonly Exemplar[] = [];
export const TOO_MANY_BUCKETS = `a histogram has more than maxBuckets (${maxBuckets})`;

/** A histogram with explicit bounds, or a summary, while it is read. */
export class GroupedPoint {
  timeMs = 0;
  startMs = 0;
  count = 0;
  sum = NO_SUM;
  hasSum = false;
  isStale = false;
  attributesStart = 0;
  attributesEnd = 0;
  isScattered = false;
  /** Where the packed bucket counts are, and the packed bounds; an end of 0 where there are none. */
  countsStart = 0;
  countsEnd = 0;
  boundsStart = 0;
  boundsEnd = 0;
  /** They are in several pieces, or not packed. */
  isInPieces = false;
  /** Bucket counts, where they are read one by one; of a summary, values. */
  readonly numbers: number[] = [];
  /** Bounds; of a summary, quantiles. */
  readonly places: number[] = [];
  exemplars = NO_EXEMPLARS;

  begin(timeMs: number): void {
    this.timeMs = timeMs;
    this.startMs = 0;
    this.count = 0;
    this.sum = NO_SUM;
    this.hasSum = false;
    this.isStale = false;
    this.attributesStart = 0;
    this.attributesEnd = 0;
    this.isScattered = false;
    this.countsStart = 0;
    this.countsEnd = 0;
    this.boundsStart = 0;
    this.boundsEnd = 0;
    this.isInPieces = false;
    if (this.numbers.length > 0) this.numbers.length = 0;
    if (this.places.length > 0) this.places.length = 0;
    this.exemplars = NO_EXEMPLARS;
  }
}

export const SUM_OF_NO_NUMBER = 'the sum of a delta, which is no number';

/** Whether a sum can't be added up: a total with NaN would be NaN for ever. The point counts without it. */
export function isSumLost(
  { isDelta }: Family,
  { hasSum, sum }: Pick<GroupedPoint, 'hasSum' | 'sum'>,
): boolean {
  return isDelta && hasSum && !Number.isFinite(sum);
}

/** Bounds without the last one, which goes without saying and yet is told now and then. */
export function finiteBounds(bounds: readonly number[]): readonly number[] {
  return bounds.at(-1) === Infinity ? bounds.slice(0, -1) : bounds;
}

/**
 * Whether so many bounds have so many buckets: one more than bounds. Where the last bound is told to be +Inf, its bucket
 * is the last one, or is followed by one that is always empty.
 */
export function areOf(bounds: number, buckets: number, finite: number): boolean {
  return buckets === bounds + 1 || buckets === finite + 1;
}

export function unequal(bounds: number, buckets: number): string {
  return `a histogram has ${bounds} bounds and ${buckets} buckets`;
}

/** Why bounds are none, or null. */
export function boundsProblem({ numbers, places }: GroupedPoint): string | null {
  if (numbers.length > maxBuckets || places.length > maxBuckets) return TOO_MANY_BUCKETS;
  for (let at = 0; at < places.length; at++) {
    const bound = places[at] ?? Number.NaN;
    if (Number.isNaN(bound) || (at > 0 && !(bound > (places[at - 1] ?? Number.NaN)))) {
      return "a histogram's bounds do not ascend";
    }
  }
  return null;
}

/** Why a histogram with explicit bounds contradicts itself, or null. */
export function histogramProblem(point: GroupedPoint): string | null {
  const { numbers, places } = point;
  const isEmpty = numbers.length === 0 && places.length === 0;
  if (!isEmpty && !areOf(places.length, numbers.length, finiteBounds(places).length)) {
    return unequal(places.length, numbers.length);
  }
  if (isEmpty) return null;
  return countProblem(
    point,
    numbers.reduce((total, each) => total + each, 0),
  );
}

/** The same of its count, where its buckets hold so many. */
export function countProblem({ count, sum, hasSum }: GroupedPoint, inBuckets: number): string | null {
  // Observations of NaN may be in no bucket, and make the sum NaN.
  const isWrong =
    inBuckets > count
      ? !isNearly(inBuckets, count)
      : !(hasSum && Number.isNaN(sum)) && !isNearly(count, inBuckets);
  return isWrong ? `a histogram's count is ${count}, and its buckets hold ${inBuckets}` : null;
}
