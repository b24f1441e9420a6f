import { evaluationError } from '../evaluation/query-error.ts';
import { sortInSteps, type Steps } from '../evaluation/pacing.ts';
import { ABSENT, HISTOGRAM, VectorTable } from '../evaluation/vector-table.ts';
import type { Position } from '../syntax/position.ts';
import { formatGeneral } from '../syntax/text-literals.ts';
import { isPresent, rowsByGroup, type GroupedRows } from './grouped-rows.ts';
import { hashOfLabels } from './label-hash.ts';
import type { FoldOptions } from './fold.ts';

/** Up to so many rows are kept in order as they come; for more all are sorted. */
const MAX_INSERTED = 64;
const ROWS_BETWEEN_PAUSES = 5000;

/** A count beyond these does not fit Prometheus's 64 bits. */
const MIN_COUNT = -(2 ** 63);
const MAX_COUNT = 2 ** 63 - 1024;

/**
 * `topk` and `bottomk`: the k rows of each group with the greatest (least) values at each step, NaN last. At one
 * step the rows come out group by group, best first.
 */
export function* extremeRows(
  which: 'topk' | 'bottomk',
  k: Float64Array,
  grouped: GroupedRows,
  options: FoldOptions,
): Steps<VectorTable> {
  const { input } = grouped;
  if (!assertCounts(k)) return new VectorTable(input.stepCount, 0);
  const groups = rowsByGroup(grouped);
  const order = which === 'topk' ? descending : ascending;
  const keep = new RowSelection(input);
  for (let step = 0; step < input.stepCount; step++) {
    const count = wholeCount(k[step] ?? NaN, input.rowCount);
    for (const rows of groups) {
      const candidates = rows.filter((row) => isPresent(input, row, step));
      const floats = candidates.filter((row) => input.kinds[row * input.stepCount + step] !== HISTOGRAM);
      if (count < 1) continue;
      if (floats.length < candidates.length) {
        options.annotations.histogramIgnoredInAggregation(which, options.position);
      }
      const value = (row: number): number => input.values[row * input.stepCount + step] ?? NaN;
      const best = yield* firstOf(floats, count, (a, b) => order(value(a), value(b)));
      for (const row of best) keep.add(row, step);
      yield;
    }
  }
  return yield* keep.table();
}

/** The first `count` rows in an order, of equal ones those that came first. */
function* firstOf(
  rows: readonly number[],
  count: number,
  compare: (a: number, b: number) => number,
): Steps<readonly number[]> {
  if (count > MAX_INSERTED) return (yield* sortInSteps(rows, compare)).slice(0, count);
  const first: number[] = [];
  for (const [place, row] of rows.entries()) {
    const last = first[count - 1];
    if (last === undefined || compare(row, last) < 0) {
      let at = first.length;
      while (at > 0 && compare(row, first[at - 1] ?? row) < 0) at--;
      first.splice(at, 0, row);
      if (first.length > count) first.pop();
    }
    if (place % ROWS_BETWEEN_PAUSES === ROWS_BETWEEN_PAUSES - 1) yield;
  }
  return first;
}

/** `limitk`: any k rows of each group at each step, here the first ones. */
export function* firstRows(k: Float64Array, grouped: GroupedRows): Steps<VectorTable> {
  const { input } = grouped;
  if (!assertCounts(k)) return new VectorTable(input.stepCount, 0);
  const keep = new RowSelection(input);
  for (const rows of rowsByGroup(grouped)) {
    for (let step = 0; step < input.stepCount; step++) {
      let left = wholeCount(k[step] ?? NaN, input.rowCount);
      for (const row of rows) {
        if (left < 1 || !isPresent(input, row, step)) continue;
        keep.add(row, step);
        left--;
      }
      yield;
    }
  }
  return yield* keep.table();
}

/**
 * `limit_ratio`: about the given share of the rows, chosen by the hash of their labels, so that the same rows are
 * chosen every time, here and in Prometheus, and the ratios r and r − 1 choose complementary rows.
 */
export function* ratioOfRows(
  ratio: Float64Array,
  grouped: GroupedRows,
  options: FoldOptions & { readonly parameterPosition: Position },
): Steps<VectorTable> {
  const { input } = grouped;
  if (ratio.every((value) => value === 0)) return new VectorTable(input.stepCount, 0);
  if (ratio.some(Number.isNaN)) throw evaluationError('Ratio value is NaN');
  const most = Math.max(...ratio);
  const least = Math.min(...ratio);
  if (most > 1) options.annotations.invalidRatio(most, 1, options.parameterPosition);
  if (least < -1) options.annotations.invalidRatio(least, -1, options.parameterPosition);
  const keep = new RowSelection(input);
  for (const rows of rowsByGroup(grouped)) {
    for (const row of rows) {
      const place = Number(hashOfLabels(input.labels[row] ?? {})) / 2 ** 64;
      for (let step = 0; step < input.stepCount; step++) {
        const share = Math.max(-1, Math.min(1, ratio[step] ?? 0));
        const chosen = share >= 0 ? place < share : place >= 1 + share;
        if (chosen && isPresent(input, row, step)) keep.add(row, step);
      }
      yield;
    }
  }
  return yield* keep.table();
}

/** Collects cells of a table to keep, rows in the order in which they are first added. */
class RowSelection {
  readonly #input: VectorTable;
  readonly #cells = new Map<number, Uint8Array>();

  constructor(input: VectorTable) {
    this.#input = input;
  }

  add(row: number, step: number): void {
    let steps = this.#cells.get(row);
    if (!steps) {
      steps = new Uint8Array(this.#input.stepCount);
      this.#cells.set(row, steps);
    }
    steps[step] = 1;
  }

  *table(): Steps<VectorTable> {
    const table = yield* this.#input.pick([...this.#cells.keys()]);
    let cell = 0;
    for (const steps of this.#cells.values()) {
      for (const kept of steps) {
        if (kept === 0) table.kinds[cell] = ABSENT;
        cell++;
      }
    }
    return table;
  }
}

/**
 * Whether a count of at least 1 is asked for at some step.
 * @throws OmoiError `query_failed` for a count that is no 64-bit integer
 */
function assertCounts(k: Float64Array): boolean {
  const most = k.reduce((a, b) => (b > a ? b : a), -Infinity);
  const hasNaN = k.some(Number.isNaN);
  if (most < 1 && !hasNaN) return false;
  if (hasNaN) throw evaluationError('Parameter value is NaN');
  const least = k.reduce((a, b) => Math.min(a, b), Infinity);
  if (least <= MIN_COUNT) throw evaluationError(`Scalar value ${formatGeneral(least)} underflows int64`);
  if (most >= MAX_COUNT) throw evaluationError(`Scalar value ${formatGeneral(most)} overflows int64`);
  return true;
}

function wholeCount(k: number, atMost: number): number {
  return Math.min(Math.trunc(k), atMost);
}

function descending(left: number, right: number): number {
  return nanLast(left, right) ?? right - left;
}

function ascending(left: number, right: number): number {
  return nanLast(left, right) ?? left - right;
}

/** Puts NaN behind everything; null where neither or equality lets the values decide. */
function nanLast(left: number, right: number): number | null {
  if (Number.isNaN(left)) return Number.isNaN(right) ? 0 : 1;
  if (Number.isNaN(right)) return -1;
  return left === right ? 0 : null;
}
