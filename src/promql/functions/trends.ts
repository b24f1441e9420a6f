import { KahanSum } from '../evaluation/kahan.ts';
import { evaluationError } from '../evaluation/query-error.ts';
import type { RangeFunction, RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, FLOAT } from '../evaluation/vector-table.ts';
import { formatFixed } from '../syntax/text-literals.ts';

/** Two floats at least; a single one beside histograms is annotated. */
function hasTrend(window: RangeWindow): boolean {
  if (window.floatCount > 0 && window.histogramCount > 0) {
    window.annotations.histogramIgnoredInRange(window.metricName, window.position);
  }
  return window.floatCount >= 2;
}

/** The slope, a second, of the line of least squares. */
export const deriv: RangeFunction = (window) => {
  if (!hasTrend(window)) return ABSENT;
  window.value = fitLine(window, window.times[window.from] ?? 0).slope;
  return FLOAT;
};

/** The value that the line of least squares has so many seconds after the evaluation time. */
export const predictLinear: RangeFunction = (window) => {
  if (!hasTrend(window)) return ABSENT;
  const { slope, intercept } = fitLine(window, window.timeMs);
  window.value = slope * window.scalar(0) + intercept;
  return FLOAT;
};

/** The line of least squares; the intercept is its value at `originMs`. */
function fitLine(
  { times, values, from, to }: RangeWindow,
  originMs: number,
): { readonly slope: number; readonly intercept: number } {
  const first = values[from] ?? NaN;
  let isConstant = true;
  const sumX = new KahanSum();
  const sumY = new KahanSum();
  const sumXY = new KahanSum();
  const sumXX = new KahanSum();
  for (let at = from; at < to; at++) {
    const x = ((times[at] ?? 0) - originMs) / 1000;
    const y = values[at] ?? NaN;
    if (at > from && y !== first) isConstant = false;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumXX.add(x * x);
  }
  if (isConstant) {
    return Number.isFinite(first) || Number.isNaN(first)
      ? { slope: 0, intercept: first }
      : { slope: NaN, intercept: NaN };
  }
  const count = to - from;
  const covariance = sumXY.total - (sumX.total * sumY.total) / count;
  const varianceX = sumXX.total - (sumX.total * sumX.total) / count;
  const slope = covariance / varianceX;
  return { slope, intercept: sumY.total / count - (slope * sumX.total) / count };
}

/** Holt's double exponential smoothing: a smoothed value and a smoothed trend, each with its factor in (0, 1). */
export const doubleExponentialSmoothing: RangeFunction = (window) => {
  const smoothing = window.scalar(0);
  const trendFactor = window.scalar(1);
  if (smoothing <= 0 || smoothing >= 1) {
    throw evaluationError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${formatFixed(smoothing)}`);
  }
  if (trendFactor <= 0 || trendFactor >= 1) {
    throw evaluationError(`invalid trend factor. Expected: 0 < tf < 1, got: ${formatFixed(trendFactor)}`);
  }
  if (!hasTrend(window)) return ABSENT;
  const { values, from, to } = window;
  let before = 0;
  let smoothed = values[from] ?? NaN;
  let trend = (values[from + 1] ?? NaN) - smoothed;
  for (let at = from + 1; at < to; at++) {
    if (at > from + 1) trend = trendFactor * (smoothed - before) + (1 - trendFactor) * trend;
    const next = smoothing * (values[at] ?? NaN) + (1 - smoothing) * (smoothed + trend);
    before = smoothed;
    smoothed = next;
  }
  window.value = smoothed;
  return FLOAT;
};
