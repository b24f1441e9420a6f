import type { HistogramValue } from '#telemetry';
import { addHistograms, subtractHistograms } from './arithmetic.ts';
import type { DifferenceOptions } from './differences.ts';
import { isCounterReset } from './reset-detection.ts';
import { multiplyHistogram } from './scaling.ts';

/**
 * The histogram at a fraction of the way from one to the next; a counter that has been reset between them begins at
 * zero. Null, and an annotation, where the two don't go together. As in Prometheus's `interpolateHistograms`.
 */
export function interpolateHistograms(
  [before, after]: readonly [HistogramValue, HistogramValue],
  fraction: number,
  options: DifferenceOptions,
): HistogramValue | null {
  if (fraction === 0) return before;
  if (fraction === 1) return after;
  if (options.nature === 'counter' && isCounterReset(after, before))
    return multiplyHistogram(after, fraction);
  const { annotations, metricName, position } = options;
  const difference = subtractHistograms(after, before);
  const sum = difference && addHistograms(multiplyHistogram(difference.histogram, fraction), before);
  if (!sum) {
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return null;
  }
  if (difference.boundsReconciled) annotations.customBucketsReconciled('subtraction', position);
  if (sum.boundsReconciled) annotations.customBucketsReconciled('addition', position);
  return sum.histogram;
}
