import type { Labels } from '#telemetry';
import { NumbersByOthers } from './grouping.ts';
import { hasMetadata } from './label-sets.ts';
import { byRows, type Steps } from './pacing.ts';
import { DUPLICATE_LABELS, evaluationError } from './query-error.ts';
import { ABSENT, VectorTable } from './vector-table.ts';

const NOTHING: ReadonlySet<string> = new Set();

/** A table whose rows are found by their labels: what several inputs yield for one label set shares a row. */
export class OutputRows {
  readonly table: VectorTable;
  readonly #numbers = new RowNumbers();
  /** The first cell of the row with each number. */
  readonly #cells: number[] = [];

  constructor(stepCount: number, rowCapacity: number) {
    this.table = new VectorTable(stepCount, rowCapacity);
  }

  /** The first cell of the row of a label set, which is added when it is new. */
  rowOf(labels: Labels, dropsName: boolean): number {
    const number = this.#numbers.numberOf(labels, dropsName);
    return (this.#cells[number] ??= this.table.addRow(labels, dropsName));
  }

  /** Copies a row's samples into the row of a label set. @throws `query_failed` where both have one at a step */
  merge(labels: Labels, source: VectorTable, row: number): void {
    const to = this.rowOf(labels, source.dropsName[row] ?? false);
    const from = row * source.stepCount;
    for (let step = 0; step < source.stepCount; step++) {
      if (source.kinds[from + step] === ABSENT) continue;
      this.assertFree(to + step);
      this.table.copyCell(to + step, source, from + step);
    }
  }

  /** @throws OmoiError `query_failed` where the cell already holds a sample */
  assertFree(cell: number): void {
    if (this.table.kinds[cell] !== ABSENT) throw evaluationError(DUPLICATE_LABELS);
  }
}

/**
 * Numbers rows by their labels. A name that is due to be removed tells a row from one that keeps the same name: in the
 * end they differ.
 */
class RowNumbers {
  readonly #kept = new NumbersByOthers(NOTHING);
  #dropping: NumbersByOthers | null = null;

  get count(): number {
    return this.#kept.count + (this.#dropping?.count ?? 0);
  }

  numberOf(labels: Labels, dropsName: boolean): number {
    if (!dropsName || !hasMetadata(labels)) return 2 * this.#kept.numberOf(labels);
    this.#dropping ??= new NumbersByOthers(NOTHING);
    return 2 * this.#dropping.numberOf(labels) + 1;
  }
}

/** The table with rows of equal labels made one. @throws `query_failed` where both have a sample at a step */
export function* mergeEqualRows(table: VectorTable): Steps<VectorTable> {
  const seen = new RowNumbers();
  yield* byRows(table, (row) => {
    seen.numberOf(table.labels[row] ?? {}, table.dropsName[row] ?? false);
  });
  if (seen.count === table.rowCount) return table;
  const rows = new OutputRows(table.stepCount, seen.count);
  yield* byRows(table, (row) => {
    rows.merge(table.labels[row] ?? {}, table, row);
  });
  return rows.table;
}
