import type { SetOperator, VectorMatching } from '../syntax/ast.ts';
import { Grouping } from './grouping.ts';
import { OutputRows } from './output-rows.ts';
import { byRows, type Steps } from './pacing.ts';
import { ABSENT, type VectorTable } from './vector-table.ts';

/** `and`, `or`, `unless`: which elements of one vector have a partner in the other, at every step by itself. */
export function* combineAsSets(
  operator: SetOperator,
  { left, right }: { readonly left: VectorTable; readonly right: VectorTable },
  matching: VectorMatching,
): Steps<VectorTable> {
  const grouping = new Grouping(matching.labels, matching.on ? 'only' : 'except');
  const leftGroups = yield* grouping.groupsOf(left);
  const rightGroups = yield* grouping.groupsOf(right);
  switch (operator) {
    case 'and':
      yield* keepWhere(left, leftGroups, yield* presence(right, rightGroups, grouping.count), 1);
      return left;
    case 'unless':
      yield* keepWhere(left, leftGroups, yield* presence(right, rightGroups, grouping.count), 0);
      return left;
    case 'or':
      yield* keepWhere(right, rightGroups, yield* presence(left, leftGroups, grouping.count), 0);
      return yield* union(left, right);
  }
}

/** For each group and step, 1 where some element of the group is present. */
function* presence(table: VectorTable, groups: Int32Array, groupCount: number): Steps<Uint8Array> {
  const { stepCount, kinds } = table;
  const present = new Uint8Array(groupCount * stepCount);
  yield* byRows(table, (row) => {
    const start = (groups[row] ?? 0) * stepCount;
    for (let step = 0; step < stepCount; step++) {
      if (kinds[row * stepCount + step] !== ABSENT) present[start + step] = 1;
    }
  });
  return present;
}

function keepWhere(table: VectorTable, groups: Int32Array, present: Uint8Array, wanted: 0 | 1): Steps<void> {
  const { stepCount, kinds } = table;
  return byRows(table, (row) => {
    const start = (groups[row] ?? 0) * stepCount;
    for (let step = 0; step < stepCount; step++) {
      if (present[start + step] !== wanted) kinds[row * stepCount + step] = ABSENT;
    }
  });
}

/** Both tables' rows; rows of equal labels, which never have a sample at the same step here, become one. */
function* union(left: VectorTable, right: VectorTable): Steps<VectorTable> {
  if (right.rowCount === 0) return left;
  const rows = new OutputRows(left.stepCount, left.rowCount + right.rowCount);
  for (const table of [left, right]) {
    yield* byRows(table, (row) => {
      if (table.hasSamples(row)) rows.merge(table.labels[row] ?? {}, table, row);
    });
  }
  return rows.table;
}
