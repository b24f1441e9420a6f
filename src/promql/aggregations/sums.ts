import type { HistogramValue } from '#telemetry';
import { nextCompensation } from '../evaluation/kahan.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { metricNameOf } from '../evaluation/label-sets.ts';
import { ABSENT, FLOAT, HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';
import { HistogramMean, HistogramTotal, type HistogramFold } from '../histograms/totals.ts';
import { tableOfGroups, type GroupedRows } from './grouped-rows.ts';
import type { FoldOptions } from './simple-folds.ts';

/** The sum of each group with compensated summation. Groups that mix floats and histograms have none. */
export function* sums(grouped: GroupedRows, options: FoldOptions): Steps<VectorTable> {
  const { input, groupOfRow } = grouped;
  const { stepCount, kinds, values } = input;
  const output = tableOfGroups(grouped);
  const compensations = new Float64Array(output.rowCount * stepCount);
  const folds = new HistogramFolds(output, () => new HistogramTotal(), options);
  yield* byRows(input, (row) => {
    const from = row * stepCount;
    const to = (groupOfRow[row] ?? 0) * stepCount;
    for (let step = 0; step < stepCount; step++) {
      const kind = kinds[from + step];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        folds.add(to + step, input.histogramAt(from + step), metricNameOf(input.labels[row] ?? {}));
        continue;
      }
      if (folds.isBroken(to + step)) continue;
      const value = values[from + step] ?? NaN;
      if (output.kinds[to + step] === ABSENT) {
        output.setFloat(to + step, value);
        continue;
      }
      const sum = output.values[to + step] ?? 0;
      compensations[to + step] = nextCompensation(sum, value, compensations[to + step] ?? 0);
      output.values[to + step] = sum + value;
    }
  });
  for (let cell = 0; cell < compensations.length; cell++) {
    output.values[cell] = (output.values[cell] ?? 0) + (compensations[cell] ?? 0);
  }
  folds.finish();
  return output;
}

/**
 * The mean of each group. The plain mean of a compensated sum is more precise than an incremental mean, but its
 * sum may overflow: from there on the mean is computed incrementally (prometheus/prometheus#16714).
 */
export function* means(grouped: GroupedRows, options: FoldOptions): Steps<VectorTable> {
  const { input, groupOfRow } = grouped;
  const { stepCount, kinds, values } = input;
  const output = tableOfGroups(grouped);
  const cells = output.rowCount * stepCount;
  const state = new MeanCells(cells);
  const folds = new HistogramFolds(output, () => new HistogramMean(), options);
  yield* byRows(input, (row) => {
    const from = row * stepCount;
    const to = (groupOfRow[row] ?? 0) * stepCount;
    for (let step = 0; step < stepCount; step++) {
      const kind = kinds[from + step];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        folds.add(to + step, input.histogramAt(from + step), metricNameOf(input.labels[row] ?? {}));
      } else if (!folds.isBroken(to + step)) {
        output.kinds[to + step] = FLOAT;
        state.add(to + step, values[from + step] ?? NaN);
      }
    }
  });
  for (let cell = 0; cell < cells; cell++) {
    if (output.kinds[cell] === FLOAT) output.values[cell] = state.mean(cell);
  }
  folds.finish();
  return output;
}

/** Running means in flat arrays. */
class MeanCells {
  readonly #counts: Float64Array;
  /** The sum, or the mean once `#incremental` is set. */
  readonly #totals: Float64Array;
  readonly #compensations: Float64Array;
  readonly #incremental: Uint8Array;

  constructor(cells: number) {
    this.#counts = new Float64Array(cells);
    this.#totals = new Float64Array(cells);
    this.#compensations = new Float64Array(cells);
    this.#incremental = new Uint8Array(cells);
  }

  add(cell: number, value: number): void {
    const count = (this.#counts[cell] ?? 0) + 1;
    this.#counts[cell] = count;
    const total = this.#totals[cell] ?? 0;
    const compensation = this.#compensations[cell] ?? 0;
    if (count === 1) {
      this.#totals[cell] = value;
      return;
    }
    let mean = total;
    let meanCompensation = compensation;
    if (this.#incremental[cell] === 0) {
      const sum = total + value;
      if (sum !== Infinity && sum !== -Infinity) {
        this.#totals[cell] = sum;
        this.#compensations[cell] = nextCompensation(total, value, compensation);
        return;
      }
      this.#incremental[cell] = 1;
      mean = total / (count - 1);
      meanCompensation = compensation / (count - 1);
    }
    const weight = (count - 1) / count;
    const share = value / count;
    this.#totals[cell] = weight * mean + share;
    this.#compensations[cell] = nextCompensation(weight * mean, share, weight * meanCompensation);
  }

  mean(cell: number): number {
    const total = this.#totals[cell] ?? 0;
    const compensation = this.#compensations[cell] ?? 0;
    if (this.#incremental[cell] === 1) return total + compensation;
    const count = this.#counts[cell] ?? 1;
    return total / count + compensation / count;
  }
}

/** The histograms of an aggregation's groups, beside its floats. */
class HistogramFolds {
  readonly #folds = new Map<number, HistogramFold>();
  readonly #broken = new Set<number>();
  readonly #output: VectorTable;
  readonly #create: () => HistogramFold;
  readonly #options: FoldOptions;

  constructor(output: VectorTable, create: () => HistogramFold, options: FoldOptions) {
    this.#output = output;
    this.#create = create;
    this.#options = options;
  }

  add(cell: number, histogram: HistogramValue, metricName: string): void {
    if (this.#broken.has(cell)) return;
    let fold = this.#folds.get(cell);
    if (!fold) {
      fold = this.#create();
      this.#folds.set(cell, fold);
    }
    if (fold.add(histogram)) return;
    this.#options.annotations.mixedExponentialAndCustomBuckets(metricName, this.#options.position);
    this.#broken.add(cell);
  }

  /** Whether histograms of a cell did not go together: then nothing counts any more. */
  isBroken(cell: number): boolean {
    return this.#broken.has(cell);
  }

  finish(): void {
    const { annotations, position } = this.#options;
    for (const [cell, fold] of this.#folds) {
      if (fold.boundsReconciled) annotations.customBucketsReconciled('aggregation', position);
      if (this.#output.kinds[cell] === FLOAT) {
        annotations.mixedFloatsAndHistogramsInAggregation(position);
        this.#output.kinds[cell] = ABSENT;
      } else if (!this.#broken.has(cell)) {
        if (fold.counterResetCollision) annotations.counterResetCollision('aggregation', position);
        this.#output.setHistogram(cell, fold.result());
      }
    }
  }
}
