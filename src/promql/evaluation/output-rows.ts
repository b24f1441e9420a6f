import type { Labels } from '#telemetry';
import { hasMetadata, keyOf } from './label-sets.ts';
import { byRows, type Steps } from './pacing.ts';
import { DUPLICATE_LABELS, evaluationError } from './query-error.ts';
import { ABSENT, VectorTable } from './vector-table.ts';

/** A table whose rows are found by their labels: what several inputs yield for one label set shares a row. */
export class OutputRows {
  readonly table: VectorTable;
  readonly #cells = new Map<string, number>();

  constructor(stepCount: number, rowCapacity: number) {
    this.table = new VectorTable(stepCount, rowCapacity);
  }

  /** The first cell of the row of a label set, which is added when it is new. */
  rowOf(labels: Labels, dropsName: boolean): number {
    const key = rowKey(labels, dropsName);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = this.table.addRow(labels, dropsName);
      this.#cells.set(key, cell);
    }
    return cell;
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

/** A name that is due to be removed tells a row from one that keeps the same name: in the end they differ. */
function rowKey(labels: Labels, dropsName: boolean): string {
  const key = keyOf(labels);
  return dropsName && hasMetadata(labels) ? `${key}\0` : key;
}

/** The table with rows of equal labels made one. @throws `query_failed` where both have a sample at a step */
export function* mergeEqualRows(table: VectorTable): Steps<VectorTable> {
  const seen = new Set<string>();
  yield* byRows(table, (row) => {
    seen.add(rowKey(table.labels[row] ?? {}, table.dropsName[row] ?? false));
  });
  if (seen.size === table.rowCount) return table;
  const rows = new OutputRows(table.stepCount, seen.size);
  yield* byRows(table, (row) => {
    rows.merge(table.labels[row] ?? {}, table, row);
  });
  return rows.table;
}
