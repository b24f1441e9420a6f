import type { Steps } from '../evaluation/pacing.ts';
import { HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';
import type { Position } from '../syntax/position.ts';
import { isPresent, rowsByGroup, tableOfGroups, type GroupedRows } from './grouped-rows.ts';
import type { FoldOptions } from './fold.ts';
import { numbersFirst, partAt } from './order-statistics.ts';

/** The φ-quantile of each group, φ being one value a step. */
export function* quantiles(
  phi: Float64Array,
  grouped: GroupedRows,
  options: FoldOptions & { readonly parameterPosition: Position },
): Steps<VectorTable> {
  const { input } = grouped;
  const output = tableOfGroups(grouped);
  for (const invalid of invalidQuantiles(phi)) {
    options.annotations.invalidQuantile(invalid, options.parameterPosition);
  }
  const sample = new Float64Array(input.rowCount);
  for (const [group, rows] of rowsByGroup(grouped).entries()) {
    for (let step = 0; step < input.stepCount; step++) {
      let count = 0;
      for (const row of rows) {
        if (!isPresent(input, row, step)) continue;
        const cell = row * input.stepCount + step;
        if (input.kinds[cell] === HISTOGRAM) {
          options.annotations.histogramIgnoredInAggregation('quantile', options.position);
        } else sample[count++] = input.values[cell] ?? NaN;
      }
      if (count === 0) continue;
      const value = quantileOf(phi[step] ?? NaN, sample.subarray(0, count));
      output.setFloat(group * input.stepCount + step, value);
      yield;
    }
  }
  return output;
}

/**
 * The φ-quantile of a sample by linear interpolation between the nearest ranks; NaN counts as the smallest value.
 * −∞ for φ < 0, +∞ for φ > 1, NaN for no values. Reorders the array.
 */
export function quantileOf(phi: number, sample: Float64Array): number {
  const count = sample.length;
  if (count === 0 || Number.isNaN(phi)) return NaN;
  if (phi < 0) return -Infinity;
  if (phi > 1) return Infinity;
  const numbers = numbersFirst(sample);
  const nans = count - numbers;
  const rank = phi * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  if (lower < nans) return NaN;
  const place = lower - nans;
  partAt(sample.subarray(0, numbers), place);
  const least = sample[place] ?? NaN;
  let next = upper === lower ? least : Infinity;
  for (let at = place + 1; at < numbers; at++) next = Math.min(next, sample[at] ?? NaN);
  return least * (1 - weight) + next * weight;
}

/** What of φ's values is worth a warning: NaN, the greatest above 1, the least below 0. */
function invalidQuantiles(phi: Float64Array): readonly number[] {
  const above = phi.reduce((most, value) => (value > most ? value : most), 1);
  const below = phi.reduce((least, value) => (value < least ? value : least), 0);
  return [
    ...(phi.some(Number.isNaN) ? [NaN] : []),
    ...(above > 1 ? [above] : []),
    ...(below < 0 ? [below] : []),
  ];
}
