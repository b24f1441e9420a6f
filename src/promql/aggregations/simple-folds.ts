import { ABSENT, FLOAT, HISTOGRAM, VectorTable } from '../evaluation/vector-table.ts';
import { withRoomFor, type FoldOptions, type GroupFold } from './fold.ts';

/** How many samples each group has. */
export class Counts implements GroupFold {
  readonly output: VectorTable;

  constructor(stepCount: number) {
    this.output = new VectorTable(stepCount, 1);
  }

  add({ stepCount, kinds }: VectorTable, row: number, group: number): void {
    const { output } = this;
    const from = row * stepCount;
    const to = group * stepCount;
    for (let step = 0; step < stepCount; step++) {
      if (kinds[from + step] !== ABSENT) output.setFloat(to + step, (output.values[to + step] ?? 0) + 1);
    }
  }

  finish(): void {}
}

/** `group`: 1 wherever the group has a sample. */
export class Marks implements GroupFold {
  readonly output: VectorTable;

  constructor(stepCount: number) {
    this.output = new VectorTable(stepCount, 1);
  }

  add({ stepCount, kinds }: VectorTable, row: number, group: number): void {
    for (let step = 0; step < stepCount; step++) {
      if (kinds[row * stepCount + step] !== ABSENT) this.output.setFloat(group * stepCount + step, 1);
    }
  }

  finish(): void {}
}

/** `min` or `max` of the floats; NaN only where nothing else is there. */
export class Extremes implements GroupFold {
  readonly output: VectorTable;
  readonly #which: 'min' | 'max';
  readonly #options: FoldOptions;

  constructor(which: 'min' | 'max', stepCount: number, options: FoldOptions) {
    this.output = new VectorTable(stepCount, 1);
    this.#which = which;
    this.#options = options;
  }

  add({ stepCount, kinds, values }: VectorTable, row: number, group: number): void {
    const { output } = this;
    const isMax = this.#which === 'max';
    const from = row * stepCount;
    const to = group * stepCount;
    for (let step = 0; step < stepCount; step++) {
      const kind = kinds[from + step];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        this.#options.annotations.histogramIgnoredInAggregation(this.#which, this.#options.position);
        continue;
      }
      const value = values[from + step] ?? NaN;
      const best = output.values[to + step] ?? NaN;
      const isFirst = output.kinds[to + step] === ABSENT;
      const isBetter = isMax ? value > best : value < best;
      if (isFirst || isBetter || Number.isNaN(best)) output.setFloat(to + step, value);
    }
  }

  finish(): void {}
}

/** Variance or its root over the floats of each group (Welford's method). */
export class Deviations implements GroupFold {
  readonly output: VectorTable;
  readonly #which: 'stdvar' | 'stddev';
  readonly #options: FoldOptions;
  #counts = new Float64Array(0);
  #means = new Float64Array(0);
  #squares = new Float64Array(0);

  constructor(which: 'stdvar' | 'stddev', stepCount: number, options: FoldOptions) {
    this.output = new VectorTable(stepCount, 1);
    this.#which = which;
    this.#options = options;
  }

  add({ stepCount, kinds, values }: VectorTable, row: number, group: number): void {
    const from = row * stepCount;
    const to = group * stepCount;
    this.#counts = withRoomFor(this.#counts, to + stepCount);
    this.#means = withRoomFor(this.#means, to + stepCount);
    this.#squares = withRoomFor(this.#squares, to + stepCount);
    for (let step = 0; step < stepCount; step++) {
      const kind = kinds[from + step];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        this.#options.annotations.histogramIgnoredInAggregation(this.#which, this.#options.position);
        continue;
      }
      this.#addValue(to + step, values[from + step] ?? NaN);
    }
  }

  finish(): void {
    const { output } = this;
    for (let cell = 0; cell < output.rowCount * output.stepCount; cell++) {
      const variance = (this.#squares[cell] ?? 0) / (this.#counts[cell] ?? 1);
      output.values[cell] = this.#which === 'stddev' ? Math.sqrt(variance) : variance;
    }
  }

  #addValue(cell: number, value: number): void {
    const count = (this.#counts[cell] ?? 0) + 1;
    this.#counts[cell] = count;
    this.output.kinds[cell] = FLOAT;
    if (count === 1) {
      this.#means[cell] = value;
      this.#squares[cell] = Number.isFinite(value) ? 0 : NaN;
      return;
    }
    const delta = value - (this.#means[cell] ?? 0);
    const mean = (this.#means[cell] ?? 0) + delta / count;
    this.#means[cell] = mean;
    this.#squares[cell] = (this.#squares[cell] ?? 0) + delta * (value - mean);
  }
}
