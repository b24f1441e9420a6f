import type { HistogramValue } from '#telemetry';
import { shareBelow } from './bucket-interpolation.ts';
import { bucketsOf, type BoundedBucket } from './bucket-walk.ts';
import { usesCustomBuckets } from './schema.ts';

/** What observations of NaN did to a result. */
export type NaNEffect = 'none' | 'result is NaN' | 'result is skewed higher';

export interface Estimate {
  readonly value: number;
  readonly effect: NaNEffect;
}

function exact(value: number): Estimate {
  return { value, effect: 'none' };
}

/**
 * The φ-quantile of a native histogram. Within a bucket observations are taken to be spread evenly: linearly in
 * custom buckets and in the zero bucket, on a logarithmic scale in exponential buckets. −∞ for φ < 0, +∞ for
 * φ > 1, NaN without observations. As in Prometheus's `HistogramQuantile`.
 */
export function nativeQuantile(phi: number, histogram: HistogramValue): Estimate {
  if (phi < 0) return exact(-Infinity);
  if (phi > 1) return exact(Infinity);
  if (histogram.count === 0 || Number.isNaN(phi)) return exact(NaN);
  // NaN observations are in no bucket, so that ranks can only be counted from below where there are any.
  const fromBelow = Number.isNaN(histogram.sum) || phi < 0.5;
  const buckets = fromBelow ? bucketsOf(histogram) : [...bucketsOf(histogram)].reverse();
  const rank = (fromBelow ? phi : 1 - phi) * histogram.count;
  let seen = 0;
  let at = -1;
  for (let place = 0; place < buckets.length; place++) {
    const { count } = buckets[place] ?? NO_BUCKET;
    at = place;
    if (count === 0) continue;
    seen += count;
    if (seen >= rank) break;
  }
  const found = at < 0 ? NO_BUCKET : (buckets[at] ?? NO_BUCKET);
  const isCustom = usesCustomBuckets(histogram);
  const isAroundZero = found.lower < 0 && found.upper > 0;
  const bucket = !isCustom && isAroundZero ? withNaturalBound(found, histogram) : found;
  if (isCustom) {
    if (bucket.lower === -Infinity) {
      if (bucket.upper <= 0) return exact(bucket.upper);
      return finish({ ...bucket, lower: 0 });
    }
    if (bucket.upper === Infinity) return exact(bucket.lower);
  }
  return finish(bucket);

  function finish(target: BoundedBucket): Estimate {
    const reached = Math.min(seen, histogram.count);
    if (reached < rank) {
      return Number.isNaN(histogram.sum) ? { value: NaN, effect: 'result is NaN' } : exact(target.upper);
    }
    const inBucket = fromBelow ? rank - (reached - target.count) : reached - rank;
    const value = interpolate(target, inBucket / target.count, isCustom);
    if (!Number.isNaN(histogram.sum)) return exact(value);
    const rest = buckets.slice(at + 1).reduce((sum, { count }) => sum + count, reached);
    return { value, effect: rest < histogram.count ? 'result is skewed higher' : 'none' };
  }
}

const NO_BUCKET: BoundedBucket = { lower: 0, upper: 0, count: 0 };

/** A bucket around zero in a histogram with buckets on one side only ends at zero on the other. */
function withNaturalBound(bucket: BoundedBucket, histogram: HistogramValue): BoundedBucket {
  const hasPositive = histogram.positiveCounts.length > 0;
  const hasNegative = histogram.negativeCounts.length > 0;
  if (hasPositive && !hasNegative) return { ...bucket, lower: 0 };
  if (hasNegative && !hasPositive) return { ...bucket, upper: 0 };
  return bucket;
}

function interpolate({ lower, upper }: BoundedBucket, share: number, isCustom: boolean): number {
  if (isCustom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * share;
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  return lower > 0
    ? 2 ** (logLower + (logUpper - logLower) * share)
    : -(2 ** (logUpper + (logLower - logUpper) * (1 - share)));
}

/**
 * The share of a native histogram's observations between two values, interpolated as for quantiles. Observations
 * of NaN count as observations but lie nowhere; `effect` then is not 'none'.
 */
export function nativeFraction(lower: number, upper: number, histogram: HistogramValue): Estimate {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return exact(NaN);
  if (lower >= upper) return exact(0);
  const isCustom = usesCustomBuckets(histogram);
  const buckets = bucketsOf(histogram).map((bucket) =>
    bucket.lower <= 0 && bucket.upper >= 0 ? withNaturalBound(bucket, histogram) : bucket,
  );
  const inBuckets = buckets.reduce((sum, { count }) => sum + count, 0);
  const hasNaNs = Number.isNaN(histogram.sum);
  const count = hasNaNs ? inBuckets : histogram.count;
  const rankOf = (value: number): number => Math.min(count, rankBelow(value, buckets, isCustom) ?? count);
  const value = (rankOf(upper) - rankOf(lower)) / histogram.count;
  return { value, effect: hasNaNs && inBuckets < histogram.count ? 'result is skewed higher' : 'none' };
}

/** How many observations lie below a value; null where it is above all buckets. */
function rankBelow(value: number, buckets: readonly BoundedBucket[], isCustom: boolean): number | null {
  let rank = 0;
  for (const bucket of buckets) {
    if (bucket.lower >= value) return rank;
    if (bucket.upper > value) {
      if (bucket.lower === -Infinity) return bucket.count;
      const isLinear = isCustom || (bucket.lower <= 0 && bucket.upper >= 0);
      return rank + bucket.count * shareBelow(bucket, value, isLinear ? 'linear' : 'exponential');
    }
    rank += bucket.count;
  }
  return null;
}
