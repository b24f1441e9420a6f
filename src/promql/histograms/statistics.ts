import type { HistogramValue } from '#telemetry';
import { isCounterReset } from './reset-detection.ts';

/**
 * Histograms without their buckets, for functions that only ask for counts and sums. Since resets can't be told
 * without buckets, each one gets the hint that a comparison with the histogram before it gives.
 */
export function withResetHints<T extends HistogramValue | null>(
  histograms: readonly T[],
): readonly (T | HistogramValue)[] {
  let previous: HistogramValue | null = null;
  return histograms.map((histogram) => {
    if (!histogram) return histogram;
    const counterReset: HistogramValue['counterReset'] =
      histogram.counterReset !== 'unknown' || !previous
        ? histogram.counterReset
        : isCounterReset(histogram, previous)
          ? 'reset'
          : 'not_reset';
    previous = histogram;
    return { ...withoutBuckets(histogram), counterReset };
  });
}

/** The histogram's count and sum, without a bucket. */
export function withoutBuckets({ schema, count, sum, counterReset }: HistogramValue): HistogramValue {
  return {
    schema,
    count,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [],
    positiveCounts: [],
    negativeSpans: [],
    negativeCounts: [],
    customBounds: [],
    counterReset,
  };
}
