import { nextCompensation } from '../evaluation/kahan.ts';
import { metricNameOf } from '../evaluation/label-sets.ts';
import { ABSENT, FLOAT, HISTOGRAM, VectorTable } from '../evaluation/vector-table.ts';
import { HistogramMean } from '../histograms/totals.ts';
import { withRoomFor, type FoldOptions, type GroupFold } from './fold.ts';
import { HistogramFolds } from './histogram-folds.ts';

/**
 * The mean of each group. The plain mean of a compensated sum is more precise than an incremental mean, but its
 * sum may overflow: from there on the mean is computed incrementally (prometheus/prometheus#16714).
 */
export class Means implements GroupFold {
  readonly output: VectorTable;
  readonly #cells = new MeanCells();
  readonly #folds: HistogramFolds;

  constructor(stepCount: number, options: FoldOptions) {
    this.output = new VectorTable(stepCount, 1);
    this.#folds = new HistogramFolds(this.output, () => new HistogramMean(), options);
  }

  add(input: VectorTable, row: number, group: number): void {
    const { stepCount, kinds, values } = input;
    const from = row * stepCount;
    const to = group * stepCount;
    this.#cells.reserve(to + stepCount);
    const found = this.output.kinds;
    for (let step = 0; step < stepCount; step++) {
      const kind = kinds[from + step];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        this.#folds.add(to + step, input.histogramAt(from + step), metricNameOf(input.labels[row] ?? {}));
      } else if (!this.#folds.isBroken(to + step)) {
        found[to + step] = FLOAT;
        this.#cells.add(to + step, values[from + step] ?? NaN);
      }
    }
  }

  finish(): void {
    const { output } = this;
    for (let cell = 0; cell < output.rowCount * output.stepCount; cell++) {
      if (output.kinds[cell] === FLOAT) output.values[cell] = this.#cells.mean(cell);
    }
    this.#folds.finish();
  }
}

/** Running means in flat arrays. */
class MeanCells {
  #counts = new Float64Array(0);
  /** The sum, or the mean once `#incremental` is set. */
  #totals = new Float64Array(0);
  #compensations = new Float64Array(0);
  #incremental = new Float64Array(0);

  reserve(cells: number): void {
    this.#counts = withRoomFor(this.#counts, cells);
    this.#totals = withRoomFor(this.#totals, cells);
    this.#compensations = withRoomFor(this.#compensations, cells);
    this.#incremental = withRoomFor(this.#incremental, cells);
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
