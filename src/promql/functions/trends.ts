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
export function deriv(): RangeFunction {
  const squares = new LeastSquares();
  return (window) => {
    if (!hasTrend(window)) return ABSENT;
    squares.add(window, window.times[window.from] ?? 0);
    window.value = squares.line().slope;
    return FLOAT;
  };
}

/** The value that the line of least squares has so many seconds after the evaluation time. */
export function predictLinear(): RangeFunction {
  const squares = new LeastSquares();
  return (window) => {
    if (!hasTrend(window)) return ABSENT;
    squares.add(window, window.timeMs);
    const { slope, intercept } = squares.line();
    window.value = slope * window.scalar(0) + intercept;
    return FLOAT;
  };
}

/** The line of least squares through a window's floats. */
class LeastSquares {
  readonly #x = new KahanSum();
  readonly #y = new KahanSum();
  readonly #xy = new KahanSum();
  readonly #xx = new KahanSum();
  #first = 0;
  #count = 0;
  #isConstant = true;

  /** Adds the window's present part; `originMs` is where x is 0, in all parts the same. */
  add(window: RangeWindow, originMs: number): void {
    const { times, values, from, partFrom, partTo } = window;
    if (window.isFirstPart) this.#clear(values[from] ?? NaN);
    const first = this.#first;
    let isConstant = this.#isConstant;
    const sumX = new KahanSum(this.#x.sum, this.#x.compensation);
    const sumY = new KahanSum(this.#y.sum, this.#y.compensation);
    const sumXY = new KahanSum(this.#xy.sum, this.#xy.compensation);
    const sumXX = new KahanSum(this.#xx.sum, this.#xx.compensation);
    for (let at = partFrom; at < partTo; at++) {
      const x = ((times[at] ?? 0) - originMs) / 1000;
      const y = values[at] ?? NaN;
      if (at > from && y !== first) isConstant = false;
      sumX.add(x);
      sumY.add(y);
      sumXY.add(x * y);
      sumXX.add(x * x);
    }
    this.#x.set(sumX.sum, sumX.compensation);
    this.#y.set(sumY.sum, sumY.compensation);
    this.#xy.set(sumXY.sum, sumXY.compensation);
    this.#xx.set(sumXX.sum, sumXX.compensation);
    this.#isConstant = isConstant;
    this.#count = partTo - from;
  }

  /** The intercept is the line's value at the origin. */
  line(): { readonly slope: number; readonly intercept: number } {
    const first = this.#first;
    if (this.#isConstant) {
      return Number.isFinite(first) || Number.isNaN(first)
        ? { slope: 0, intercept: first }
        : { slope: NaN, intercept: NaN };
    }
    const count = this.#count;
    const [x, y] = [this.#x.total, this.#y.total];
    const covariance = this.#xy.total - (x * y) / count;
    const varianceX = this.#xx.total - (x * x) / count;
    const slope = covariance / varianceX;
    return { slope, intercept: y / count - (slope * x) / count };
  }

  #clear(first: number): void {
    for (const sum of [this.#x, this.#y, this.#xy, this.#xx]) sum.set(0, 0);
    this.#first = first;
    this.#isConstant = true;
  }
}

/** Holt's double exponential smoothing: a smoothed value and a smoothed trend, each with its factor in (0, 1). */
export function doubleExponentialSmoothing(): RangeFunction {
  let before = 0;
  let smoothed = 0;
  let trend = 0;
  return (window) => {
    const smoothing = window.scalar(0);
    const trendFactor = window.scalar(1);
    checkFactors(smoothing, trendFactor);
    if (!hasTrend(window)) return ABSENT;
    const { values, from, partFrom, partTo } = window;
    if (window.isFirstPart) {
      before = 0;
      smoothed = values[from] ?? NaN;
      trend = (values[from + 1] ?? NaN) - smoothed;
    }
    for (let at = Math.max(partFrom, from + 1); at < partTo; at++) {
      if (at > from + 1) trend = trendFactor * (smoothed - before) + (1 - trendFactor) * trend;
      const next = smoothing * (values[at] ?? NaN) + (1 - smoothing) * (smoothed + trend);
      before = smoothed;
      smoothed = next;
    }
    window.value = smoothed;
    return FLOAT;
  };
}

function checkFactors(smoothing: number, trendFactor: number): void {
  if (smoothing <= 0 || smoothing >= 1) {
    throw evaluationError(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${formatFixed(smoothing)}`);
  }
  if (trendFactor <= 0 || trendFactor >= 1) {
    throw evaluationError(`invalid trend factor. Expected: 0 < tf < 1, got: ${formatFixed(trendFactor)}`);
  }
}
