import type { HistogramValue } from '#telemetry';
import { openHistogram, type Buckets } from './open-histogram.ts';
import { upperBound, usesCustomBuckets } from './schema.ts';

/** A bucket with its bounds. */
export interface BoundedBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** Which of its bounds a bucket includes. */
export function boundsIncluded(
  { lower, upper }: BoundedBucket,
  histogram: HistogramValue,
): { readonly lower: boolean; readonly upper: boolean } {
  if (usesCustomBuckets(histogram)) return { lower: lower === -Infinity, upper: true };
  const isZeroBucket = lower === -upper;
  return { lower: lower < 0 || isZeroBucket, upper: upper > 0 || isZeroBucket };
}

/**
 * All buckets from the lowest to the highest: negative, zero (where populated), positive. A bucket that overlaps
 * the zero bucket begins or ends at the zero threshold.
 */
export function bucketsOf(histogram: HistogramValue): readonly BoundedBucket[] {
  return walk(histogram, histogram.zeroThreshold);
}

/** As `bucketsOf`, with every bucket as wide as its resolution makes it, also where it overlaps the zero bucket. */
export function wholeBucketsOf(histogram: HistogramValue): readonly BoundedBucket[] {
  return walk(histogram, 0);
}

function walk(histogram: HistogramValue, startsAt: number): readonly BoundedBucket[] {
  const { zeroThreshold, zeroCount } = histogram;
  const open = openHistogram(histogram);
  const positive = positiveSide(open.positive, histogram, startsAt);
  if (usesCustomBuckets(histogram)) return positive;
  const negative = positiveSide(open.negative, histogram, startsAt)
    .map(({ lower, upper, count }) => ({ lower: -upper, upper: -lower, count }))
    .reverse();
  const zero = zeroCount > 0 ? [{ lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount }] : [];
  return [...negative, ...zero, ...positive];
}

/** The buckets of one side as if it were the positive one. */
function positiveSide(
  { indexes, counts }: Buckets,
  histogram: HistogramValue,
  startsAt: number,
): readonly BoundedBucket[] {
  return indexes.map((index, at) => {
    const lower = upperBound(index - 1, histogram);
    const startsBelow = lower > 0 && lower < startsAt;
    return {
      lower: startsBelow ? startsAt : lower,
      upper: upperBound(index, histogram),
      count: counts[at] ?? 0,
    };
  });
}
