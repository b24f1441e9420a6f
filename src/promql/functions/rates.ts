import type { HistogramValue } from '#telemetry';
import type { RangeFunction, RangeFunctionMaker, RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, FLOAT, HISTOGRAM, type SampleKind } from '../evaluation/vector-table.ts';
import { histogramDifference, instantHistogramDifference } from '../histograms/differences.ts';
import { divideHistogram, multiplyHistogram } from '../histograms/scaling.ts';
import { isStartReset } from './start-timestamps.ts';

export const rate: RangeFunctionMaker = () => extrapolation('counter', (window) => window.rangeSeconds);
export const increase: RangeFunctionMaker = () => extrapolation('counter', () => 1);
export const delta: RangeFunctionMaker = () => extrapolation('gauge', () => 1);
export const irate: RangeFunction = (window) => lastDifference(window, 'counter');
export const idelta: RangeFunction = (window) => lastDifference(window, 'gauge');

type Nature = 'counter' | 'gauge';

/**
 * The growth over the window, extrapolated to its ends where samples come close enough to them (within 1.1 average
 * distances between samples), else by half such a distance; a counter is not extrapolated below zero. As in
 * Prometheus's `extrapolatedRate`.
 */
function extrapolation(nature: Nature, perSeconds: (window: RangeWindow) => number): RangeFunction {
  let growth = 0;
  return (window) => {
    const { histogramCount, floatCount } = window;
    if (histogramCount > 0) {
      if (!window.isLastPart) return ABSENT;
      if (floatCount === 0) return extrapolateHistogram(window, nature, perSeconds(window));
      window.annotations.mixedFloatsAndHistograms(window.metricName, window.position);
      return ABSENT;
    }
    if (floatCount < 2) return ABSENT;
    const { values, from, to } = window;
    if (window.isFirstPart) growth = (values[to - 1] ?? NaN) - (values[from] ?? NaN);
    if (nature === 'counter') growth = withResets(growth, window);
    if (!window.isLastPart) return ABSENT;
    window.value = extrapolate(window, growth, { nature, perSeconds: perSeconds(window) });
    return FLOAT;
  };
}

/** What the growth from the window's first float to its last comes to. */
function extrapolate(
  window: RangeWindow,
  growth: number,
  { nature, perSeconds }: { readonly nature: Nature; readonly perSeconds: number },
): number {
  const { times, values, from, to } = window;
  const first = values[from] ?? NaN;
  const spans = spansOf(window, times[from] ?? 0, times[to - 1] ?? 0, to - from);
  if (nature === 'counter' && growth > 0 && first >= 0) {
    const toZero = spans.sampled * (first / growth);
    if (toZero < spans.toStart) spans.toStart = toZero;
  }
  return growth * (extrapolationFactor(spans) / perSeconds);
}

function extrapolateHistogram(window: RangeWindow, nature: Nature, perSeconds: number): SampleKind {
  const { histogramTimes, histograms, histogramFrom: from, histogramTo: to } = window;
  if (window.histogramCount < 2) return ABSENT;
  const growth = histogramDifference(histograms, from, to, { nature, ...noteOf(window) });
  if (!growth) return ABSENT;
  const spans = spansOf(window, histogramTimes[from] ?? 0, histogramTimes[to - 1] ?? 0, to - from);
  const first = histograms[from];
  if (nature === 'counter' && growth.count > 0 && first && first.count >= 0) {
    const toZero = spans.sampled * (first.count / growth.count);
    if (toZero < spans.toStart) spans.toStart = toZero;
  }
  window.histogram = multiplyHistogram(growth, extrapolationFactor(spans) / perSeconds);
  return HISTOGRAM;
}

/** Seconds between the window's samples and its ends. One object, reused: windows are many. */
const sharedSpans = { sampled: 0, toStart: 0, toEnd: 0 };

export function spansOf(
  window: RangeWindow,
  firstMs: number,
  lastMs: number,
  samples: number,
): typeof sharedSpans {
  const spans = sharedSpans;
  spans.sampled = (lastMs - firstMs) / 1000;
  spans.toStart = (firstMs - window.rangeStartMs) / 1000;
  spans.toEnd = (window.rangeEndMs - lastMs) / 1000;
  const average = spans.sampled / (samples - 1);
  const threshold = average * 1.1;
  if (spans.toStart >= threshold) spans.toStart = average / 2;
  if (spans.toEnd >= threshold) spans.toEnd = average / 2;
  return spans;
}

/** What the growth between samples is multiplied with, so that it covers what is extrapolated. */
export function extrapolationFactor({ sampled, toStart, toEnd }: typeof sharedSpans): number {
  return sampled === 0 ? 1 : (sampled + toStart + toEnd) / sampled;
}

/**
 * The growth plus what a counter had reached before each of its resets in the window's present part, a reset being a
 * value below the one before it. Added one by one, as the order decides which digits are lost.
 */
function withResets(growth: number, { values, from, partFrom, partTo }: RangeWindow): number {
  let sum = growth;
  let previous = values[Math.max(from, partFrom - 1)] ?? NaN;
  for (let at = Math.max(from + 1, partFrom); at < partTo; at++) {
    const value = values[at] ?? NaN;
    if (value < previous) sum += previous;
    previous = value;
  }
  return sum;
}

/** The difference of the last two samples: a second for counters, in all for gauges. */
function lastDifference(window: RangeWindow, nature: Nature): SampleKind {
  const { histogramCount, floatCount } = window;
  if (floatCount + histogramCount < 2) return ABSENT;
  const lastFloatMs = window.times[window.to - 1] ?? -Infinity;
  const lastHistogramMs = window.histogramTimes[window.histogramTo - 1] ?? -Infinity;
  const endsWithHistogram = histogramCount > 0 && (floatCount === 0 || lastHistogramMs > lastFloatMs);
  const sameKindBefore = endsWithHistogram
    ? histogramCount > 1 &&
      (floatCount === 0 || (window.histogramTimes[window.histogramTo - 2] ?? 0) > lastFloatMs)
    : floatCount > 1 && (histogramCount === 0 || (window.times[window.to - 2] ?? 0) > lastHistogramMs);
  if (!sameKindBefore) {
    window.annotations.mixedFloatsAndHistograms(window.metricName, window.position);
    return ABSENT;
  }
  return endsWithHistogram ? lastHistogramDifference(window, nature) : lastFloatDifference(window, nature);
}

function lastFloatDifference(window: RangeWindow, nature: Nature): SampleKind {
  const { times, values, to } = window;
  const seconds = ((times[to - 1] ?? 0) - (times[to - 2] ?? 0)) / 1000;
  if (seconds === 0) return ABSENT;
  const last = values[to - 1] ?? NaN;
  const before = values[to - 2] ?? NaN;
  const isReset = nature === 'counter' && (last < before || isStartReset(window.startTimes, times, to - 1));
  const difference = isReset ? last : last - before;
  window.value = nature === 'counter' ? difference / seconds : difference;
  return FLOAT;
}

function lastHistogramDifference(window: RangeWindow, nature: Nature): SampleKind {
  const { histogramTimes, histograms, histogramTo: to } = window;
  const seconds = ((histogramTimes[to - 1] ?? 0) - (histogramTimes[to - 2] ?? 0)) / 1000;
  const last: HistogramValue | undefined = histograms[to - 1];
  const before = histograms[to - 2];
  if (seconds === 0 || !last || !before) return ABSENT;
  const isStartResetAt = (): boolean => isStartReset(window.histogramStartTimes, histogramTimes, to - 1);
  const options = { nature, isStartReset: isStartResetAt, ...noteOf(window) };
  const difference = instantHistogramDifference(before, last, options);
  if (!difference) return ABSENT;
  window.histogram = nature === 'counter' ? divideHistogram(difference, seconds) : difference;
  return HISTOGRAM;
}

export function noteOf(window: RangeWindow): Pick<RangeWindow, 'annotations' | 'metricName' | 'position'> {
  return { annotations: window.annotations, metricName: window.metricName, position: window.position };
}
