import type { HistogramValue } from '#telemetry';
import { shareBelow } from './bucket-interpolation.ts';
import type { BoundedBucket } from './bucket-walk.ts';
import { closeHistogram, openHistogram, type Buckets, type OpenHistogram } from './open-histogram.ts';
import { upperBound, usesCustomBuckets } from './schema.ts';

/** Which observations are cut off. */
export type Cut = 'above' | 'below';

/** What is left of a bucket, and the value its observations are taken to have. */
interface Remainder {
  readonly count: number;
  readonly middle: number;
}

/**
 * The histogram without its observations above (below) a value: the operators `</` and `>/`. A bucket that holds
 * the value is cut by interpolation. Count and sum are estimated anew where anything was cut off.
 */
export function trimHistogram(histogram: HistogramValue, at: number, cut: Cut): HistogramValue {
  const open = openHistogram(histogram);
  const populated = { positive: isPopulated(open.positive), negative: isPopulated(open.negative) };
  const positive = trimSide(open, 'positive', at, cut);
  const negative = trimSide(open, 'negative', at, cut);
  let count = positive.count + negative.count;
  let sum = positive.sum + negative.sum;
  let changed = positive.changed || negative.changed;
  if (open.zeroCount > 0) {
    const zero = trimZeroBucket(open, populated, { at, cut });
    changed ||= zero.count !== open.zeroCount;
    open.zeroCount = zero.count;
    count += zero.count;
    sum += zero.middle * zero.count;
  }
  if (!changed) return histogram;
  return closeHistogram({ ...open, count, sum });
}

function trimSide(
  histogram: OpenHistogram,
  side: 'positive' | 'negative',
  at: number,
  cut: Cut,
): { readonly count: number; readonly sum: number; readonly changed: boolean } {
  const buckets: Buckets = histogram[side];
  let count = 0;
  let sum = 0;
  let changed = false;
  buckets.counts = buckets.counts.map((before, place) => {
    if (before === 0) return 0;
    const bucket = boundedBucket(histogram, side, buckets.indexes[place] ?? 0, before);
    const left = trimBucket(bucket, at, { cut, side, isCustom: usesCustomBuckets(histogram) });
    if (left.count !== before) changed = true;
    count += left.count;
    sum += left.count === 0 ? 0 : left.middle * left.count;
    return left.count;
  });
  return { count, sum, changed };
}

function boundedBucket(
  histogram: OpenHistogram,
  side: 'positive' | 'negative',
  index: number,
  count: number,
): BoundedBucket {
  const far = upperBound(index, histogram);
  const near = upperBound(index - 1, histogram);
  return side === 'positive' ? { lower: near, upper: far, count } : { lower: -far, upper: -near, count };
}

interface BucketNature {
  readonly cut: Cut;
  readonly side: 'positive' | 'negative';
  readonly isCustom: boolean;
}

function trimBucket(bucket: BoundedBucket, at: number, nature: BucketNature): Remainder {
  const { lower, upper, count } = bucket;
  const staysWhole = nature.cut === 'above' ? upper <= at : lower >= at;
  if (staysWhole) return { count, middle: middleOf(lower, upper, nature) };
  const goesWhole = nature.cut === 'above' ? lower >= at : upper <= at;
  if (goesWhole || Number.isNaN(at)) return { count: 0, middle: 0 };
  if (lower === -Infinity || upper === Infinity) return trimEndlessBucket(bucket, at, nature.cut);
  const below = count * shareBelow(bucket, at, nature.isCustom ? 'linear' : 'exponential');
  return nature.cut === 'above'
    ? { count: below, middle: middleOf(lower, at, nature) }
    : { count: count - below, middle: middleOf(at, upper, nature) };
}

/**
 * Nothing is known of how observations spread over a bucket without end: one that is cut is dropped as a whole,
 * except where zero is a natural lower bound.
 */
function trimEndlessBucket({ lower, upper, count }: BoundedBucket, at: number, cut: Cut): Remainder {
  if (lower === -Infinity) {
    const startsAtZero = upper > 0 && upper !== Infinity;
    if (cut === 'above') {
      if (at > 0 && startsAtZero) return { count: (count * at) / upper, middle: at / 2 };
      return upper <= 0 ? { count, middle: at } : { count: 0, middle: 0 };
    }
    if (at >= 0 && startsAtZero) return { count: count * (1 - at / upper), middle: (at + upper) / 2 };
    return { count: 0, middle: 0 };
  }
  return cut === 'below' && at >= lower ? { count, middle: at } : { count: 0, middle: 0 };
}

function middleOf(lower: number, upper: number, { side, isCustom }: BucketNature): number {
  if (lower === -Infinity) {
    if (upper === Infinity) return 0;
    return upper > 0 ? upper / 2 : upper;
  }
  if (upper === Infinity) return lower;
  if (isCustom) return (lower + upper) / 2;
  const geometric = Math.sqrt(Math.abs(lower * upper));
  return side === 'positive' ? geometric : -geometric;
}

function isPopulated({ counts }: Buckets): boolean {
  return counts.some((count) => count !== 0);
}

/** The zero bucket is cut linearly; where only one side had observations it ends at zero on the other. */
function trimZeroBucket(
  { zeroThreshold, zeroCount: count }: OpenHistogram,
  populated: { readonly positive: boolean; readonly negative: boolean },
  { at, cut }: { readonly at: number; readonly cut: Cut },
): Remainder {
  const lower = populated.positive && !populated.negative ? 0 : -zeroThreshold;
  const upper = populated.negative && !populated.positive ? 0 : zeroThreshold;
  const whole = { count, middle: (lower + upper) / 2 };
  const nothing = { count: 0, middle: 0 };
  if (cut === 'above') {
    if (at <= lower) return nothing;
    if (at >= upper) return whole;
    return { count: (count * (at - lower)) / (upper - lower), middle: (lower + at) / 2 };
  }
  if (at <= lower) return whole;
  if (at >= upper) return nothing;
  return { count: (count * (upper - at)) / (upper - lower), middle: (at + upper) / 2 };
}
