import type { Steps } from '../evaluation/pacing.ts';
import { HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';
import type { Position } from '../syntax/position.ts';
import { isPresent, rowsByGroup, tableOfGroups, type GroupedRows } from './grouped-rows.ts';
import type { FoldOptions } from './fold.ts';
import { numbersFirst, partAt } from './order-statistics.ts';
import { followerInSteps, numbersFirstInSteps, selectInSteps } from './large-samples.ts';

/** What is parted in one go: some milliseconds. */
const MAX_SAMPLES_AT_ONCE = 100_000;

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
      const present = sample.subarray(0, count);
      const value =
        count > MAX_SAMPLES_AT_ONCE
          ? yield* quantileInSteps(phi[step] ?? NaN, present)
          : quantileOf(phi[step] ?? NaN, present);
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
  const { place, isLast, weight } = rankOf(phi, { numbers, count });
  if (place < 0) return NaN;
  partAt(sample.subarray(0, numbers), place);
  const least = sample[place] ?? NaN;
  let next = isLast ? least : Infinity;
  for (let at = place + 1; at < numbers; at++) next = Math.min(next, sample[at] ?? NaN);
  return least * (1 - weight) + next * weight;
}

/** As `quantileOf`, for a sample that is too large for one go. */
export function* quantileInSteps(phi: number, sample: Float64Array): Steps<number> {
  const count = sample.length;
  if (count === 0 || !(phi >= 0 && phi <= 1)) return quantileOf(phi, sample);
  const numbers = yield* numbersFirstInSteps(sample);
  const { place, isLast, weight } = rankOf(phi, { numbers, count });
  if (place < 0) return NaN;
  const all = sample.subarray(0, numbers);
  const least = yield* selectInSteps(all, place);
  const next = isLast ? least : yield* followerInSteps(all, least, place);
  return least * (1 - weight) + next * weight;
}

interface Rank {
  /** Among the numbers, from 0; negative where a NaN has that rank. */
  readonly place: number;
  /** Whether no other follows. */
  readonly isLast: boolean;
  /** Of the one that follows. */
  readonly weight: number;
}

function rankOf(phi: number, { numbers, count }: { readonly numbers: number; readonly count: number }): Rank {
  const rank = phi * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  return { place: lower - (count - numbers), isLast: lower === count - 1, weight: rank - Math.floor(rank) };
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
