import type { HistogramValue } from '#telemetry';
import type { RangeFunction, RangeFunctionMaker, RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, FLOAT, HISTOGRAM, type SampleKind } from '../evaluation/vector-table.ts';
import { addHistograms } from '../histograms/arithmetic.ts';
import { histogramDifference } from '../histograms/differences.ts';
import { isCounterReset } from '../histograms/reset-detection.ts';
import { multiplyHistogram } from '../histograms/scaling.ts';
import type { Boundary } from '../syntax/ast.ts';
import { fromAnchor } from './extended-rates.ts';
import { extrapolationFactor, irate, noteOf, spansOf } from './rates.ts';
import { isStartReset, overlapsBefore } from './start-timestamps.ts';

const STARTED: ReadonlyMap<string, RangeFunctionMaker> = new Map([
  ['rate', () => extrapolation((window) => window.rangeSeconds)],
  ['increase', () => extrapolation(() => 1)],
  ['irate', () => irate],
  ['resets', () => countResets()],
]);

/** As a function computes series that say when their samples began counting; null where it does not ask for that. */
export function startedFunctionOf(name: string, boundary: Boundary | null): RangeFunctionMaker | null {
  const make = STARTED.get(name) ?? null;
  if (!boundary || !make) return make;
  return boundary === 'anchored' && name === 'resets' ? () => fromAnchor(make()) : null;
}

/**
 * As `extrapolation` in rates.ts. A start says of a reset what values can't; and where the first sample began counting
 * within the window, there was a zero, and nothing is extrapolated on that side.
 */
function extrapolation(perSeconds: (window: RangeWindow) => number): RangeFunction {
  let growth = 0;
  let isNoted = false;
  return (window) => {
    const { histogramCount, floatCount } = window;
    if (histogramCount > 0) {
      if (!window.isLastPart) return ABSENT;
      if (floatCount === 0) return extrapolateHistogram(window, perSeconds(window));
      window.annotations.mixedFloatsAndHistograms(window.metricName, window.position);
      return ABSENT;
    }
    if (floatCount === 0) return ABSENT;
    const { values, startTimes, times, from, to } = window;
    if (window.isFirstPart) {
      growth = (values[to - 1] ?? NaN) - (values[from] ?? NaN);
      isNoted = false;
    }
    for (let at = Math.max(from + 1, window.partFrom); at < window.partTo; at++) {
      if (!isNoted && overlapsBefore(startTimes, times, at)) {
        isNoted = true;
        window.annotations.startTimeOverlap(window.metricName, window.position);
      }
      const before = values[at - 1] ?? NaN;
      if ((values[at] ?? NaN) < before || isStartReset(startTimes, times, at)) growth += before;
    }
    if (!window.isLastPart) return ABSENT;
    return extrapolate(window, growth, perSeconds(window));
  };
}

function extrapolate(window: RangeWindow, growth: number, perSeconds: number): SampleKind {
  const { times, values, startTimes, from, to } = window;
  const first = values[from] ?? NaN;
  const samples = { times, startTimes, from, to };
  const spans = startedSpansOf(window, samples);
  if (spans) {
    window.value = (growth + first) * (extrapolationFactor(spans) / perSeconds);
    return FLOAT;
  }
  if (to - from < 2) return ABSENT;
  const unknown = spansOf(window, times[from] ?? 0, times[to - 1] ?? 0, to - from);
  if (growth > 0 && first >= 0) {
    const toZero = unknown.sampled * (first / growth);
    if (toZero < unknown.toStart) unknown.toStart = toZero;
  }
  window.value = growth * (extrapolationFactor(unknown) / perSeconds);
  return FLOAT;
}

interface StartedSamples {
  readonly times: Float64Array;
  readonly startTimes: Float64Array;
  readonly from: number;
  readonly to: number;
}

/** The spans of a window that begins with a zero where its first sample began counting; null where it does not. */
function startedSpansOf(
  window: RangeWindow,
  { times, startTimes, from, to }: StartedSamples,
): ReturnType<typeof spansOf> | null {
  const startMs = startTimes[from] ?? 0;
  const firstMs = times[from] ?? 0;
  if (startMs === 0 || startMs <= window.rangeStartMs || startMs >= firstMs) return null;
  const lastMs = times[to - 1] ?? 0;
  const spans = spansOf(window, firstMs, lastMs, to - from);
  spans.toStart = 0;
  spans.sampled = (lastMs - startMs) / 1000;
  // One sample says nothing about how far apart they are.
  if (to - from === 1) spans.toEnd = 0;
  return spans;
}

function extrapolateHistogram(window: RangeWindow, perSeconds: number): SampleKind {
  const { histogramTimes: times, histogramStartTimes: startTimes, histograms } = window;
  const { histogramFrom: from, histogramTo: to } = window;
  const isStartResetAt = (place: number): boolean => isStartReset(startTimes, times, from + place);
  const options = { nature: 'counter', isStartReset: isStartResetAt, ...noteOf(window) } as const;
  const first = histograms[from];
  if (!first) return ABSENT;
  const growth = to - from > 1 ? histogramDifference(histograms, from, to, options) : null;
  if (to - from > 1 && !growth) return ABSENT;
  noteOverlap(window);
  const spans = startedSpansOf(window, { times, startTimes, from, to });
  if (spans) {
    const sum = growth ? sumOf(growth, first, window) : first;
    if (!sum) return ABSENT;
    window.histogram = multiplyHistogram(sum, extrapolationFactor(spans) / perSeconds);
    return HISTOGRAM;
  }
  if (!growth) return ABSENT;
  const unknown = spansOf(window, times[from] ?? 0, times[to - 1] ?? 0, to - from);
  if (growth.count > 0 && first.count >= 0) {
    const toZero = unknown.sampled * (first.count / growth.count);
    if (toZero < unknown.toStart) unknown.toStart = toZero;
  }
  window.histogram = multiplyHistogram(growth, extrapolationFactor(unknown) / perSeconds);
  return HISTOGRAM;
}

function noteOverlap(window: RangeWindow): void {
  const { histogramTimes, histogramStartTimes, histogramFrom, histogramTo } = window;
  for (let at = histogramFrom + 1; at < histogramTo; at++) {
    if (!overlapsBefore(histogramStartTimes, histogramTimes, at)) continue;
    window.annotations.startTimeOverlap(window.metricName, window.position);
    return;
  }
}

function sumOf(
  growth: HistogramValue,
  first: HistogramValue,
  { annotations, metricName, position }: RangeWindow,
): HistogramValue | null {
  const sum = addHistograms(growth, first);
  if (!sum) annotations.mixedExponentialAndCustomBuckets(metricName, position);
  else if (sum.boundsReconciled) annotations.customBucketsReconciled('addition', position);
  return sum && sum.histogram;
}

/** As `resets` in transitions.ts, of samples that say when they began counting. */
function countResets(): RangeFunction {
  let count = 0;
  // The sample before, and of which kind it was: a histogram, or a float where that is null.
  let hasBefore = false;
  let beforeMs = 0;
  let beforeStartMs = 0;
  let beforeValue = NaN;
  let beforeHistogram: HistogramValue | null = null;
  const pair = { times: new Float64Array(2), starts: new Float64Array(2) };
  return (window) => {
    const { times, values, startTimes, partTo, histogramPartTo } = window;
    const { histogramTimes, histograms, histogramStartTimes } = window;
    if (window.isFirstPart) {
      count = 0;
      hasBefore = false;
    }
    let float = window.partFrom;
    let histogram = window.histogramPartFrom;
    while (float < partTo || histogram < histogramPartTo) {
      const takesFloat =
        histogram >= histogramPartTo ||
        (float < partTo && (times[float] ?? 0) < (histogramTimes[histogram] ?? 0));
      const timeMs = takesFloat ? (times[float] ?? 0) : (histogramTimes[histogram] ?? 0);
      const startMs = takesFloat ? (startTimes[float] ?? 0) : (histogramStartTimes[histogram] ?? 0);
      const afterHistogram = takesFloat ? null : (histograms[histogram++] ?? null);
      const afterValue = takesFloat ? (values[float++] ?? NaN) : NaN;
      if (hasBefore) {
        pair.times[0] = beforeMs;
        pair.times[1] = timeMs;
        pair.starts[0] = beforeStartMs;
        pair.starts[1] = startMs;
        const isSameKind = (beforeHistogram === null) === (afterHistogram === null);
        const hasFallen =
          beforeHistogram && afterHistogram
            ? isCounterReset(afterHistogram, beforeHistogram)
            : afterValue < beforeValue;
        if (!isSameKind || hasFallen || isStartReset(pair.starts, pair.times, 1)) count++;
      }
      hasBefore = true;
      beforeMs = timeMs;
      beforeStartMs = startMs;
      beforeValue = afterValue;
      beforeHistogram = afterHistogram;
    }
    window.value = count;
    return FLOAT;
  };
}
