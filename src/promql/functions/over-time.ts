import { nextCompensation } from '../evaluation/kahan.ts';
import type { RangeFunction, RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, FLOAT, HISTOGRAM, type SampleKind } from '../evaluation/vector-table.ts';
import { HistogramMean, HistogramTotal, type HistogramFold } from '../histograms/totals.ts';
import { quantileOf } from '../aggregations/quantiles.ts';

/** Annotates that a function of floats ignored the window's histograms; false where there are no floats. */
function hasFloatsOnly(window: RangeWindow): boolean {
  if (window.floatCount === 0) return false;
  if (window.histogramCount > 0) {
    window.annotations.histogramIgnoredInRange(window.metricName, window.position);
  }
  return true;
}

export const sumOverTime: RangeFunction = (window) => {
  if (window.histogramCount > 0) return foldHistograms(window, new HistogramTotal());
  const { values, from, to } = window;
  let sum = 0;
  let compensation = 0;
  for (let at = from; at < to; at++) {
    const value = values[at] ?? NaN;
    compensation = nextCompensation(sum, value, compensation);
    sum += value;
  }
  window.value = sum === Infinity || sum === -Infinity ? sum : sum + compensation;
  return FLOAT;
};

/** The mean as in the `avg` aggregation: incremental only from where the sum would overflow. */
export const avgOverTime: RangeFunction = (window) => {
  if (window.histogramCount > 0) return foldHistograms(window, new HistogramMean());
  const { values, from, to } = window;
  let sum = values[from] ?? NaN;
  let compensation = 0;
  for (let at = from + 1; at < to; at++) {
    const value = values[at] ?? NaN;
    const next = sum + value;
    if (next === Infinity || next === -Infinity) {
      window.value = incrementalMean(window, at, sum, compensation);
      return FLOAT;
    }
    compensation = nextCompensation(sum, value, compensation);
    sum = next;
  }
  window.value = sum / (to - from) + compensation / (to - from);
  return FLOAT;
};

/** Goes on with a mean whose first samples, those before index `start`, have been summed up. */
function incrementalMean(window: RangeWindow, start: number, sum: number, compensation: number): number {
  const { values, from, to } = window;
  let mean = sum / (start - from);
  let rest = compensation / (start - from);
  for (let at = start; at < to; at++) {
    const count = at - from + 1;
    const weight = (count - 1) / count;
    const share = (values[at] ?? NaN) / count;
    rest = nextCompensation(weight * mean, share, weight * rest);
    mean = weight * mean + share;
  }
  return mean + rest;
}

function foldHistograms(window: RangeWindow, fold: HistogramFold): SampleKind {
  const { annotations, metricName, position } = window;
  if (window.floatCount > 0) {
    annotations.mixedFloatsAndHistograms(metricName, position);
    return ABSENT;
  }
  for (let at = window.histogramFrom; at < window.histogramTo; at++) {
    const histogram = window.histograms[at];
    if (!histogram || fold.add(histogram)) continue;
    annotations.mixedExponentialAndCustomBuckets(metricName, position);
    return ABSENT;
  }
  if (fold.counterResetCollision) annotations.counterResetCollision('aggregation', position);
  if (fold.boundsReconciled) annotations.customBucketsReconciled('aggregation', position);
  window.histogram = fold.result();
  return HISTOGRAM;
}

export const countOverTime: RangeFunction = (window) => {
  window.value = window.floatCount + window.histogramCount;
  return FLOAT;
};

export const presentOverTime: RangeFunction = (window) => {
  window.value = 1;
  return FLOAT;
};

/** The index of the greatest (least) float; of equal ones the first, or the last where `ties` says so. */
function extremeIndex(window: RangeWindow, which: 'min' | 'max', ties: 'first' | 'last'): number {
  const { values, from, to } = window;
  let best = from;
  for (let at = from; at < to; at++) {
    const value = values[at] ?? NaN;
    const champion = values[best] ?? NaN;
    const better = which === 'max' ? value > champion : value < champion;
    if (better || Number.isNaN(champion) || (ties === 'last' && value === champion)) best = at;
  }
  return best;
}

function extremeOverTime(which: 'min' | 'max'): RangeFunction {
  return (window) => {
    if (!hasFloatsOnly(window)) return ABSENT;
    window.value = window.values[extremeIndex(window, which, 'first')] ?? NaN;
    return FLOAT;
  };
}

export const minOverTime = extremeOverTime('min');
export const maxOverTime = extremeOverTime('max');

function timeOfExtreme(which: 'min' | 'max'): RangeFunction {
  return (window) => {
    if (!hasFloatsOnly(window)) return ABSENT;
    window.value = (window.times[extremeIndex(window, which, 'last')] ?? 0) / 1000;
    return FLOAT;
  };
}

export const timeOfMinOverTime = timeOfExtreme('min');
export const timeOfMaxOverTime = timeOfExtreme('max');

export const firstOverTime: RangeFunction = (window) => {
  const floatMs = window.floatCount > 0 ? (window.times[window.from] ?? 0) : Infinity;
  const histogram = window.histogramCount > 0 ? window.histograms[window.histogramFrom] : undefined;
  if (histogram && floatMs >= (window.histogramTimes[window.histogramFrom] ?? 0)) {
    window.histogram = histogram;
    return HISTOGRAM;
  }
  window.value = window.values[window.from] ?? NaN;
  return FLOAT;
};

export const lastOverTime: RangeFunction = (window) => {
  const floatMs = window.floatCount > 0 ? (window.times[window.to - 1] ?? 0) : -Infinity;
  const histogram = window.histogramCount > 0 ? window.histograms[window.histogramTo - 1] : undefined;
  if (histogram && floatMs <= (window.histogramTimes[window.histogramTo - 1] ?? 0)) {
    window.histogram = histogram;
    return HISTOGRAM;
  }
  window.value = window.values[window.to - 1] ?? NaN;
  return FLOAT;
};

export const timeOfFirstOverTime: RangeFunction = (window) => {
  const floatMs = window.floatCount > 0 ? (window.times[window.from] ?? 0) : Infinity;
  const histogramMs =
    window.histogramCount > 0 ? (window.histogramTimes[window.histogramFrom] ?? 0) : Infinity;
  window.value = Math.min(floatMs, histogramMs) / 1000;
  return FLOAT;
};

export const timeOfLastOverTime: RangeFunction = (window) => {
  const floatMs = window.floatCount > 0 ? (window.times[window.to - 1] ?? 0) : 0;
  const histogramMs = window.histogramCount > 0 ? (window.histogramTimes[window.histogramTo - 1] ?? 0) : 0;
  window.value = Math.max(floatMs, histogramMs) / 1000;
  return FLOAT;
};

export const quantileOverTime: RangeFunction = (window) => {
  if (window.floatCount === 0) return ABSENT;
  const phi = window.scalar(0);
  if (!(phi >= 0 && phi <= 1)) window.annotations.invalidQuantile(phi, window.position);
  hasFloatsOnly(window);
  window.value = quantileOf(phi, window.values.slice(window.from, window.to));
  return FLOAT;
};

/** The median of the distances from the median; NaN where the window has a NaN. */
export const madOverTime: RangeFunction = (window) => {
  if (!hasFloatsOnly(window)) return ABSENT;
  const sample = window.values.slice(window.from, window.to);
  if (sample.some(Number.isNaN)) {
    window.value = NaN;
    return FLOAT;
  }
  const median = quantileOf(0.5, sample);
  for (let at = 0; at < sample.length; at++) sample[at] = Math.abs((sample[at] ?? 0) - median);
  window.value = quantileOf(0.5, sample);
  return FLOAT;
};

/** Welford's method with compensated sums. */
function variance(window: RangeWindow): number {
  const { values, from, to } = window;
  let mean = 0;
  let meanRest = 0;
  let squares = 0;
  let squaresRest = 0;
  for (let at = from; at < to; at++) {
    const value = values[at] ?? NaN;
    const distance = value - (mean + meanRest);
    const share = distance / (at - from + 1);
    meanRest = nextCompensation(mean, share, meanRest);
    mean += share;
    const square = distance * (value - (mean + meanRest));
    squaresRest = nextCompensation(squares, square, squaresRest);
    squares += square;
  }
  return (squares + squaresRest) / (to - from);
}

export const stdvarOverTime: RangeFunction = (window) => {
  if (!hasFloatsOnly(window)) return ABSENT;
  window.value = variance(window);
  return FLOAT;
};

export const stddevOverTime: RangeFunction = (window) => {
  if (!hasFloatsOnly(window)) return ABSENT;
  window.value = Math.sqrt(variance(window));
  return FLOAT;
};
