import { nextCompensation } from '../evaluation/kahan.ts';
import { metricNameOf } from '../evaluation/label-sets.ts';
import { ABSENT, FLOAT, HISTOGRAM, VectorTable } from '../evaluation/vector-table.ts';
import { HistogramTotal } from '../histograms/totals.ts';
import { withRoomFor, type FoldOptions, type GroupFold } from './fold.ts';
import { HistogramFolds } from './histogram-folds.ts';

/** The sum of each group with compensated summation. Groups that mix floats and histograms have none. */
export class Sums implements GroupFold {
  readonly output: VectorTable;
  #compensations = new Float64Array(0);
  readonly #folds: HistogramFolds;

  constructor(stepCount: number, options: FoldOptions) {
    this.output = new VectorTable(stepCount, 1);
    this.#folds = new HistogramFolds(this.output, () => new HistogramTotal(), options);
  }

  add(input: VectorTable, row: number, group: number): void {
    const { stepCount, kinds, values } = input;
    const from = row * stepCount;
    const to = group * stepCount;
    this.#compensations = withRoomFor(this.#compensations, to + stepCount);
    const compensations = this.#compensations;
    const { kinds: found, values: totals } = this.output;
    for (let step = 0; step < stepCount; step++) {
      const kind = kinds[from + step];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        this.#folds.add(to + step, input.histogramAt(from + step), metricNameOf(input.labels[row] ?? {}));
        continue;
      }
      if (this.#folds.isBroken(to + step)) continue;
      const value = values[from + step] ?? NaN;
      if (found[to + step] === ABSENT) {
        found[to + step] = FLOAT;
        totals[to + step] = value;
        continue;
      }
      const sum = totals[to + step] ?? 0;
      compensations[to + step] = nextCompensation(sum, value, compensations[to + step] ?? 0);
      totals[to + step] = sum + value;
    }
  }

  finish(): void {
    const { output } = this;
    for (let cell = 0; cell < output.rowCount * output.stepCount; cell++) {
      output.values[cell] = (output.values[cell] ?? 0) + (this.#compensations[cell] ?? 0);
    }
    this.#folds.finish();
  }
}
