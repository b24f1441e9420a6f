import type { HistogramValue } from '#telemetry';
import { ABSENT, FLOAT, type VectorTable } from '../evaluation/vector-table.ts';
import type { HistogramFold } from '../histograms/totals.ts';
import type { FoldOptions } from './fold.ts';

/** The histograms of an aggregation's groups, beside its floats. */
export class HistogramFolds {
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
    return this.#broken.size > 0 && this.#broken.has(cell);
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
