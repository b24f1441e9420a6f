import type { HistogramValue } from '#telemetry';
import type { RangeFunction, RangeFunctionMaker } from '../evaluation/range-window.ts';
import { FLOAT } from '../evaluation/vector-table.ts';
import { equalHistograms } from '../histograms/equality.ts';
import { isCounterReset } from '../histograms/reset-detection.ts';

interface Transitions {
  readonly floats: (before: number, after: number) => boolean;
  readonly histograms: (before: HistogramValue, after: HistogramValue) => boolean;
}

/** Counts the pairs of neighbours that `is` accepts; a change between float and histogram always counts. */
function countTransitions(is: Transitions): RangeFunction {
  let count = 0;
  let before: number | HistogramValue | null = null;
  return (window) => {
    const { times, values, histogramTimes, histograms, partTo, histogramPartTo } = window;
    if (window.isFirstPart) {
      count = 0;
      before = null;
    }
    let float = window.partFrom;
    let histogram = window.histogramPartFrom;
    let last = before;
    while (float < partTo || histogram < histogramPartTo) {
      const takesFloat =
        histogram >= histogramPartTo ||
        (float < partTo && (times[float] ?? 0) < (histogramTimes[histogram] ?? 0));
      const after: number | HistogramValue = takesFloat
        ? (values[float++] ?? NaN)
        : (histograms[histogram++] ?? NaN);
      if (last !== null && isTransition(last, after, is)) count++;
      last = after;
    }
    before = last;
    window.value = count;
    return FLOAT;
  };
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

export const resets: RangeFunctionMaker = () => countTransitions(RESETS);
export const changes: RangeFunctionMaker = () => countTransitions(CHANGES);
