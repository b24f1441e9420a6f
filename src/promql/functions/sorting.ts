import { labelValue } from '#telemetry';
import { labelOrderOf } from '../evaluation/label-order.ts';
import { byRows, sortInSteps, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, HISTOGRAM, type VectorTable } from '../evaluation/vector-table.ts';

/** The rows with floats by value, NaN last. Only for a single step: over a range the order has no meaning. */
export function* sortByValue(table: VectorTable, direction: 'ascending' | 'descending'): Steps<VectorTable> {
  yield* byRows(table, (row) => {
    for (let cell = row * table.stepCount; cell < (row + 1) * table.stepCount; cell++) {
      if (table.kinds[cell] === HISTOGRAM) table.kinds[cell] = ABSENT;
    }
  });
  if (table.stepCount !== 1) return table;
  const sign = direction === 'ascending' ? 1 : -1;
  const rows = yield* rowsWithSamples(table);
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
  const rows = yield* rowsWithSamples(table);
  const compareLabels = yield* labelOrderOf(table.labels);
  const sorted = yield* sortInSteps(rows, (a, b) => {
    const left = table.labels[a] ?? {};
    const right = table.labels[b] ?? {};
    for (const name of names) {
      const order = compareNaturally(labelValue(left, name), labelValue(right, name));
      if (order !== 0) return sign * order;
    }
    return sign * compareLabels(a, b);
  });
  return yield* table.pick(sorted);
}

function* rowsWithSamples(table: VectorTable): Steps<readonly number[]> {
  const rows: number[] = [];
  yield* byRows(table, (row) => {
    if (table.hasSamples(row)) rows.push(row);
  });
  return rows;
}

/**
 * Text order in which runs of digits count as numbers: `a9` before `a10`. Texts are divided where digits begin and end;
 * the first parts that differ decide.
 */
function compareNaturally(left: string, right: string): number {
  if (left === right) return 0;
  const start = startOfDifferentPart(left, right);
  const a = partFrom(left, start);
  const b = partFrom(right, start);
  if (a === '' || b === '') return a.length - b.length;
  const order = isDigit(a, 0) && isDigit(b, 0) ? Number(a) - Number(b) : 0;
  return order || (a < b ? -1 : 1);
}

function startOfDifferentPart(left: string, right: string): number {
  let at = 0;
  while (at < left.length && at < right.length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  // The part before goes on in one of them.
  if (at > 0 && (goesOn(left, at) || goesOn(right, at))) {
    do at--;
    while (at > 0 && goesOn(left, at));
  }
  return at;
}

/** Whether a letter belongs to the part of the one before. */
function goesOn(text: string, at: number): boolean {
  return at < text.length && isDigit(text, at) === isDigit(text, at - 1);
}

function partFrom(text: string, start: number): string {
  let end = start + 1;
  while (end < text.length && goesOn(text, end)) end++;
  return text.slice(start, end);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}
