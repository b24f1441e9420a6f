import { labelValue } from '#telemetry';
import { compareLabels } from '../evaluation/label-sets.ts';
import { sortInSteps, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';

/** The rows with floats by value, NaN last. Only for a single step: over a range the order has no meaning. */
export function* sortByValue(table: VectorTable, direction: 'ascending' | 'descending'): Steps<VectorTable> {
  for (let cell = 0; cell < table.rowCount * table.stepCount; cell++) {
    if (table.kinds[cell] === HISTOGRAM) table.kinds[cell] = ABSENT;
  }
  if (table.stepCount !== 1) return table;
  const sign = direction === 'ascending' ? 1 : -1;
  const rows = [...table.labels.keys()].filter((row) => table.hasSamples(row));
  const value = (row: number): number => table.values[row] ?? NaN;
  const sorted = yield* sortInSteps(rows, (a, b) => {
    if (Number.isNaN(value(a))) return Number.isNaN(value(b)) ? 0 : 1;
    if (Number.isNaN(value(b))) return -1;
    return value(a) === value(b) ? 0 : sign * (value(a) < value(b) ? -1 : 1);
  });
  return yield* table.pick(sorted);
}

/** The rows by the values of some labels, numbers inside them by size, then by all labels. */
export function* sortByLabels(
  table: VectorTable,
  names: readonly string[],
  direction: 'ascending' | 'descending',
): Steps<VectorTable> {
  if (table.stepCount !== 1) return table;
  const sign = direction === 'ascending' ? 1 : -1;
  const rows = [...table.labels.keys()].filter((row) => table.hasSamples(row));
  const sorted = yield* sortInSteps(rows, (a, b) => {
    const left = table.labels[a] ?? {};
    const right = table.labels[b] ?? {};
    for (const name of names) {
      const order = compareNaturally(labelValue(left, name), labelValue(right, name));
      if (order !== 0) return sign * order;
    }
    return sign * compareLabels(left, right);
  });
  return yield* table.pick(sorted);
}

const CHUNKS = /\d+|\D+/g;

/** Text order in which runs of digits count as numbers: `a9` before `a10`. */
function compareNaturally(left: string, right: string): number {
  if (left === right) return 0;
  const leftChunks = left.match(CHUNKS) ?? [];
  const rightChunks = right.match(CHUNKS) ?? [];
  for (let at = 0; at < Math.min(leftChunks.length, rightChunks.length); at++) {
    const a = leftChunks[at] ?? '';
    const b = rightChunks[at] ?? '';
    if (a === b) continue;
    const order = /^\d/.test(a) && /^\d/.test(b) ? Number(a) - Number(b) : 0;
    return order || (a < b ? -1 : 1);
  }
  return leftChunks.length - rightChunks.length;
}
