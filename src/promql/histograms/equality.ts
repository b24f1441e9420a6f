import type { HistogramSpan, HistogramValue } from '#telemetry';
import { openBuckets } from './open-histogram.ts';
import { sameBounds } from './schema.ts';

/**
 * Whether two histograms are the same data: layout, empty buckets included, and counts bit for bit. Counter reset
 * hints do not count.
 */
export function equalHistograms(left: HistogramValue, right: HistogramValue): boolean {
  return (
    left.schema === right.schema &&
    left.zeroThreshold === right.zeroThreshold &&
    Object.is(left.count, right.count) &&
    Object.is(left.sum, right.sum) &&
    Object.is(left.zeroCount, right.zeroCount) &&
    sameBounds(left.customBounds, right.customBounds) &&
    sameLayout(left.positiveSpans, right.positiveSpans) &&
    sameLayout(left.negativeSpans, right.negativeSpans) &&
    sameCounts(left.positiveCounts, right.positiveCounts) &&
    sameCounts(left.negativeCounts, right.negativeCounts)
  );
}

function sameCounts(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((count, at) => Object.is(count, right[at]));
}

/** Spans may be cut differently and still name the same buckets. */
function sameLayout(left: readonly HistogramSpan[], right: readonly HistogramSpan[]): boolean {
  const leftIndexes = openBuckets(left, []).indexes;
  const rightIndexes = openBuckets(right, []).indexes;
  return (
    leftIndexes.length === rightIndexes.length && leftIndexes.every((index, at) => index === rightIndexes[at])
  );
}
