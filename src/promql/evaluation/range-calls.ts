import { absence } from '../functions/absence.ts';
import { extendedFunctionOf } from '../functions/extended-rates.ts';
import { ORDER_FUNCTIONS, type OrderFunction } from '../functions/order-over-time.ts';
import {
  fillLongRateRow,
  fillRateRow,
  isLongRateRow,
  RATE_ROWS,
  type RateOptions,
  type RowCounts,
} from '../functions/rate-rows.ts';
import { startedFunctionOf } from '../functions/started-functions.ts';
import { RANGE_FUNCTIONS } from '../functions/range-functions.ts';
import { unwrap, type Call, type MatrixSelector, type Subquery } from '../syntax/ast.ts';
import type { EvaluationContext } from './evaluation-context.ts';
import { metricNameOf } from './label-sets.ts';
import { BlockTable, type RowTarget } from './block-table.ts';
import type { Steps } from './pacing.ts';
import type { QueryGuard } from './query-guard.ts';
import { RangeWindow, type RangeFunction } from './range-window.ts';
import type { Runs } from './sample-run.ts';
import { marginOf, resolveAt } from './selection-plan.ts';
import { ABSENT, FLOAT, type SampleKind, type VectorTable, timeAt, type StepGrid } from './vector-table.ts';

/** A range vector as an argument: the series, and where each step's window lies. */
export interface RangeArgument extends Runs {
  readonly node: MatrixSelector | Subquery;
  /** The function's scalar arguments, one value a step. */
  readonly scalars: readonly Float64Array[];
}

/** Functions that return samples as they are, so that their name still fits. */
const KEEPS_NAME: ReadonlySet<string> = new Set(['first_over_time', 'last_over_time']);
/** Steps of a series that are computed without a pause: a millisecond. */
const MAX_STEPS_AT_ONCE = 50_000;
const COUNTER_SUFFIX = /_(?:total|sum|count|bucket)$/;

/**
 * A function of a range vector at every step of a grid. Where somebody takes its rows, they get them in blocks, and the
 * table is empty in the end.
 */
export function* evaluateRangeCall(
  call: Call,
  argument: RangeArgument,
  { grid, context, takeRows = null }: RowTarget,
): Steps<VectorTable> {
  const { annotations, guard } = context;
  const { node, scalars } = argument;
  const { rangeMs } = node;
  const boundary = node.kind === 'matrix_selector' ? node.selector.boundary : null;
  const make = boundary ? extendedFunctionOf(call.name, boundary) : RANGE_FUNCTIONS.get(call.name);
  if (!make) throw new Error(`no range function ${call.name}`);
  const plain = make();
  const started = context.usesStarts ? (startedFunctionOf(call.name, boundary)?.() ?? null) : null;
  const ofOrder = ORDER_FUNCTIONS.get(call.name) ?? null;
  const position = unwrap(call.args[0] ?? call).position;
  const margin = marginOf(boundary, context.lookbackMs);
  const window = new RangeWindow({ rangeMs, margin, scalars, annotations, position });
  const output = new BlockTable({ grid, guard, takeRows }, argument.runCount);
  const { table } = output;
  const bounds = windowBounds(argument.node, context);
  const rowRate = boundary ? null : rateOf(call.name, bounds, grid);
  const notesNonCounters = call.name === 'rate' || call.name === 'increase';
  let notedName: string | null = null;
  for (let place = 0; place < argument.runCount; place++) {
    const long = argument.longRunAt(place);
    const run = long ? yield* long : argument.runAt(place);
    const dropsName = run.dropsName || !KEEPS_NAME.has(call.name);
    const cell = table.addRow(run.labels, dropsName);
    const starts = started && run.starts;
    const compute = (starts && started) ?? plain;
    window.enter(run, starts);
    const found =
      rowRate && !starts && run.histograms.length === 0
        ? ofFloats(
            isLongRateRow(run, rowRate)
              ? yield* fillLongRateRow({ table, cell }, run, rowRate)
              : fillRateRow({ table, cell }, run, rowRate),
          )
        : yield* fillRow(table, cell, window, { compute, ofOrder, bounds, grid, guard });
    if (found.samples === 0) table.dropLastRow();
    if (notesNonCounters && found.floats > 0) {
      if (context.usesTypes) noteOtherType(window);
      else if (window.metricName !== notedName) {
        notedName = window.metricName;
        noteNonCounter(window);
      }
    }
    output.hold(found.samples);
    guard.count(found.queried, found.read);
    if (output.isFull) yield* output.handOver();
    if (guard.spend(grid.stepCount + run.times.length)) yield;
  }
  if (takeRows) yield* output.handOver();
  if (call.name !== 'absent_over_time') return table;
  return yield* absence(table, call.args[0] ?? call);
}

interface WindowBounds {
  readonly rangeMs: number;
  readonly offsetMs: number;
  /** The end of every step's window, where an `@` fixes it. */
  readonly fixedMs: number | null;
}

function windowBounds(node: MatrixSelector | Subquery, context: EvaluationContext): WindowBounds {
  const { at, offsetMs } = node.kind === 'matrix_selector' ? node.selector : node;
  return { rangeMs: node.rangeMs, offsetMs, fixedMs: at && resolveAt(at, context.query) };
}

/** How a call is computed a row at a time; null where it is not. */
function rateOf(name: string, bounds: WindowBounds, grid: StepGrid): RateOptions | null {
  const kind = RATE_ROWS.get(name);
  if (!kind || bounds.fixedMs !== null || grid.stepCount > MAX_STEPS_AT_ONCE) return null;
  const { rangeMs, offsetMs } = bounds;
  const { stepMs, stepCount } = grid;
  return { kind, windows: { firstEndMs: grid.startMs - offsetMs, stepMs, stepCount, rangeMs } };
}

function ofFloats({ samples, queried, read }: RowCounts): FilledRow {
  return { samples, floats: samples, queried, read };
}

interface FilledRow {
  /** Steps with a result, and those whose result is a float. */
  readonly samples: number;
  readonly floats: number;
  /** Samples that the steps looked at, and those of them that no step before did. */
  readonly queried: number;
  readonly read: number;
}

/** Pauses within the row, too: a long window at every one of many steps is a lot of work for one series. */
function* fillRow(
  table: VectorTable,
  rowCell: number,
  window: RangeWindow,
  {
    compute,
    ofOrder,
    bounds,
    grid,
    guard,
  }: {
    readonly compute: RangeFunction;
    /** The function, where it is one of the order of a window's samples. */
    readonly ofOrder: OrderFunction | null;
    readonly bounds: WindowBounds;
    readonly grid: StepGrid;
    readonly guard: QueryGuard;
  },
): Steps<FilledRow> {
  let samples = 0;
  let floats = 0;
  let queried = 0;
  let read = 0;
  let readTo = 0;
  let histogramsReadTo = 0;
  for (let step = 0; step < grid.stepCount; step++) {
    const timeMs = timeAt(grid, step);
    const endMs = (bounds.fixedMs ?? timeMs) - bounds.offsetMs;
    window.step = step;
    window.timeMs = timeMs;
    window.moveTo(endMs - bounds.rangeMs, endMs);
    const size = window.floatCount + window.histogramCount;
    if (guard.spend(1 + size)) yield;
    if (size === 0) continue;
    queried += size;
    read += window.to - Math.max(window.from, readTo);
    read += window.histogramTo - Math.max(window.histogramFrom, histogramsReadTo);
    readTo = window.to;
    histogramsReadTo = window.histogramTo;
    const kind = window.isLastPart ? compute(window) : yield* computeInSteps(window, compute, ofOrder);
    if (kind === ABSENT) continue;
    samples++;
    if (kind === FLOAT) {
      floats++;
      table.setFloat(rowCell + step, window.value);
    } else if (window.histogram) {
      table.setHistogram(rowCell + step, window.histogram);
    }
  }
  return { samples, floats, queried, read };
}

/** Of a window that is too large for one go. */
function* computeInSteps(
  window: RangeWindow,
  compute: RangeFunction,
  ofOrder: OrderFunction | null,
): Steps<SampleKind> {
  if (ofOrder) return yield* ofOrder.computeInSteps(window);
  let kind = compute(window);
  while (!window.isLastPart) {
    yield;
    window.moveToNextPart();
    kind = compute(window);
  }
  return kind;
}

function noteOtherType({ labels, metricName, annotations, position }: RangeWindow): void {
  const type = labels['__type__'] ?? '';
  if (metricName === '' || type === 'counter' || type === 'histogram') return;
  annotations.possibleNonCounterByType(metricName, type, position);
}

function noteNonCounter(window: RangeWindow): void {
  const name = metricNameOf(window.labels);
  if (name !== '' && !COUNTER_SUFFIX.test(name)) window.annotations.possibleNonCounter(name, window.position);
}
