import type { HistogramValue, Labels } from '#telemetry';
import { byRows, type Steps } from './pacing.ts';

/** What stands in a cell of a table. */
export const ABSENT = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;
export type SampleKind = typeof ABSENT | typeof FLOAT | typeof HISTOGRAM;

/** The times an expression is evaluated at: `stepCount` times from `startMs` on, `stepMs` apart. */
export interface StepGrid {
  readonly startMs: number;
  /** As asked for: it may lie behind the last step. */
  readonly endMs: number;
  readonly stepMs: number;
  readonly stepCount: number;
}

export function timeAt(grid: StepGrid, step: number): number {
  return grid.startMs + step * grid.stepMs;
}

export function endOf(grid: StepGrid): number {
  return timeAt(grid, Math.max(0, grid.stepCount - 1));
}

/**
 * An instant vector at every step of a grid: one row a series, one column a step, in flat arrays (row by row), so
 * that nothing is allocated for a sample. A row may be empty; rows of a finished evaluation are not.
 */
export class VectorTable {
  readonly stepCount: number;
  labels: Labels[] = [];
  /** True where the metric name is to be removed from the row's labels when the whole query is through. */
  readonly dropsName: boolean[] = [];
  values: Float64Array;
  /** A `SampleKind` a cell. */
  kinds: Uint8Array;
  /** The histograms by cell; null while there are none. */
  histograms: Map<number, HistogramValue> | null = null;

  constructor(stepCount: number, rowCapacity: number) {
    this.stepCount = stepCount;
    this.values = new Float64Array(stepCount * rowCapacity);
    this.kinds = new Uint8Array(stepCount * rowCapacity);
  }

  /** A table of one step with a float in every row, copied as a whole: instant queries are often just that. */
  static ofFloats(labels: readonly Labels[], values: Float64Array): VectorTable {
    const table = new VectorTable(1, 0);
    table.labels = labels.slice();
    table.values = values.slice();
    table.kinds = new Uint8Array(labels.length).fill(FLOAT);
    return table;
  }

  get rowCount(): number {
    return this.labels.length;
  }

  /** Adds an empty row and answers its first cell. */
  addRow(labels: Labels, dropsName: boolean): number {
    const cell = this.labels.length * this.stepCount;
    if (dropsName) this.dropsName[this.labels.length] = true;
    this.labels.push(labels);
    if (cell + this.stepCount > this.values.length) this.#grow(cell + this.stepCount);
    return cell;
  }

  /** Takes the last row away again; its cells must be empty. */
  dropLastRow(): void {
    this.labels.pop();
    this.dropsName.length = Math.min(this.dropsName.length, this.labels.length);
  }

  /** Takes all rows away, to be filled anew. */
  clear(): void {
    this.kinds.fill(ABSENT, 0, this.rowCount * this.stepCount);
    this.labels = [];
    this.dropsName.length = 0;
    this.histograms = null;
  }

  setFloat(cell: number, value: number): void {
    this.values[cell] = value;
    this.kinds[cell] = FLOAT;
  }

  setHistogram(cell: number, histogram: HistogramValue): void {
    this.histograms ??= new Map();
    this.histograms.set(cell, histogram);
    this.kinds[cell] = HISTOGRAM;
  }

  /** The histogram of a cell whose kind is HISTOGRAM. */
  histogramAt(cell: number): HistogramValue {
    const histogram = this.histograms?.get(cell);
    if (!histogram) throw new Error(`cell ${cell} holds no histogram`);
    return histogram;
  }

  /** Copies a cell of another table, whatever it holds. */
  copyCell(cell: number, source: VectorTable, sourceCell: number): void {
    const kind = source.kinds[sourceCell];
    if (kind === FLOAT) this.setFloat(cell, source.values[sourceCell] ?? NaN);
    else if (kind === HISTOGRAM) this.setHistogram(cell, source.histogramAt(sourceCell));
  }

  /** Has the metric name removed from all rows in the end. */
  dropNames(): void {
    for (let row = 0; row < this.rowCount; row++) this.dropsName[row] = true;
  }

  /** Whether the row has a sample at any step. */
  hasSamples(row: number): boolean {
    const start = row * this.stepCount;
    for (let cell = start; cell < start + this.stepCount; cell++) {
      if (this.kinds[cell] !== ABSENT) return true;
    }
    return false;
  }

  /** A table of some of the rows, in the given order. */
  *pick(rows: readonly number[]): Steps<VectorTable> {
    const { stepCount } = this;
    const picked = new VectorTable(stepCount, rows.length);
    yield* byRows({ rowCount: rows.length, stepCount }, (place) => {
      const row = rows[place] ?? 0;
      const to = picked.addRow(this.labels[row] ?? {}, this.dropsName[row] ?? false);
      const from = row * stepCount;
      for (let step = 0; step < stepCount; step++) picked.copyCell(to + step, this, from + step);
    });
    return picked;
  }

  #grow(least: number): void {
    const length = Math.max(least, this.values.length * 2);
    const values = new Float64Array(length);
    values.set(this.values);
    const kinds = new Uint8Array(length);
    kinds.set(this.kinds);
    this.values = values;
    this.kinds = kinds;
  }
}

/** What an expression evaluated to. Range vectors only stand as arguments and are kept apart. */
export type Value =
  | { readonly type: 'scalar'; readonly values: Float64Array }
  | { readonly type: 'vector'; readonly table: VectorTable }
  | { readonly type: 'string'; readonly value: string };
