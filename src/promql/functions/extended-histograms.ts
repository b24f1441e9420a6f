import type { HistogramValue } from '#telemetry';
import type { RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, HISTOGRAM, type SampleKind } from '../evaluation/vector-table.ts';
import { addHistograms, subtractHistograms } from '../histograms/arithmetic.ts';
import type { DifferenceOptions } from '../histograms/differences.ts';
import { interpolateHistograms } from '../histograms/interpolation.ts';
import { isCounterReset } from '../histograms/reset-detection.ts';
import { divideHistogram } from '../histograms/scaling.ts';
import { usesCustomBuckets } from '../histograms/schema.ts';
import { endsOf, type ExtendedKind, type Range, type RangeEnds } from './range-ends.ts';

interface HistogramEnds extends RangeEnds {
  readonly left: HistogramValue;
  readonly right: HistogramValue;
  /** The left one lies between two samples with a reset between them: that reset is in it already. */
  readonly leftSpansReset: boolean;
}

/**
 * As `growthBetweenEnds` of floats: what a histogram has grown by between its values at the ends of the range. As in
 * Prometheus's `extendedHistogramRate`.
 */
export function extendedHistogramGrowth(window: RangeWindow, kind: ExtendedKind): SampleKind {
  const { annotations, metricName, position } = window;
  const options = { nature: kind.nature, annotations, metricName, position };
  const { histogramTimes: times, histograms, histogramFrom: from, histogramTo: to } = window;
  const range = { startMs: window.rangeStartMs, endMs: window.rangeEndMs };
  const found = endsOf({ times, from, to }, range, kind.boundary);
  if (!found || !goTogether(histograms.slice(found.first, found.last + 1), options)) return ABSENT;
  const ends = histogramsAtEnds(window, found, { range, kind, options });
  if (!ends) return ABSENT;
  const growth = growthOf(histograms, ends, options);
  if (!growth) return ABSENT;
  const scaled = kind.isPerSecond ? divideHistogram(growth, window.rangeSeconds) : growth;
  window.histogram = { ...scaled, counterReset: 'gauge' };
  return HISTOGRAM;
}

/** Whether all are of one kind of buckets; gauges where a counter is expected are noted. */
function goTogether(samples: readonly HistogramValue[], options: DifferenceOptions): boolean {
  const { nature, annotations, metricName, position } = options;
  const [first] = samples;
  const isCustom = first !== undefined && usesCustomBuckets(first);
  for (const sample of samples) {
    if (usesCustomBuckets(sample) !== isCustom) {
      annotations.mixedExponentialAndCustomBuckets(metricName, position);
      return false;
    }
    if (nature === 'counter' && sample.counterReset === 'gauge')
      annotations.nativeHistogramNotCounter(metricName, position);
  }
  return true;
}

function histogramsAtEnds(
  window: RangeWindow,
  { first, last }: RangeEnds,
  {
    range: { startMs, endMs },
    kind,
    options,
  }: { readonly range: Range; readonly kind: ExtendedKind; readonly options: DifferenceOptions },
): HistogramEnds | null {
  const { histogramTimes: times, histograms, histogramFrom } = window;
  const isSmoothed = kind.boundary === 'smoothed';
  /** Of a time between the sample before `next` and that one. */
  const between = (next: number, timeMs: number): HistogramValue | null => {
    const before = histograms[next - 1];
    const after = histograms[next];
    if (!before || !after) return null;
    const fromMs = times[next - 1] ?? 0;
    return interpolateHistograms([before, after], (timeMs - fromMs) / ((times[next] ?? 0) - fromMs), options);
  };
  const isBefore = isSmoothed && (times[first] ?? 0) < startMs;
  const left = isBefore ? between(first + 1, startMs) : histograms[first];
  if (!left) return null;
  const isBehind = isSmoothed && last > histogramFrom && (times[last] ?? 0) > endMs;
  const right = isBehind ? between(last, endMs) : histograms[last];
  if (!right) return null;
  const before = histograms[first];
  const after = histograms[first + 1];
  const leftSpansReset =
    isBefore && before !== undefined && after !== undefined && isCounterReset(after, before);
  return { first, last, left, right, leftSpansReset };
}

function growthOf(
  histograms: readonly HistogramValue[],
  ends: HistogramEnds,
  options: DifferenceOptions,
): HistogramValue | null {
  const { left, right } = ends;
  const { nature, annotations, metricName, position } = options;
  if (nature === 'gauge' && (left.counterReset !== 'gauge' || right.counterReset !== 'gauge'))
    annotations.nativeHistogramNotGauge(metricName, position);
  const difference = subtractHistograms(right, left);
  if (!difference) {
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return null;
  }
  if (difference.boundsReconciled) annotations.customBucketsReconciled('subtraction', position);
  if (nature === 'gauge') return difference.histogram;
  const lost = lostAtResets(histograms, ends);
  const [base] = lost;
  if (!base) return difference.histogram;
  // First what was lost, then the growth: the order decides which digits are lost.
  const correction = sumOf(base, lost.slice(1), options);
  return correction && sumOf(difference.histogram, [correction], options);
}

/** What a counter had reached before each of its resets between the ends. */
function lostAtResets(
  histograms: readonly HistogramValue[],
  { first, last, left, right, leftSpansReset }: HistogramEnds,
): readonly HistogramValue[] {
  const from = leftSpansReset ? first + 2 : first + 1;
  // The last sample is the right end itself, or gave it its hint: it would tell of the same reset twice.
  if (from > last) return [];
  const lost: HistogramValue[] = [];
  let previous = leftSpansReset ? (histograms[first + 1] ?? left) : left;
  for (const sample of histograms.slice(from, last)) {
    if (isCounterReset(sample, previous)) lost.push(previous);
    previous = sample;
  }
  if (isCounterReset(right, previous)) lost.push(previous);
  return lost;
}

function sumOf(
  base: HistogramValue,
  others: readonly HistogramValue[],
  { annotations, metricName, position }: DifferenceOptions,
): HistogramValue | null {
  let sum = base;
  for (const other of others) {
    const combined = addHistograms(sum, other);
    if (!combined) {
      annotations.mixedExponentialAndCustomBuckets(metricName, position);
      return null;
    }
    if (combined.boundsReconciled) annotations.customBucketsReconciled('addition', position);
    sum = combined.histogram;
  }
  return sum;
}
