import type { SetOperator, VectorMatching } from '../syntax/ast.ts';
import { Grouping, keyOf } from './label-sets.ts';
import { OutputRows } from './output-rows.ts';
import { ABSENT, VectorTable } from './vector-table.ts';

/** `and`, `or`, `unless`: which elements of one vector have a partner in the other, at every step by itself. */
export function combineAsSets(
  operator: SetOperator,
  left: VectorTable,
  right: VectorTable,
  matching: VectorMatching,
): VectorTable {
  const grouping = new Grouping(matching.labels, matching.on ? 'only' : 'except');
  const leftGroups = left.labels.map((labels) => grouping.groupOf(labels));
  const rightGroups = right.labels.map((labels) => grouping.groupOf(labels));
  switch (operator) {
    case 'and':
      keepWhere(left, leftGroups, presence(right, rightGroups, grouping.count), 1);
      return left;
    case 'unless':
      keepWhere(left, leftGroups, presence(right, rightGroups, grouping.count), 0);
      return left;
    case 'or':
      keepWhere(right, rightGroups, presence(left, leftGroups, grouping.count), 0);
      return union(left, right);
  }
}

/** For each group and step, 1 where some element of the group is present. */
function presence(table: VectorTable, groups: readonly number[], groupCount: number): Uint8Array {
  const { stepCount, kinds } = table;
  const present = new Uint8Array(groupCount * stepCount);
  groups.forEach((group, row) => {
    for (let step = 0; step < stepCount; step++) {
      if (kinds[row * stepCount + step] !== ABSENT) present[group * stepCount + step] = 1;
    }
  });
  return present;
}

function keepWhere(table: VectorTable, groups: readonly number[], present: Uint8Array, wanted: 0 | 1): void {
  const { stepCount, kinds } = table;
  groups.forEach((group, row) => {
    for (let step = 0; step < stepCount; step++) {
      if (present[group * stepCount + step] !== wanted) kinds[row * stepCount + step] = ABSENT;
    }
  });
}

/** Both tables' rows; rows of equal labels, which never have a sample at the same step here, become one. */
function union(left: VectorTable, right: VectorTable): VectorTable {
  const known = new Set(left.labels.map(keyOf));
  const overlaps = right.labels.some((labels) => known.has(keyOf(labels)));
  if (right.rowCount === 0) return left;
  if (!overlaps) return concatenate(left, right);
  const rows = new OutputRows(left.stepCount, left.rowCount + right.rowCount);
  for (const table of [left, right]) {
    table.labels.forEach((labels, row) => {
      if (table.hasSamples(row)) rows.merge(labels, table, row);
    });
  }
  return rows.table;
}

function concatenate(left: VectorTable, right: VectorTable): VectorTable {
  const both = new VectorTable(left.stepCount, left.rowCount + right.rowCount);
  for (const table of [left, right]) {
    table.labels.forEach((labels, row) => {
      if (!table.hasSamples(row)) return;
      const to = both.addRow(labels, table.dropsName[row] ?? false);
      const from = row * table.stepCount;
      for (let step = 0; step < table.stepCount; step++) both.copyCell(to + step, table, from + step);
    });
  }
  return both;
}
