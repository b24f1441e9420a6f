import type { HistogramValue } from '#telemetry';
import {
  mapToBounds,
  mergeBuckets,
  reconcileZeroBuckets,
  reduceResolution,
  sharedBounds,
} from './bucket-math.ts';
import { closeHistogram, openHistogram, type OpenHistogram } from './open-histogram.ts';
import { sameBounds, usesCustomBuckets } from './schema.ts';

export interface CombinedHistogram {
  readonly histogram: HistogramValue;
  /** One side says that its counter was reset, the other that it was not. */
  readonly counterResetCollision: boolean;
  /** The custom bounds differed; the result has only those that both had. */
  readonly boundsReconciled: boolean;
}

/** The sum; null where one has exponential and the other custom buckets. */
export function addHistograms(left: HistogramValue, right: HistogramValue): CombinedHistogram | null {
  return combine(left, right, 1);
}

/** The difference; null where one has exponential and the other custom buckets. */
export function subtractHistograms(left: HistogramValue, right: HistogramValue): CombinedHistogram | null {
  return combine(left, right, -1);
}

function combine(left: HistogramValue, right: HistogramValue, sign: 1 | -1): CombinedHistogram | null {
  if (usesCustomBuckets(left) !== usesCustomBuckets(right)) return null;
  const a = openHistogram(left);
  const b = openHistogram(right);
  const boundsReconciled = alignLayouts(a, b);
  const { hint, collision } = combinedResetHint(a.counterReset, b.counterReset);
  a.counterReset = hint;
  a.zeroCount += sign * b.zeroCount;
  a.count += sign * b.count;
  a.sum += sign * b.sum;
  a.positive = mergeBuckets(a.positive, b.positive, sign);
  a.negative = mergeBuckets(a.negative, b.negative, sign);
  return { histogram: closeHistogram(a), counterResetCollision: collision, boundsReconciled };
}

/**
 * Gives two histograms of the same kind the same zero bucket, resolution and bounds, in place. Answers whether
 * custom bounds had to be left out.
 */
export function alignLayouts(a: OpenHistogram, b: OpenHistogram): boolean {
  if (!usesCustomBuckets(a)) {
    reconcileZeroBuckets(a, b);
    const schema = Math.min(a.schema, b.schema);
    reduceResolution(a, schema);
    reduceResolution(b, schema);
    return false;
  }
  if (sameBounds(a.customBounds, b.customBounds)) return false;
  const bounds = sharedBounds(a.customBounds, b.customBounds);
  for (const histogram of [a, b]) {
    histogram.positive = mapToBounds(histogram.positive, histogram.customBounds, bounds);
    histogram.customBounds = bounds;
  }
  return true;
}

type ResetHint = HistogramValue['counterReset'];

/** What is known of a counter reset once two histograms have been added or subtracted. */
export function combinedResetHint(
  left: ResetHint,
  right: ResetHint,
): { readonly hint: ResetHint; readonly collision: boolean } {
  if (left === right) return { hint: left, collision: false };
  if (left === 'gauge' || right === 'gauge') return { hint: 'gauge', collision: false };
  const collision = left !== 'unknown' && right !== 'unknown';
  return { hint: 'unknown', collision };
}
