import { ABSENT, FLOAT, type VectorTable } from '../evaluation/vector-table.ts';
import { greater, smaller } from '../evaluation/arithmetic.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';

/** Functions that compute one float from another. */
export const FLOAT_FUNCTIONS: ReadonlyMap<string, (value: number) => number> = new Map([
  ['abs', Math.abs],
  ['ceil', Math.ceil],
  ['floor', Math.floor],
  ['exp', Math.exp],
  ['sqrt', Math.sqrt],
  ['ln', Math.log],
  ['log2', Math.log2],
  ['log10', Math.log10],
  ['sin', Math.sin],
  ['cos', Math.cos],
  ['tan', Math.tan],
  ['asin', Math.asin],
  ['acos', Math.acos],
  ['atan', Math.atan],
  ['sinh', Math.sinh],
  ['cosh', Math.cosh],
  ['tanh', Math.tanh],
  ['asinh', Math.asinh],
  ['acosh', Math.acosh],
  ['atanh', Math.atanh],
  ['deg', (value: number) => (value * 180) / Math.PI],
  ['rad', (value: number) => (value * Math.PI) / 180],
  ['sgn', (value: number) => (value < 0 ? -1 : value > 0 ? 1 : value)],
]);

/** Replaces every float by what `compute` makes of it; histograms fall away, and so do metric names. */
export function mapFloats(table: VectorTable, compute: (value: number, step: number) => number): Steps<void> {
  const { stepCount, kinds, values } = table;
  return byRows(table, (row) => {
    table.dropsName[row] = true;
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      if (kinds[cell] === FLOAT) values[cell] = compute(values[cell] ?? NaN, step);
      else kinds[cell] = ABSENT;
    }
  });
}

/** Rounds to the nearest multiple, halves up. Works with the inverse, which loses less precision. */
export function round(table: VectorTable, nearest: Float64Array | undefined): Steps<void> {
  return mapFloats(table, (value, step) => {
    const inverse = 1 / (nearest?.[step] ?? 1);
    return Math.floor(value * inverse + 0.5) / inverse;
  });
}

/** Holds floats between bounds, one pair a step; at a step whose bounds cross, nothing is left. */
export function* clamp(
  table: VectorTable,
  least: Float64Array | null,
  most: Float64Array | null,
): Steps<void> {
  yield* mapFloats(table, (value, step) =>
    greater(least?.[step] ?? -Infinity, smaller(most?.[step] ?? Infinity, value)),
  );
  if (!least || !most) return;
  for (let step = 0; step < table.stepCount; step++) {
    if (!((most[step] ?? NaN) < (least[step] ?? NaN))) continue;
    for (let row = 0; row < table.rowCount; row++) table.kinds[row * table.stepCount + step] = ABSENT;
  }
}
