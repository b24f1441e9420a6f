import {
  chainOf,
  type Call,
  type Expression,
  type MatrixSelector,
  type Subquery,
  type VectorSelector,
} from '../syntax/ast.ts';
import { MAX_DURATION_SECONDS, type DurationExpression } from '../syntax/duration-expression.ts';
import { calculate, greater, smaller } from './arithmetic.ts';
import { evaluationError } from './query-error.ts';
import type { StepGrid } from './vector-table.ts';

/** What durations of a query may depend on, in seconds. */
interface QuerySpan {
  readonly stepSeconds: number;
  readonly rangeSeconds: number;
}

/** Whether a query has arithmetic in the place of durations. */
export function hasDurationExpressions(root: Expression): boolean {
  return resolved(root, null) !== root;
}

/**
 * The expression with the durations that its arithmetic comes to in a query; itself where it has none.
 * @param grid of a query at one time, `step()` and `range()` are 0
 * @throws OmoiError `query_failed` for what is no duration, with its place
 */
export function withDurations(expression: Expression, grid: StepGrid): Expression {
  const isInstant = grid.stepCount === 1 && grid.startMs === grid.endMs;
  const stepSeconds = isInstant ? 0 : grid.stepMs / 1000;
  return resolved(expression, { stepSeconds, rangeSeconds: (grid.endMs - grid.startMs) / 1000 });
}

/** @param span null: nothing is computed, whoever has such a duration is only copied */
function resolved(expression: Expression, span: QuerySpan | null): Expression {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression;
    case 'vector_selector':
      return selector(expression, span);
    case 'matrix_selector':
      return matrix(expression, span);
    case 'subquery':
      return subquery(expression, span);
    case 'parenthesized':
    case 'aggregation': {
      const inner = resolved(expression.expression, span);
      const parameter = expression.kind === 'aggregation' && expression.parameter;
      const first = parameter && resolved(parameter, span);
      if (inner === expression.expression && first === parameter) return expression;
      return first
        ? { ...expression, expression: inner, parameter: first }
        : { ...expression, expression: inner };
    }
    case 'unary': {
      const operand = resolved(expression.operand, span);
      return operand === expression.operand ? expression : { ...expression, operand };
    }
    case 'call':
      return call(expression, span);
    case 'binary': {
      const { first, links } = chainOf(expression);
      let left = resolved(first, span);
      for (const link of links) {
        const right = resolved(link.right, span);
        left = left === link.left && right === link.right ? link : { ...link, left, right };
      }
      return left;
    }
  }
}

function call(expression: Call, span: QuerySpan | null): Call {
  const args = expression.args.map((arg) => resolved(arg, span));
  return args.every((arg, at) => arg === expression.args[at]) ? expression : { ...expression, args };
}

function selector(expression: VectorSelector, span: QuerySpan | null): VectorSelector {
  const { offset } = expression;
  return offset ? { ...expression, offset: null, offsetMs: durationMs(offset, span) } : expression;
}

function matrix(expression: MatrixSelector, span: QuerySpan | null): MatrixSelector {
  const { range } = expression;
  const inner = selector(expression.selector, span);
  if (inner === expression.selector && !range) return expression;
  const rangeMs = range ? positiveMs(range, span) : expression.rangeMs;
  return { ...expression, selector: inner, range: null, rangeMs };
}

function subquery(expression: Subquery, span: QuerySpan | null): Subquery {
  const { range, step, offset } = expression;
  const inner = resolved(expression.expression, span);
  if (inner === expression.expression && !range && !step && !offset) return expression;
  return {
    ...expression,
    expression: inner,
    offset: null,
    offsetMs: offset ? durationMs(offset, span) : expression.offsetMs,
    step: null,
    stepMs: step ? positiveMs(step, span) : expression.stepMs,
    range: null,
    rangeMs: range ? positiveMs(range, span) : expression.rangeMs,
  };
}

function positiveMs(expression: DurationExpression, span: QuerySpan | null): number {
  if (span === null) return 0;
  const seconds = checkedSeconds(expression, span);
  if (seconds <= 0) throw failure(expression, 'duration must be greater than 0');
  return wholeMs(seconds);
}

function durationMs(expression: DurationExpression, span: QuerySpan | null): number {
  return span === null ? 0 : wholeMs(checkedSeconds(expression, span));
}

/** Cut off, as Prometheus does. */
function wholeMs(seconds: number): number {
  return Math.trunc(seconds * 1000) + 0;
}

function checkedSeconds(expression: DurationExpression, span: QuerySpan): number {
  const seconds = secondsOf(expression, span);
  if (!Number.isFinite(seconds)) throw failure(expression, 'duration is NaN or infinite');
  if (Math.abs(seconds) > MAX_DURATION_SECONDS) throw failure(expression, 'duration is out of range');
  return seconds;
}

function secondsOf(expression: DurationExpression, span: QuerySpan): number {
  switch (expression.kind) {
    case 'literal':
      return expression.seconds;
    case 'step':
      return span.stepSeconds;
    case 'range':
      return span.rangeSeconds;
    case 'parenthesized':
      return secondsOf(expression.expression, span);
    case 'negated':
      return -secondsOf(expression.operand, span);
    case 'min_of':
      return smaller(secondsOf(expression.left, span), secondsOf(expression.right, span));
    case 'max_of':
      return greater(secondsOf(expression.left, span), secondsOf(expression.right, span));
    case 'arithmetic':
      return calculated(expression, span);
  }
}

function calculated(
  expression: Extract<DurationExpression, { kind: 'arithmetic' }>,
  span: QuerySpan,
): number {
  const left = secondsOf(expression.left, span);
  const right = secondsOf(expression.right, span);
  if (right === 0 && expression.operator === '/') throw failure(expression, 'division by zero');
  if (right === 0 && expression.operator === '%') throw failure(expression, 'modulo by zero');
  return calculate(expression.operator, left, right);
}

function failure({ position: { start, end } }: DurationExpression, problem: string): Error {
  return evaluationError(`${start}:${end}: ${problem}`);
}
