import type { MonotonicityExtent } from '../annotations.ts';

/** A bucket of a classic histogram: how many observations lie at or below its bound. */
export interface ClassicBucket {
  readonly upperBound: number;
  count: number;
}

/** Counts that differ by less than this share differ by rounding only. */
const ROUNDING_TOLERANCE = 1e-12;
/** Below the smallest normal number relative differences mean nothing. */
const MIN_NORMAL = 2.2250738585072014e-308;

/** Where buckets had to be corrected so that counts grow with the bound; null where none had to. */
export type Correction = Omit<MonotonicityExtent, 'minTimeMs' | 'maxTimeMs' | 'samples'> | null;

/**
 * The φ-quantile of a classic histogram, interpolated linearly within its bucket; the lowest bucket begins at 0
 * where its bound is positive, and from the highest bucket the answer is its lower bound. NaN without
 * observations, with fewer than two buckets, or without a +Inf bucket. As in Prometheus's `BucketQuantile`.
 */
export function classicQuantile(
  phi: number,
  given: readonly ClassicBucket[],
): { readonly value: number; readonly correction: Correction } {
  if (Number.isNaN(phi)) return { value: NaN, correction: null };
  if (phi < 0) return { value: -Infinity, correction: null };
  if (phi > 1) return { value: Infinity, correction: null };
  const buckets = mergedBuckets(given);
  if (buckets.at(-1)?.upperBound !== Infinity) return { value: NaN, correction: null };
  const correction = makeMonotonic(buckets);
  return { value: quantileWithin(phi, buckets), correction };
}

function quantileWithin(phi: number, buckets: readonly ClassicBucket[]): number {
  const last = buckets.length - 1;
  const observations = buckets[last]?.count ?? 0;
  if (last < 1 || observations === 0) return NaN;
  const rank = phi * observations;
  const found = buckets.findIndex(({ count }, at) => at === last || count >= rank);
  if (found === last) return buckets[last - 1]?.upperBound ?? NaN;
  const { upperBound = NaN, count = NaN } = buckets[found] ?? {};
  if (found === 0) return upperBound <= 0 ? upperBound : upperBound * (rank / count);
  const below = buckets[found - 1] ?? { upperBound: NaN, count: NaN };
  const share = (rank - below.count) / (count - below.count);
  return below.upperBound + (upperBound - below.upperBound) * share;
}

/** The share of a classic histogram's observations between two values, interpolated as for quantiles. */
export function classicFraction(lower: number, upper: number, given: readonly ClassicBucket[]): number {
  const buckets = mergedBuckets(given);
  const last = buckets.at(-1);
  if (last?.upperBound !== Infinity || last.count === 0) return NaN;
  if (Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
  if (lower >= upper) return 0;
  const rankOf = (value: number): number => Math.min(last.count, rankBelow(value, buckets) ?? last.count);
  return (rankOf(upper) - rankOf(lower)) / last.count;
}

function rankBelow(value: number, buckets: readonly ClassicBucket[]): number | null {
  let lowerBound = (buckets[0]?.upperBound ?? 0) <= 0 ? -Infinity : 0;
  let rank = 0;
  for (const { upperBound, count } of buckets) {
    if (lowerBound >= value) return rank;
    if (upperBound > value) {
      if (lowerBound === -Infinity) return count;
      return rank + ((count - rank) * (value - lowerBound)) / (upperBound - lowerBound);
    }
    rank = count;
    lowerBound = upperBound;
  }
  return null;
}

/** The buckets in the order of their bounds, those of equal bounds added up. */
function mergedBuckets(given: readonly ClassicBucket[]): ClassicBucket[] {
  const sorted = [...given].sort((a, b) =>
    a.upperBound < b.upperBound ? -1 : a.upperBound > b.upperBound ? 1 : 0,
  );
  const merged: ClassicBucket[] = [];
  for (const { upperBound, count } of sorted) {
    const last = merged.at(-1);
    if (last && last.upperBound === upperBound) last.count += count;
    else merged.push({ upperBound, count });
  }
  return merged;
}

/** Removes decreases of the counts, in place. Those that are rounding errors are not reported. */
function makeMonotonic(buckets: readonly ClassicBucket[]): Correction {
  let minBucket = Infinity;
  let maxBucket = -Infinity;
  let maxDifference = 0;
  let reached = buckets[0]?.count ?? 0;
  for (const bucket of buckets.slice(1)) {
    const { count, upperBound } = bucket;
    if (count === reached) continue;
    if (isAlmostEqual(reached, count, ROUNDING_TOLERANCE)) {
      bucket.count = reached;
    } else if (count < reached) {
      bucket.count = reached;
      minBucket = Math.min(minBucket, upperBound);
      maxBucket = Math.max(maxBucket, upperBound);
      maxDifference = Math.max(maxDifference, reached - count);
    } else {
      reached = count;
    }
  }
  return minBucket <= maxBucket ? { minBucket, maxBucket, maxDifference } : null;
}

function isAlmostEqual(left: number, right: number, tolerance: number): boolean {
  if (left === right || (Number.isNaN(left) && Number.isNaN(right))) return true;
  const sum = Math.abs(left) + Math.abs(right);
  const difference = Math.abs(left - right);
  if (left === 0 || right === 0 || sum < MIN_NORMAL) return difference < tolerance * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < tolerance;
}
