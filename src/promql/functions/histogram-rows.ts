import type { HistogramValue, Labels } from '#telemetry';
import type { Annotations } from '../annotations.ts';
import { NumbersByOthers } from '../evaluation/grouping.ts';
import { metricNameOf, withLabel } from '../evaluation/label-sets.ts';
import { byRows, sortInSteps, type Steps } from '../evaluation/pacing.ts';
import { rowsOfGroup, sortByGroup } from '../evaluation/rows-by-group.ts';
import { FLOAT, HISTOGRAM, type StepGrid, type VectorTable } from '../evaluation/vector-table.ts';
import { ClassicBuckets } from '../histograms/classic-quantiles.ts';
import type { Position } from '../syntax/position.ts';

export interface QuantileContext {
  readonly grid: StepGrid;
  readonly annotations: Annotations;
  /** Where the histograms' expression stands. */
  readonly position: Position;
}

/** Takes what is found at each step. Labels keep the metric name. */
export interface HistogramTaker {
  native(labels: Labels, histogram: HistogramValue, step: number): void;
  /** The buckets are good for the call. */
  classic(labels: Labels, buckets: ClassicBuckets, step: number): void;
}

/** The label that holds the upper bound of a classic histogram's bucket. */
const BOUND_LABEL = 'le';
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
/** Cells looked at between two chances to pause. */
const CELLS_BETWEEN_PAUSES = 5000;
/** Up to so many buckets are sorted in one go. */
const FEW_BUCKETS = 500;
const NO_ROWS = new Int32Array(0);

/**
 * Goes through the histograms of a vector, at every step: native ones, and the classic ones whose buckets are the rows
 * that differ in `le` alone.
 */
export function* eachHistogram(
  table: VectorTable,
  context: QuantileContext,
  taker: HistogramTaker,
): Steps<void> {
  const { stepCount, rowCount } = table;
  const grouping = new NumbersByOthers(new Set([BOUND_LABEL]));
  const groupOfRow = new Int32Array(rowCount);
  const bounds = new Float64Array(rowCount);
  yield* byRows({ rowCount, stepCount: 1 }, (row) => {
    const labels = table.labels[row] ?? {};
    groupOfRow[row] = grouping.numberOf(labels);
    bounds[row] = parseBound(labels[BOUND_LABEL] ?? '');
  });
  const groups = yield* sortByGroup(groupOfRow, grouping.count);
  const one = new OneHistogram(table, bounds, { context, taker });
  let cells = 0;
  for (let group = 0; group < grouping.count; group++) {
    const rows = rowsOfGroup(groups, group);
    one.begin(yield* sortedByBound(rows, bounds));
    for (let step = 0; step < stepCount; step++) {
      one.takeAt(step);
      cells += rows.length;
      if (cells < CELLS_BETWEEN_PAUSES) continue;
      cells = 0;
      yield;
    }
  }
}

/** NaN where the text is no number. */
function parseBound(text: string): number {
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return NUMBER.test(text) ? Number(text) : NaN;
}

/** Rows whose bound is no number stand first, in their order. */
function* sortedByBound(rows: Int32Array, bounds: Float64Array): Steps<Int32Array> {
  const compare = (left: number, right: number): number => {
    const a = bounds[left] ?? NaN;
    const b = bounds[right] ?? NaN;
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
    return a < b ? -1 : a > b ? 1 : 0;
  };
  if (isSorted(rows, compare)) return rows;
  if (rows.length <= FEW_BUCKETS) return rows.sort(compare);
  return Int32Array.from(yield* sortInSteps([...rows], compare));
}

function isSorted(rows: Int32Array, compare: (left: number, right: number) => number): boolean {
  for (let at = 1; at < rows.length; at++) if (compare(rows[at - 1] ?? 0, rows[at] ?? 0) > 0) return false;
  return true;
}

/** The rows that differ in `le` alone. */
class OneHistogram {
  readonly #table: VectorTable;
  readonly #bounds: Float64Array;
  readonly #context: QuantileContext;
  readonly #taker: HistogramTaker;
  readonly #buckets = new ClassicBuckets();
  readonly #native: number[] = [];
  #rows: Int32Array = NO_ROWS;
  #labels: Labels | null = null;

  constructor(
    table: VectorTable,
    bounds: Float64Array,
    parts: { readonly context: QuantileContext; readonly taker: HistogramTaker },
  ) {
    this.#table = table;
    this.#bounds = bounds;
    this.#context = parts.context;
    this.#taker = parts.taker;
  }

  /** @param rows sorted by their bounds */
  begin(rows: Int32Array): void {
    this.#rows = rows;
    this.#labels = null;
  }

  takeAt(step: number): void {
    const { stepCount } = this.#table;
    this.#read(step);
    for (const row of this.#native) {
      const labels = this.#table.labels[row] ?? {};
      if (!labels[BOUND_LABEL] && !this.#buckets.isEmpty) {
        const { annotations, position } = this.#context;
        annotations.mixedClassicAndNativeHistograms(metricNameOf(labels), position);
        this.#buckets.clear();
      } else {
        this.#taker.native(labels, this.#table.histogramAt(row * stepCount + step), step);
      }
    }
    if (this.#buckets.isEmpty) return;
    this.#labels ??= withLabel(this.#table.labels[this.#rows[0] ?? 0] ?? {}, BOUND_LABEL, '');
    this.#taker.classic(this.#labels, this.#buckets, step);
  }

  /** Sorts what the rows have at a step into native histograms and the buckets of a classic one. */
  #read(step: number): void {
    const { stepCount, kinds, values, labels } = this.#table;
    this.#buckets.clear();
    this.#native.length = 0;
    for (const row of this.#rows) {
      const cell = row * stepCount + step;
      const kind = kinds[cell];
      if (kind === HISTOGRAM) this.#native.push(row);
      if (kind !== FLOAT) continue;
      const upperBound = this.#bounds[row] ?? NaN;
      if (!Number.isNaN(upperBound)) {
        this.#buckets.add(upperBound, values[cell] ?? NaN);
        continue;
      }
      const { annotations, position } = this.#context;
      const bad = labels[row] ?? {};
      annotations.badBucketLabel(metricNameOf(bad), bad[BOUND_LABEL] ?? '', position);
    }
  }
}
