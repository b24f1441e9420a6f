import type { HistogramValue } from '#telemetry';
import type { RangeFunction, RangeWindow } from '../evaluation/range-window.ts';
import { FLOAT } from '../evaluation/vector-table.ts';
import { equalHistograms } from '../histograms/equality.ts';
import { isCounterReset } from '../histograms/reset-detection.ts';

interface Transitions {
  readonly floats: (before: number, after: number) => boolean;
  readonly histograms: (before: HistogramValue, after: HistogramValue) => boolean;
}

/** Counts the pairs of neighbours that `is` accepts; a change between float and histogram always counts. */
function countTransitions(window: RangeWindow, is: Transitions): number {
  const { times, values, histogramTimes, histograms } = window;
  let float = window.from;
  let histogram = window.histogramFrom;
  let count = 0;
  let before: number | HistogramValue | null = null;
  while (float < window.to || histogram < window.histogramTo) {
    const takesFloat =
      histogram >= window.histogramTo ||
      (float < window.to && (times[float] ?? 0) < (histogramTimes[histogram] ?? 0));
    const after: number | HistogramValue = takesFloat
      ? (values[float++] ?? NaN)
      : (histograms[histogram++] ?? NaN);
    if (before !== null && isTransition(before, after, is)) count++;
    before = after;
  }
  return count;
}

function isTransition(
  before: number | HistogramValue,
  after: number | HistogramValue,
  is: Transitions,
): boolean {
  if (typeof before === 'number') return typeof after === 'number' ? is.floats(before, after) : true;
  return typeof after === 'number' ? true : is.histograms(before, after);
}

const RESETS: Transitions = {
  floats: (before, after) => after < before,
  histograms: (before, after) => isCounterReset(after, before),
};

const CHANGES: Transitions = {
  floats: (before, after) => after !== before && !(Number.isNaN(after) && Number.isNaN(before)),
  histograms: (before, after) => !equalHistograms(after, before),
};

export const resets: RangeFunction = (window) => {
  window.value = countTransitions(window, RESETS);
  return FLOAT;
};

export const changes: RangeFunction = (window) => {
  window.value = countTransitions(window, CHANGES);
  return FLOAT;
};
