import type { Labels } from '#telemetry';
import { Grouping } from '../evaluation/grouping.ts';
import { byRows, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, VectorTable } from '../evaluation/vector-table.ts';
import type { Aggregation } from '../syntax/ast.ts';

/** Which output group each input row belongs to. */
export interface GroupedRows {
  readonly input: VectorTable;
  readonly groupOfRow: Int32Array;
  /** The labels of each group. */
  readonly labels: readonly Labels[];
  /** Whether a row of the group is due to lose its metric name. */
  readonly dropsName: readonly boolean[];
}

export function* groupRows(input: VectorTable, { grouping, without }: Aggregation): Steps<GroupedRows> {
  const groups = new Grouping(grouping, without ? 'except' : 'only');
  const groupOfRow = new Int32Array(input.rowCount);
  const labels: Labels[] = [];
  const dropsName: boolean[] = [];
  yield* byRows(input, (row) => {
    const rowLabels = input.labels[row] ?? {};
    const group = groups.groupOf(rowLabels);
    groupOfRow[row] = group;
    if (group === labels.length) {
      labels.push(groups.labelsOf(rowLabels));
      dropsName.push(false);
    }
    if (input.dropsName[row] && input.hasSamples(row)) dropsName[group] = true;
  });
  return { input, groupOfRow, labels, dropsName };
}

/** An empty table with one row a group. */
export function tableOfGroups({ input, labels, dropsName }: GroupedRows): VectorTable {
  const table = new VectorTable(input.stepCount, labels.length);
  labels.forEach((groupLabels, group) => table.addRow(groupLabels, dropsName[group] ?? false));
  return table;
}

/** The rows of each group, in order. */
export function rowsByGroup({ groupOfRow, labels }: GroupedRows): readonly (readonly number[])[] {
  const rows: number[][] = labels.map(() => []);
  groupOfRow.forEach((group, row) => rows[group]?.push(row));
  return rows;
}

/** Whether a row has a sample at a step. */
export function isPresent(table: VectorTable, row: number, step: number): boolean {
  return table.kinds[row * table.stepCount + step] !== ABSENT;
}
