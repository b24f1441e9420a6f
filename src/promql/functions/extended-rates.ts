import type { RangeFunction, RangeFunctionMaker, RangeWindow } from '../evaluation/range-window.ts';
import { evaluationError } from '../evaluation/query-error.ts';
import { ABSENT, FLOAT } from '../evaluation/vector-table.ts';
import type { Boundary } from '../syntax/ast.ts';
import { extendedHistogramGrowth } from './extended-histograms.ts';
import {
  endsOf,
  skipToAnchor,
  valuesAtEnds,
  withinEnds,
  type EndValues,
  type ExtendedKind,
  type Range,
  type RangeEnds,
} from './range-ends.ts';
import { changes, resets } from './transitions.ts';

const KINDS: ReadonlyMap<string, Omit<ExtendedKind, 'boundary'>> = new Map([
  ['delta', { nature: 'gauge', isPerSecond: false }],
  ['increase', { nature: 'counter', isPerSecond: false }],
  ['rate', { nature: 'counter', isPerSecond: true }],
]);

const ANCHORED_TRANSITIONS: ReadonlyMap<string, RangeFunctionMaker> = new Map([
  ['changes', () => fromAnchor(changes())],
  ['resets', () => fromAnchor(resets())],
]);

/** The functions that know the modifier, in the order in which they are named where another is used. */
const KNOWN: Readonly<Record<Boundary, readonly string[]>> = {
  anchored: ['changes', 'delta', 'increase', 'rate', 'resets'],
  smoothed: ['delta', 'increase', 'rate'],
};

/** A function of anchored or smoothed range vectors. @throws OmoiError `query_failed` for one that takes none */
export function extendedFunctionOf(name: string, boundary: Boundary): RangeFunctionMaker {
  const kind = KINDS.get(name);
  if (kind) return () => growthBetweenEnds({ ...kind, boundary });
  const transitions = boundary === 'anchored' ? ANCHORED_TRANSITIONS.get(name) : undefined;
  if (transitions) return transitions;
  throw evaluationError(
    `${boundary} modifier can only be used with: ${KNOWN[boundary].join(', ')} - not with ${name}`,
  );
}

/** A function of the samples from a window's anchor on. */
export function fromAnchor(count: RangeFunction): RangeFunction {
  let isFound = false;
  return (window) => {
    if (window.isFirstPart) isFound = skipToAnchor(window);
    return isFound ? count(window) : ABSENT;
  };
}

/** What a counter loses at its resets, over the parts of a window. */
interface Progress {
  readonly ends: RangeEnds;
  readonly values: EndValues;
  readonly within: { readonly from: number; readonly to: number };
  lost: number;
  previous: number;
}

/** The growth from the value at the range's start to that at its end; nothing is extrapolated. */
function growthBetweenEnds(kind: ExtendedKind): RangeFunction {
  let progress: Progress | null = null;
  return (window) => {
    const { histogramCount, floatCount } = window;
    if (histogramCount > 0) {
      if (!window.isLastPart) return ABSENT;
      if (floatCount === 0) return extendedHistogramGrowth(window, kind);
      window.annotations.mixedFloatsAndHistograms(window.metricName, window.position);
      return ABSENT;
    }
    if (window.isFirstPart) progress = begin(window, kind);
    if (!progress) return ABSENT;
    if (kind.nature === 'counter') addResets(progress, window);
    if (!window.isLastPart) return ABSENT;
    const growth = growthOf(progress, kind);
    window.value = kind.isPerSecond ? growth / window.rangeSeconds : growth;
    return FLOAT;
  };
}

function rangeOf({ rangeStartMs, rangeEndMs }: RangeWindow): Range {
  return { startMs: rangeStartMs, endMs: rangeEndMs };
}

function begin(window: RangeWindow, { boundary, nature }: ExtendedKind): Progress | null {
  const range = rangeOf(window);
  const ends = endsOf(window, range, boundary);
  if (!ends) return null;
  const values = valuesAtEnds(window, ends, { range, boundary, isCounter: nature === 'counter' });
  return { ends, values, within: withinEnds(window, ends, range), lost: 0, previous: values.left };
}

/** Adds what was lost within the window's present part, one by one, as the order decides which digits are lost. */
function addResets(progress: Progress, { values, partFrom, partTo }: RangeWindow): void {
  const { within } = progress;
  const to = Math.min(within.to, partTo);
  let { lost, previous } = progress;
  for (let at = Math.max(within.from, partFrom); at < to; at++) {
    const value = values[at] ?? NaN;
    if (value < previous) lost += previous;
    previous = value;
  }
  progress.lost = lost;
  progress.previous = previous;
}

function growthOf({ values: { left, right }, lost, previous }: Progress, { nature }: ExtendedKind): number {
  if (nature === 'gauge') return right - left;
  return right - left + (right < previous ? lost + previous : lost);
}
