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
  const { zeroThreshold, zeroCount } = histogram;
  const open = openHistogram(histogram);
  const positive = positiveSide(open.positive, histogram);
  if (usesCustomBuckets(histogram)) return positive;
  const negative = positiveSide(open.negative, histogram)
    .map(({ lower, upper, count }) => ({ lower: -upper, upper: -lower, count }))
    .reverse();
  const zero = zeroCount > 0 ? [{ lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount }] : [];
  return [...negative, ...zero, ...positive];
}

/** The buckets of one side as if it were the positive one. */
function positiveSide({ indexes, counts }: Buckets, histogram: HistogramValue): readonly BoundedBucket[] {
  const { zeroThreshold } = histogram;
  return indexes.map((index, at) => {
    const lower = upperBound(index - 1, histogram);
    const startsInZero = lower > 0 && lower < zeroThreshold;
    return {
      lower: startsInZero ? zeroThreshold : lower,
      upper: upperBound(index, histogram),
      count: counts[at] ?? 0,
    };
  });
}
