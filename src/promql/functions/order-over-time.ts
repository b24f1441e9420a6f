import { quantileInSteps, quantileOf } from '../aggregations/quantiles.ts';
import { byBlocks, type Steps } from '../evaluation/pacing.ts';
import type { RangeFunction, RangeWindow } from '../evaluation/range-window.ts';
import { ABSENT, FLOAT, type SampleKind } from '../evaluation/vector-table.ts';
import { hasFloatsOnly } from './over-time.ts';

/** A function of the order of a window's samples, which no part of them tells. */
export interface OrderFunction {
  readonly compute: RangeFunction;
  /** The same for a window that is too large for one go. */
  readonly computeInSteps: (window: RangeWindow) => Steps<SampleKind>;
}

/** The floats of a window and the φ that is asked for; null where it has none. */
function beginQuantile(window: RangeWindow): number | null {
  if (window.floatCount === 0) return null;
  const phi = window.scalar(0);
  if (!(phi >= 0 && phi <= 1)) window.annotations.invalidQuantile(phi, window.position);
  hasFloatsOnly(window);
  return phi;
}

const quantileOverTime: OrderFunction = {
  compute(window) {
    const phi = beginQuantile(window);
    if (phi === null) return ABSENT;
    window.value = quantileOf(phi, window.values.slice(window.from, window.to));
    return FLOAT;
  },
  *computeInSteps(window) {
    const phi = beginQuantile(window);
    if (phi === null) return ABSENT;
    window.value = yield* quantileInSteps(phi, yield* floatsOf(window));
    return FLOAT;
  },
};

/** The median of the distances from the median; NaN where the window has a NaN. */
const madOverTime: OrderFunction = {
  compute(window) {
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
  },
  *computeInSteps(window) {
    if (!hasFloatsOnly(window)) return ABSENT;
    const sample = yield* floatsOf(window);
    let hasNaN = false;
    yield* byBlocks(sample.length, (from, to) => {
      hasNaN ||= sample.subarray(from, to).some(Number.isNaN);
    });
    if (hasNaN) {
      window.value = NaN;
      return FLOAT;
    }
    const median = yield* quantileInSteps(0.5, sample);
    yield* byBlocks(sample.length, (from, to) => {
      for (let at = from; at < to; at++) sample[at] = Math.abs((sample[at] ?? 0) - median);
    });
    window.value = yield* quantileInSteps(0.5, sample);
    return FLOAT;
  },
};

/** A copy of the window's floats. */
function* floatsOf(window: RangeWindow): Steps<Float64Array> {
  const floats = window.values.subarray(window.from, window.to);
  const copy = new Float64Array(floats.length);
  yield* byBlocks(floats.length, (from, to) => copy.set(floats.subarray(from, to), from));
  return copy;
}

export const ORDER_FUNCTIONS: ReadonlyMap<string, OrderFunction> = new Map([
  ['quantile_over_time', quantileOverTime],
  ['mad_over_time', madOverTime],
]);
