import type { HistogramValue } from '#telemetry';
import { closeHistogram, openHistogram } from './open-histogram.ts';

/** All counts and the sum times a factor. A negative factor makes a gauge of it. */
export function multiplyHistogram(histogram: HistogramValue, factor: number): HistogramValue {
  return scale(histogram, (count) => count * factor, factor < 0);
}

/** All counts and the sum divided; division by zero leaves no buckets. */
export function divideHistogram(histogram: HistogramValue, divisor: number): HistogramValue {
  const scaled = scale(histogram, (count) => count / divisor, divisor < 0);
  if (divisor !== 0) return scaled;
  return { ...scaled, positiveSpans: [], positiveCounts: [], negativeSpans: [], negativeCounts: [] };
}

function scale(
  histogram: HistogramValue,
  scaled: (count: number) => number,
  becomesGauge: boolean,
): HistogramValue {
  const open = openHistogram(histogram);
  open.count = scaled(open.count);
  open.sum = scaled(open.sum);
  open.zeroCount = scaled(open.zeroCount);
  open.positive.counts = open.positive.counts.map(scaled);
  open.negative.counts = open.negative.counts.map(scaled);
  if (becomesGauge) open.counterReset = 'gauge';
  return closeHistogram(open);
}
