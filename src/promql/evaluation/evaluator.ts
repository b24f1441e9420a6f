import { aggregate, foldingOf } from '../aggregations/aggregate.ts';
import {
  chainOf,
  isSetOperator,
  type Aggregation,
  type BinaryExpression,
  type Call,
  type Expression,
  type Subquery,
  type UnaryExpression,
  type VectorSelector,
  isComparison,
  unwrap,
} from '../syntax/ast.ts';
import { typeOf } from '../syntax/checker.ts';
import { calculate, compare } from './arithmetic.ts';
import type { RowTarget, TakeRows } from './block-table.ts';
import { evaluateCall, evaluateRange } from './calls.ts';
import { ElementOperation, type ElementOperator } from './element-operation.ts';
import type { EvaluationContext, Frame } from './evaluation-context.ts';
import { RANGE_FUNCTIONS } from '../functions/range-functions.ts';
import { multiplyHistogram } from '../histograms/scaling.ts';
import { byRows, type Steps } from './pacing.ts';
import { CELLS_OF_A_ROW } from './query-guard.ts';
import { resolveAt } from './selection-plan.ts';
import { evaluateSelector } from './selectors.ts';
import { evaluateSmoothedSelector } from './smoothed-selector.ts';
import { combineAsSets } from './set-operators.ts';
import { isStepInvariant } from './step-invariance.ts';
import { combineVectors } from './vector-matching.ts';
import { combineWithScalar } from './vector-scalar.ts';
import { FLOAT, HISTOGRAM, VectorTable, endOf, type StepGrid, type Value } from './vector-table.ts';

/** Evaluates an expression that is no range vector at every step of a grid. The caller owns the result. */
export function* evaluate(expression: Expression, grid: StepGrid, context: EvaluationContext): Steps<Value> {
  if (grid.stepCount > 1 && isStepInvariant(expression)) {
    const once = yield* evaluateAtSteps(expression, firstStepOf(grid), context);
    return yield* repeat(once, grid.stepCount, context);
  }
  const value = yield* evaluateAtSteps(expression, grid, context);
  if (context.guard.spend(cellsOf(value))) yield;
  return value;
}

/** What a part came to: a query may have many parts, none of them so large that it pauses by itself. */
function cellsOf(value: Value): number {
  switch (value.type) {
    case 'string':
      return 0;
    case 'scalar':
      return value.values.length;
    case 'vector':
      return value.table.rowCount * (value.table.stepCount + CELLS_OF_A_ROW);
  }
}

/** The grid of the first step alone. */
function firstStepOf(grid: StepGrid): StepGrid {
  return { ...grid, endMs: grid.startMs, stepCount: 1 };
}

function* evaluateAtSteps(expression: Expression, grid: StepGrid, context: EvaluationContext): Steps<Value> {
  switch (expression.kind) {
    case 'number':
      return { type: 'scalar', values: new Float64Array(grid.stepCount).fill(expression.value) };
    case 'string':
      return { type: 'string', value: expression.value };
    case 'parenthesized':
      return yield* evaluate(expression.expression, grid, context);
    case 'vector_selector':
      return { type: 'vector', table: yield* selectRows(expression, { grid, context }) };
    case 'unary':
      return yield* evaluateUnary(expression, grid, context);
    case 'binary':
      return yield* evaluateChain(expression, grid, context);
    case 'aggregation':
      return yield* evaluateAggregation(expression, grid, context);
    case 'call':
      return yield* evaluateCall(expression, frameOf(grid, context));
    case 'matrix_selector':
    case 'subquery':
      throw new Error('a range vector stands only as an argument');
  }
}

function frameOf(grid: StepGrid, context: EvaluationContext): Frame {
  return {
    grid,
    context,
    vector: (part) => evaluateVector(part, grid, context),
    scalar: (part) => evaluateScalar(part, grid, context),
    subquery: (part) => evaluateSubquery(part, grid, context),
  };
}

/** The vector of an expression that the checker found to be one. */
function* evaluateVector(
  expression: Expression,
  grid: StepGrid,
  context: EvaluationContext,
): Steps<VectorTable> {
  const value = yield* evaluate(expression, grid, context);
  if (value.type !== 'vector') throw new Error(`expected an instant vector, got ${value.type}`);
  return value.table;
}

/** The scalar of an expression, one value a step. */
function* evaluateScalar(
  expression: Expression,
  grid: StepGrid,
  context: EvaluationContext,
): Steps<Float64Array> {
  const value = yield* evaluate(expression, grid, context);
  if (value.type !== 'scalar') throw new Error(`expected a scalar, got ${value.type}`);
  return value.values;
}

/** What a subquery evaluates to: an instant vector on its own grid, which is aligned to multiples of its step. */
export function* evaluateSubquery(
  subquery: Subquery,
  grid: StepGrid,
  context: EvaluationContext,
): Steps<{ readonly table: VectorTable; readonly grid: StepGrid }> {
  const inner = subqueryGrid(subquery, grid, context);
  context.guard.checkSubquery(inner.stepCount);
  // As in Prometheus, what counts is what the window over the subquery looks at.
  const { statistics } = context.guard;
  const table = yield* evaluateVector(subquery.expression, inner, context);
  context.guard.recount(statistics);
  return { table, grid: inner };
}

/**
 * Evaluates an expression for somebody who takes its rows: what is computed a series at a time is handed over in
 * blocks, so that there never is a table of all series.
 */
function* handOverRows(
  expression: Expression,
  target: RowTarget & { readonly takeRows: TakeRows },
): Steps<void> {
  const { grid, context, takeRows } = target;
  const node = unwrap(expression);
  if (node.kind === 'vector_selector') yield* selectRows(node, target);
  else if (node.kind === 'call' && isRowByRow(node))
    yield* evaluateRange(node, frameOf(grid, context), takeRows);
  else yield* takeRows(yield* evaluateVector(node, grid, context));
}

function selectRows(selector: VectorSelector, target: RowTarget): Steps<VectorTable> {
  return selector.boundary === 'smoothed'
    ? evaluateSmoothedSelector(selector, target)
    : evaluateSelector(selector, target);
}

/** Whether a call has its result row by row: functions of range vectors, but for the one that looks at all series. */
function isRowByRow({ name }: Call): boolean {
  return RANGE_FUNCTIONS.has(name) && name !== 'absent_over_time';
}

function subqueryGrid(subquery: Subquery, grid: StepGrid, context: EvaluationContext): StepGrid {
  const fixedMs = subquery.at && resolveAt(subquery.at, context.query);
  const firstEndMs = (fixedMs ?? grid.startMs) - subquery.offsetMs;
  const lastEndMs = (fixedMs ?? endOf(grid)) - subquery.offsetMs;
  const stepMs = subquery.stepMs ?? context.subqueryStepMs;
  const afterMs = firstEndMs - subquery.rangeMs;
  const startMs = (Math.floor(afterMs / stepMs) + 1) * stepMs;
  const stepCount = Math.max(0, Math.floor((lastEndMs - startMs) / stepMs) + 1);
  return { startMs, endMs: lastEndMs, stepMs, stepCount };
}

function* evaluateUnary(
  expression: UnaryExpression,
  grid: StepGrid,
  context: EvaluationContext,
): Steps<Value> {
  const value = yield* evaluate(expression.operand, grid, context);
  if (expression.operator === '+' || value.type === 'string') return value;
  if (value.type === 'scalar') return { type: 'scalar', values: value.values.map((number) => -number) };
  const { table } = value;
  yield* byRows(table, (row) => {
    table.dropsName[row] = true;
    for (let cell = row * table.stepCount; cell < (row + 1) * table.stepCount; cell++) {
      const kind = table.kinds[cell];
      if (kind === FLOAT) table.values[cell] = -(table.values[cell] ?? NaN);
      else if (kind === HISTOGRAM) table.setHistogram(cell, multiplyHistogram(table.histogramAt(cell), -1));
    }
  });
  return value;
}

function* evaluateAggregation(
  aggregation: Aggregation,
  grid: StepGrid,
  context: EvaluationContext,
): Steps<Value> {
  const { operator, parameter, expression } = aggregation;
  const folding = foldingOf(aggregation, grid.stepCount, context);
  if (folding) {
    yield* handOverRows(expression, { grid, context, takeRows: (rows) => folding.add(rows) });
    return { type: 'vector', table: folding.finish() };
  }
  const takesScalar = parameter && operator !== 'count_values';
  const scalar = takesScalar ? yield* evaluateScalar(parameter, grid, context) : new Float64Array(0);
  const table = yield* evaluateVector(expression, grid, context);
  const result = yield* aggregate(aggregation, {
    table,
    parameter: scalar,
    annotations: context.annotations,
  });
  return { type: 'vector', table: result };
}

/** Goes along a chain of operators in a loop: a generator in a generator for each would cost its square. */
function* evaluateChain(
  outermost: BinaryExpression,
  grid: StepGrid,
  context: EvaluationContext,
): Steps<Value> {
  const { first, links } = chainOf(outermost);
  // What of the chain has the same value at all steps is evaluated once.
  const invariant = grid.stepCount > 1 ? links.findLastIndex(isStepInvariant) : -1;
  let value = yield* evaluate(links[invariant] ?? first, grid, context);
  for (const link of links.slice(invariant + 1)) {
    const right = yield* evaluate(link.right, grid, context);
    value = yield* evaluateBinary(link, { left: value, right }, context);
    if (context.guard.spend(cellsOf(value))) yield;
  }
  return value;
}

function* evaluateBinary(
  binary: BinaryExpression,
  { left, right }: { readonly left: Value; readonly right: Value },
  context: EvaluationContext,
): Steps<Value> {
  const { operator, matching } = binary;
  if (left.type === 'scalar' && right.type === 'scalar') {
    return { type: 'scalar', values: combineScalars(binary, left.values, right.values) };
  }
  if (isSetOperator(operator)) {
    if (left.type !== 'vector' || right.type !== 'vector') throw new Error('set operators take vectors');
    return {
      type: 'vector',
      table: yield* combineAsSets(operator, { left: left.table, right: right.table }, matching),
    };
  }
  const operation = elementOperation(binary, operator, context);
  if (left.type === 'vector' && right.type === 'vector') {
    const options = { operation, guard: context.guard };
    return { type: 'vector', table: yield* combineVectors(left.table, right.table, matching, options) };
  }
  if (left.type === 'vector' && right.type === 'scalar') {
    yield* combineWithScalar(left.table, right.values, operation, 'left');
    return left;
  }
  if (left.type === 'scalar' && right.type === 'vector') {
    yield* combineWithScalar(right.table, left.values, operation, 'right');
    return right;
  }
  throw new Error(`operator ${operator} does not take ${typeOf(binary.left)} and ${typeOf(binary.right)}`);
}

function elementOperation(
  { returnBool, position }: BinaryExpression,
  operator: ElementOperator,
  { annotations }: EvaluationContext,
): ElementOperation {
  return new ElementOperation({ operator, returnBool, annotations, position });
}

function combineScalars(
  { operator }: BinaryExpression,
  left: Float64Array,
  right: Float64Array,
): Float64Array {
  if (isSetOperator(operator) || operator === '</' || operator === '>/') {
    throw new Error(`operator ${operator} does not take scalars`);
  }
  return left.map((value, step) => {
    const other = right[step] ?? NaN;
    if (!isComparison(operator)) return calculate(operator, value, other);
    return compare(operator, value, other) ? 1 : 0;
  });
}

/** A value of one step at many steps. */
function* repeat(value: Value, stepCount: number, context: EvaluationContext): Steps<Value> {
  switch (value.type) {
    case 'string':
      return value;
    case 'scalar':
      return { type: 'scalar', values: new Float64Array(stepCount).fill(value.values[0] ?? NaN) };
    case 'vector': {
      const { table } = value;
      context.guard.hold(table.rowCount * stepCount);
      const repeated = new VectorTable(stepCount, table.rowCount);
      yield* byRows({ rowCount: table.rowCount, stepCount }, (row) => {
        const cell = repeated.addRow(table.labels[row] ?? {}, table.dropsName[row] ?? false);
        for (let step = 0; step < stepCount; step++) repeated.copyCell(cell + step, table, row);
      });
      return { type: 'vector', table: repeated };
    }
  }
}
