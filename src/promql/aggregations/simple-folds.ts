import type { Annotations } from '../annotations.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, FLOAT, HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';
import type { Position } from '../syntax/position.ts';
import { tableOfGroups, type GroupedRows } from './grouped-rows.ts';

/** Calls `fold` for every sample with its cell and the cell of its group in the output. */
function forEachSample(
  grouped: GroupedRows,
  fold: (inputCell: number, outputCell: number) => void,
): Steps<void> {
  const { input, groupOfRow } = grouped;
  const { stepCount, kinds } = input;
  return byRows(input, (row) => {
    const from = row * stepCount;
    const to = (groupOfRow[row] ?? 0) * stepCount;
    for (let step = 0; step < stepCount; step++) {
      if (kinds[from + step] !== ABSENT) fold(from + step, to + step);
    }
  });
}

export function* countSamples(grouped: GroupedRows): Steps<VectorTable> {
  const output = tableOfGroups(grouped);
  yield* forEachSample(grouped, (_, cell) => {
    output.setFloat(cell, (output.values[cell] ?? 0) + 1);
  });
  return output;
}

/** `group`: 1 wherever the group has a sample. */
export function* markGroups(grouped: GroupedRows): Steps<VectorTable> {
  const output = tableOfGroups(grouped);
  yield* forEachSample(grouped, (_, cell) => {
    output.setFloat(cell, 1);
  });
  return output;
}

export interface FoldOptions {
  readonly annotations: Annotations;
  /** Where the aggregated expression stands. */
  readonly position: Position;
}

/** `min` or `max` of the floats; NaN only where nothing else is there. */
export function* extremes(
  which: 'min' | 'max',
  grouped: GroupedRows,
  options: FoldOptions,
): Steps<VectorTable> {
  const { input } = grouped;
  const output = tableOfGroups(grouped);
  yield* forEachSample(grouped, (from, to) => {
    if (input.kinds[from] === HISTOGRAM) {
      options.annotations.histogramIgnoredInAggregation(which, options.position);
      return;
    }
    const value = input.values[from] ?? NaN;
    const best = output.values[to] ?? NaN;
    const isFirst = output.kinds[to] === ABSENT;
    const isBetter = which === 'max' ? value > best : value < best;
    if (isFirst || isBetter || Number.isNaN(best)) output.setFloat(to, value);
  });
  return output;
}

/** Variance or its root over the floats of each group (Welford's method). */
export function* deviations(
  which: 'stdvar' | 'stddev',
  grouped: GroupedRows,
  options: FoldOptions,
): Steps<VectorTable> {
  const { input } = grouped;
  const output = tableOfGroups(grouped);
  const cells = output.rowCount * output.stepCount;
  const counts = new Float64Array(cells);
  const means = new Float64Array(cells);
  const squares = new Float64Array(cells);
  yield* forEachSample(grouped, (from, to) => {
    if (input.kinds[from] === HISTOGRAM) {
      options.annotations.histogramIgnoredInAggregation(which, options.position);
      return;
    }
    const value = input.values[from] ?? NaN;
    const count = (counts[to] ?? 0) + 1;
    counts[to] = count;
    output.kinds[to] = FLOAT;
    if (count === 1) {
      means[to] = value;
      squares[to] = Number.isFinite(value) ? 0 : NaN;
      return;
    }
    const delta = value - (means[to] ?? 0);
    const mean = (means[to] ?? 0) + delta / count;
    means[to] = mean;
    squares[to] = (squares[to] ?? 0) + delta * (value - mean);
  });
  for (let cell = 0; cell < cells; cell++) {
    const variance = (squares[cell] ?? 0) / (counts[cell] ?? 1);
    output.values[cell] = which === 'stddev' ? Math.sqrt(variance) : variance;
  }
  return output;
}
