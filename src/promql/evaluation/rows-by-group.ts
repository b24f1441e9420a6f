import { byRows, type Steps } from './pacing.ts';

/** The rows of each group, in order, in two flat arrays. */
export interface RowsByGroup {
  /** Where each group's rows begin in `rows`, and behind the last group their end. */
  readonly starts: Int32Array;
  readonly rows: Int32Array;
}

/** Sorts rows by their groups, which are numbered from 0 to `groupCount` − 1. */
export function* sortByGroup(groupOfRow: Int32Array, groupCount: number): Steps<RowsByGroup> {
  const table = { rowCount: groupOfRow.length, stepCount: 1 };
  const starts = new Int32Array(groupCount + 1);
  yield* byRows(table, (row) => {
    const group = groupOfRow[row] ?? 0;
    starts[group + 1] = (starts[group + 1] ?? 0) + 1;
  });
  for (let group = 0; group < groupCount; group++) {
    starts[group + 1] = (starts[group + 1] ?? 0) + (starts[group] ?? 0);
  }
  const next = starts.slice();
  const rows = new Int32Array(groupOfRow.length);
  yield* byRows(table, (row) => {
    const group = groupOfRow[row] ?? 0;
    const at = next[group] ?? 0;
    rows[at] = row;
    next[group] = at + 1;
  });
  return { starts, rows };
}

/** The rows of one group. */
export function rowsOfGroup({ starts, rows }: RowsByGroup, group: number): Int32Array {
  return rows.subarray(starts[group], starts[group + 1]);
}
