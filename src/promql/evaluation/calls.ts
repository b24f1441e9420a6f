import { unwrap, type Call, type Expression } from '../syntax/ast.ts';
import { absence } from '../functions/absence.ts';
import { DATE_FUNCTIONS } from '../functions/date-functions.ts';
import { FLOAT_FUNCTIONS, clamp, mapFloats, round } from '../functions/float-functions.ts';
import { HISTOGRAM_FUNCTIONS, mapHistograms } from '../functions/histogram-functions.ts';
import { joinLabels, replaceLabel } from '../functions/label-functions.ts';
import { evaluateInfo } from './info.ts';
import { histogramFractions, histogramQuantiles } from '../functions/quantile-functions.ts';
import { RANGE_FUNCTIONS } from '../functions/range-functions.ts';
import { sortByLabels, sortByValue } from '../functions/sorting.ts';
import { greater, smaller } from './arithmetic.ts';
import type { TakeRows } from './block-table.ts';
import type { Frame } from './evaluation-context.ts';
import { byRows, type Steps } from './pacing.ts';
import { evaluateRangeCall, type RangeArgument } from './range-calls.ts';
import { runOfRow } from './sample-run.ts';
import { evaluateSelector, runsOf } from './selectors.ts';
import { ABSENT, FLOAT, VectorTable, timeAt, type StepGrid, type Value } from './vector-table.ts';

/** A function call at every step of a grid. */
export function* evaluateCall(call: Call, frame: Frame): Steps<Value> {
  const { name } = call;
  const compute = FLOAT_FUNCTIONS.get(name);
  if (compute) {
    const table = yield* frame.vector(argumentOf(call, 0));
    yield* mapFloats(table, compute);
    return { type: 'vector', table };
  }
  const ofHistogram = HISTOGRAM_FUNCTIONS.get(name);
  if (ofHistogram) {
    const table = yield* frame.vector(argumentOf(call, 0));
    yield* mapHistograms(table, ofHistogram);
    return { type: 'vector', table };
  }
  const ofDate = DATE_FUNCTIONS.get(name);
  if (ofDate) return { type: 'vector', table: yield* evaluateDate(call, ofDate, frame) };
  if (RANGE_FUNCTIONS.has(name)) return { type: 'vector', table: yield* evaluateRange(call, frame) };
  const scalar = yield* evaluateScalarCall(call, frame);
  if (scalar) return { type: 'scalar', values: scalar };
  return { type: 'vector', table: yield* evaluateVectorCall(call, frame) };
}

/** The functions that return a scalar; null for others. */
function* evaluateScalarCall(call: Call, frame: Frame): Steps<Float64Array | null> {
  const { grid } = frame;
  const { query } = frame.context;
  const constant = (value: number): Float64Array => new Float64Array(grid.stepCount).fill(value);
  switch (call.name) {
    case 'time':
      return constant(0).map((_, step) => timeAt(grid, step) / 1000);
    case 'pi':
      return constant(Math.PI);
    case 'start':
      return constant(query.startMs / 1000);
    case 'end':
      return constant(query.endMs / 1000);
    case 'range':
      return constant((query.endMs - query.startMs) / 1000);
    case 'step':
      return constant(isRange(query) ? query.stepMs / 1000 : 0);
    case 'max_of':
    case 'min_of': {
      const left = yield* frame.scalar(argumentOf(call, 0));
      const right = yield* frame.scalar(argumentOf(call, 1));
      const pick = call.name === 'max_of' ? greater : smaller;
      return left.map((value, step) => pick(value, right[step] ?? NaN));
    }
    case 'scalar':
      return yield* onlyFloats(yield* frame.vector(argumentOf(call, 0)));
    default:
      return null;
  }
}

/** The value of the one float of a vector at each step; NaN where there is none or more than one. */
function* onlyFloats(table: VectorTable): Steps<Float64Array> {
  const { stepCount } = table;
  const values = new Float64Array(stepCount).fill(NaN);
  const counts = new Uint32Array(stepCount);
  yield* byRows(table, (row) => {
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      if (table.kinds[cell] !== FLOAT) continue;
      const count = (counts[step] ?? 0) + 1;
      counts[step] = count;
      values[step] = count === 1 ? (table.values[cell] ?? NaN) : NaN;
    }
  });
  return values;
}

function* evaluateVectorCall(call: Call, frame: Frame): Steps<VectorTable> {
  const first = argumentOf(call, 0);
  switch (call.name) {
    case 'vector': {
      const values = yield* frame.scalar(first);
      return ofScalars(values);
    }
    case 'timestamp':
      return yield* evaluateTimestamps(first, frame);
    case 'start_timestamp':
      return yield* evaluateStarts(first, frame);
    case 'info':
      return yield* evaluateInfo(call, frame);
    case 'absent':
      return yield* absence(yield* frame.vector(first), first);
    case 'histogram_quantile':
    case 'histogram_fraction':
    case 'histogram_quantiles':
      return yield* evaluateQuantiles(call, frame);
    default:
      break;
  }
  const table = yield* frame.vector(first);
  switch (call.name) {
    case 'round':
      yield* round(table, call.args[1] && (yield* frame.scalar(call.args[1])));
      return table;
    case 'clamp':
    case 'clamp_min':
    case 'clamp_max':
      return yield* evaluateClamp(call, table, frame);
    case 'label_replace':
      return yield* replaceLabel(
        table,
        {
          target: textOf(call, 1),
          replacement: textOf(call, 2),
          source: textOf(call, 3),
          expression: textOf(call, 4),
        },
        frame.context.guard,
      );
    case 'label_join':
      return yield* joinLabels(
        table,
        { target: textOf(call, 1), separator: textOf(call, 2), sources: textsFrom(call, 3) },
        frame.context.guard,
      );
    case 'sort':
    case 'sort_desc':
    case 'sort_by_label':
    case 'sort_by_label_desc':
      if (isRange(frame.grid)) frame.context.annotations.sortInRangeQuery(call.position);
      return yield* sortTable(call, table);
    default:
      throw new Error(`no function ${call.name}`);
  }
}

/** Whether a grid spans time; a range query of one time does not, a subquery of an instant query does. */
function isRange({ startMs, endMs }: StepGrid): boolean {
  return startMs !== endMs;
}

function sortTable(call: Call, table: VectorTable): Steps<VectorTable> {
  switch (call.name) {
    case 'sort':
      return sortByValue(table, 'ascending');
    case 'sort_desc':
      return sortByValue(table, 'descending');
    case 'sort_by_label':
      return sortByLabels(table, textsFrom(call, 1), 'ascending');
    default:
      return sortByLabels(table, textsFrom(call, 1), 'descending');
  }
}

function* evaluateClamp(call: Call, table: VectorTable, frame: Frame): Steps<VectorTable> {
  const bound = yield* frame.scalar(argumentOf(call, 1));
  if (call.name === 'clamp_min') yield* clamp(table, bound, null);
  else if (call.name === 'clamp_max') yield* clamp(table, null, bound);
  else yield* clamp(table, bound, yield* frame.scalar(argumentOf(call, 2)));
  return table;
}

/** One row of floats without labels. */
function ofScalars(values: Float64Array): VectorTable {
  const table = new VectorTable(values.length, 1);
  table.addRow({}, false);
  values.forEach((value, step) => {
    table.setFloat(step, value);
  });
  return table;
}

/** Of a selector's samples the times they were taken at; of anything else the evaluation time. */
function* evaluateTimestamps(argument: Expression, frame: Frame): Steps<VectorTable> {
  if (argument.kind === 'vector_selector') {
    const table = yield* evaluateSelector(argument, frame, 'timestamp');
    table.dropNames();
    return table;
  }
  const table = yield* frame.vector(argument);
  table.dropNames();
  const { stepCount } = table;
  yield* byRows(table, (row) => {
    for (let step = 0; step < stepCount; step++) {
      const cell = row * stepCount + step;
      if (table.kinds[cell] !== ABSENT) table.setFloat(cell, timeAt(frame.grid, step) / 1000);
    }
  });
  return table;
}

/** Of a selector's samples the times they began counting at; of anything else, and where they are not used, nothing. */
function* evaluateStarts(argument: Expression, frame: Frame): Steps<VectorTable> {
  if (argument.kind !== 'vector_selector' || !frame.context.usesStarts) {
    return new VectorTable(frame.grid.stepCount, 0);
  }
  const table = yield* evaluateSelector(argument, frame, 'start');
  table.dropNames();
  return table;
}

function* evaluateDate(call: Call, compute: (seconds: number) => number, frame: Frame): Steps<VectorTable> {
  if (call.args.length === 0) {
    return ofScalars(
      new Float64Array(frame.grid.stepCount).map((_, step) => compute(timeAt(frame.grid, step) / 1000)),
    );
  }
  const table = yield* frame.vector(argumentOf(call, 0));
  yield* mapFloats(table, compute);
  return table;
}

function* evaluateQuantiles(call: Call, frame: Frame): Steps<VectorTable> {
  const { annotations } = frame.context;
  const scalar = (place: number): Steps<Float64Array> => frame.scalar(argumentOf(call, place));
  const place = call.name === 'histogram_quantiles' ? 0 : call.args.length - 1;
  const argument = argumentOf(call, place);
  const options = { grid: frame.grid, annotations, position: argument.position };
  if (call.name === 'histogram_fraction') {
    const lower = yield* scalar(0);
    const upper = yield* scalar(1);
    return yield* histogramFractions(yield* frame.vector(argument), { lower, upper }, options);
  }
  const isMany = call.name === 'histogram_quantiles';
  const wanted: { phi: Float64Array; position: Call['position'] }[] = [];
  for (const at of isMany ? [...call.args.keys()].slice(2) : [0]) {
    wanted.push({ phi: yield* scalar(at), position: argumentOf(call, at).position });
  }
  const table = yield* frame.vector(argument);
  return yield* histogramQuantiles(table, wanted, { ...options, phiLabel: isMany ? textOf(call, 1) : null });
}

/** A function of a range vector; its rows go to whoever takes them, where somebody does. */
export function* evaluateRange(
  call: Call,
  frame: Frame,
  takeRows: TakeRows | null = null,
): Steps<VectorTable> {
  const scalars: Float64Array[] = [];
  let argument: Omit<RangeArgument, 'scalars'> | null = null;
  for (const given of call.args) {
    const node = unwrap(given);
    if (node.kind === 'matrix_selector') argument = { node, ...runsOf(node.selector, frame.context) };
    else if (node.kind === 'subquery') {
      const { table, grid: inner } = yield* frame.subquery(node);
      argument = {
        node,
        runCount: table.rowCount,
        runAt: (row) => runOfRow(table, row, inner),
        longRunAt: () => null,
      };
    } else scalars.push(yield* frame.scalar(node));
  }
  if (!argument) throw new Error(`${call.name}() has no range vector`);
  const { grid, context } = frame;
  return yield* evaluateRangeCall(call, { ...argument, scalars }, { grid, context, takeRows });
}

function textOf(call: Call, place: number): string {
  const literal = argumentOf(call, place);
  return literal.kind === 'string' ? literal.value : '';
}

function textsFrom(call: Call, first: number): readonly string[] {
  return [...call.args.keys()].slice(first).map((place) => textOf(call, place));
}

/** The argument behind its parentheses. */
function argumentOf(call: Call, place: number): Expression {
  const argument = call.args[place];
  if (!argument) throw new Error(`${call.name}() has no argument ${place}`);
  return unwrap(argument);
}
