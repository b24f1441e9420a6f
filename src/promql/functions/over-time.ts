import { KahanSum, nextCompensation } from '../evaluation/kahan.ts';
import type { RangeFunction, RangeFunctionMaker, RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, FLOAT, HISTOGRAM } from '../evaluation/vector-table.ts';
import { HistogramMean, HistogramTotal, type HistogramFold } from '../histograms/totals.ts';

/** Annotates that a function of floats ignored the window's histograms; false where there are no floats. */
export function hasFloatsOnly(window: RangeWindow): boolean {
  if (window.floatCount === 0) return false;
  if (window.histogramCount > 0) {
    window.annotations.histogramIgnoredInRange(window.metricName, window.position);
  }
  return true;
}

export function sumOverTime(): RangeFunction {
  const total = new KahanSum();
  const foldHistograms = histogramFolding(() => new HistogramTotal());
  return (window) => {
    if (window.histogramCount > 0) return foldHistograms(window);
    const { values, partFrom, partTo } = window;
    const isFirst = window.isFirstPart;
    let sum = isFirst ? 0 : total.sum;
    let compensation = isFirst ? 0 : total.compensation;
    for (let at = partFrom; at < partTo; at++) {
      const value = values[at] ?? NaN;
      compensation = nextCompensation(sum, value, compensation);
      sum += value;
    }
    total.set(sum, compensation);
    window.value = sum === Infinity || sum === -Infinity ? sum : sum + compensation;
    return FLOAT;
  };
}

/** The mean as in the `avg` aggregation: incremental only from where the sum would overflow. */
export function avgOverTime(): RangeFunction {
  const total = new KahanSum();
  const mean = new KahanSum();
  let isIncremental = false;
  const foldHistograms = histogramFolding(() => new HistogramMean());
  return (window) => {
    if (window.histogramCount > 0) return foldHistograms(window);
    const { values, from, partFrom, partTo } = window;
    let at = partFrom;
    if (window.isFirstPart) {
      total.set(values[at++] ?? NaN, 0);
      isIncremental = false;
    }
    if (!isIncremental) {
      at = addUntilOverflow(total, window, at);
      if (at === partTo) {
        window.value = total.sum / (partTo - from) + total.compensation / (partTo - from);
        return FLOAT;
      }
      isIncremental = true;
      mean.set(total.sum / (at - from), total.compensation / (at - from));
    }
    addToMean(mean, window, at);
    window.value = mean.total;
    return FLOAT;
  };
}

/** Adds the floats of the part from `start` on, up to its end or to the one that the sum would overflow with: answers which. */
function addUntilOverflow(total: KahanSum, { values, partTo }: RangeWindow, start: number): number {
  let { sum, compensation } = total;
  let at = start;
  for (; at < partTo; at++) {
    const value = values[at] ?? NaN;
    const next = sum + value;
    if (next === Infinity || next === -Infinity) break;
    compensation = nextCompensation(sum, value, compensation);
    sum = next;
  }
  total.set(sum, compensation);
  return at;
}

/** Goes on with the mean of the window's samples before index `start`. */
function addToMean(total: KahanSum, { values, from, partTo }: RangeWindow, start: number): void {
  let { sum: mean, compensation: rest } = total;
  for (let at = start; at < partTo; at++) {
    const count = at - from + 1;
    const weight = (count - 1) / count;
    const share = (values[at] ?? NaN) / count;
    rest = nextCompensation(weight * mean, share, weight * rest);
    mean = weight * mean + share;
  }
  total.set(mean, rest);
}

function histogramFolding(begin: () => HistogramFold): RangeFunction {
  let fold: HistogramFold | null = null;
  /** Of floats beside histograms, or of buckets that don't go together. */
  let hasFailed = false;
  return (window) => {
    const { annotations, metricName, position } = window;
    if (window.isFirstPart || !fold) {
      fold = begin();
      hasFailed = false;
    }
    if (hasFailed) return ABSENT;
    if (window.floatCount > 0) {
      hasFailed = true;
      annotations.mixedFloatsAndHistograms(metricName, position);
      return ABSENT;
    }
    for (let at = window.histogramPartFrom; at < window.histogramPartTo; at++) {
      const histogram = window.histograms[at];
      if (!histogram || fold.add(histogram)) continue;
      hasFailed = true;
      annotations.mixedExponentialAndCustomBuckets(metricName, position);
      return ABSENT;
    }
    if (!window.isLastPart) return ABSENT;
    if (fold.counterResetCollision) annotations.counterResetCollision('aggregation', position);
    if (fold.boundsReconciled) annotations.customBucketsReconciled('aggregation', position);
    window.histogram = fold.result();
    return HISTOGRAM;
  };
}

export const countOverTime: RangeFunction = (window) => {
  window.value = window.floatCount + window.histogramCount;
  return FLOAT;
};

export const presentOverTime: RangeFunction = (window) => {
  window.value = 1;
  return FLOAT;
};

/**
 * The index of the greatest (least) float of the part and of the one found before it; of equal ones the first, or the
 * last where `ties` says so.
 */
function extremeIndex(
  { values, partFrom, partTo }: RangeWindow,
  found: number,
  { which, ties }: { readonly which: 'min' | 'max'; readonly ties: 'first' | 'last' },
): number {
  let best = found;
  for (let at = partFrom; at < partTo; at++) {
    const value = values[at] ?? NaN;
    const champion = values[best] ?? NaN;
    const better = which === 'max' ? value > champion : value < champion;
    if (better || Number.isNaN(champion) || (ties === 'last' && value === champion)) best = at;
  }
  return best;
}

function extremeOverTime(which: 'min' | 'max'): RangeFunctionMaker {
  const kind = { which, ties: 'first' } as const;
  return () => {
    let best = 0;
    return (window) => {
      if (!hasFloatsOnly(window)) return ABSENT;
      best = extremeIndex(window, window.isFirstPart ? window.from : best, kind);
      window.value = window.values[best] ?? NaN;
      return FLOAT;
    };
  };
}

export const minOverTime = extremeOverTime('min');
export const maxOverTime = extremeOverTime('max');

function timeOfExtreme(which: 'min' | 'max'): RangeFunctionMaker {
  const kind = { which, ties: 'last' } as const;
  return () => {
    let best = 0;
    return (window) => {
      if (!hasFloatsOnly(window)) return ABSENT;
      best = extremeIndex(window, window.isFirstPart ? window.from : best, kind);
      window.value = (window.times[best] ?? 0) / 1000;
      return FLOAT;
    };
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

/** Welford's method with compensated sums. */
function varianceOf(finish: (variance: number) => number): RangeFunctionMaker {
  return () => {
    const means = new KahanSum();
    const sums = new KahanSum();
    return (window) => {
      if (!hasFloatsOnly(window)) return ABSENT;
      if (window.isFirstPart) {
        means.set(0, 0);
        sums.set(0, 0);
      }
      addDistances(window, means, sums);
      window.value = finish(sums.total / (window.partTo - window.from));
      return FLOAT;
    };
  };
}

function addDistances(
  { values, from, partFrom, partTo }: RangeWindow,
  means: KahanSum,
  sums: KahanSum,
): void {
  let { sum: mean, compensation: meanRest } = means;
  let { sum: squares, compensation: squaresRest } = sums;
  for (let at = partFrom; at < partTo; at++) {
    const value = values[at] ?? NaN;
    const distance = value - (mean + meanRest);
    const share = distance / (at - from + 1);
    meanRest = nextCompensation(mean, share, meanRest);
    mean += share;
    const square = distance * (value - (mean + meanRest));
    squaresRest = nextCompensation(squares, square, squaresRest);
    squares += square;
  }
  means.set(mean, meanRest);
  sums.set(squares, squaresRest);
}

export const stdvarOverTime = varianceOf((variance) => variance);
export const stddevOverTime = varianceOf(Math.sqrt);
