import type { Matcher } from '#telemetry';
import type { DurationExpression } from './duration-expression.ts';
import type { Position } from './position.ts';

/** What an expression evaluates to. */
export type ValueType = 'scalar' | 'vector' | 'matrix' | 'string';

export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | BinaryExpression
  | UnaryExpression
  | Parenthesized;

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration (`5m`): the value is in seconds. */
  readonly isDuration: boolean;
  readonly position: Position;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly position: Position;
}

/** What follows `@`: a fixed time, or the start or end of the whole query. */
export type AtModifier =
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

/** How a range begins and ends: at a sample (`anchored`), or at a value interpolated between samples (`smoothed`). */
export type Boundary = 'anchored' | 'smoothed';

export interface VectorSelector {
  readonly kind: 'vector_selector';
  /** The metric name written before the braces; '' where there is none. Its matcher is the last of `matchers`. */
  readonly name: string;
  readonly matchers: readonly Matcher[];
  /** Positive looks back. Without meaning where `offset` is to be computed first. */
  readonly offsetMs: number;
  /** The offset where it is written as arithmetic: known when the query's step and range are. */
  readonly offset: DurationExpression | null;
  readonly at: AtModifier | null;
  /** Null: the range's samples as they are. Of an instant selector only `smoothed` has a meaning. */
  readonly boundary: Boundary | null;
  readonly position: Position;
}

export interface MatrixSelector {
  readonly kind: 'matrix_selector';
  /** Carries offset, `@` and boundary of the whole. */
  readonly selector: VectorSelector;
  readonly rangeMs: number;
  /** The range where it is written as arithmetic. */
  readonly range: DurationExpression | null;
  readonly position: Position;
}

export interface Subquery {
  readonly kind: 'subquery';
  readonly expression: Expression;
  readonly rangeMs: number;
  /** The range where it is written as arithmetic. */
  readonly range: DurationExpression | null;
  /** Null: the engine's default resolution. */
  readonly stepMs: number | null;
  /** The step where it is written as arithmetic. */
  readonly step: DurationExpression | null;
  readonly offsetMs: number;
  /** The offset where it is written as arithmetic. */
  readonly offset: DurationExpression | null;
  readonly at: AtModifier | null;
  readonly position: Position;
}

export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
  readonly position: Position;
}

export const AGGREGATORS = [
  'sum',
  'avg',
  'count',
  'min',
  'max',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
] as const;
export type Aggregator = (typeof AGGREGATORS)[number];

export interface Aggregation {
  readonly kind: 'aggregation';
  readonly operator: Aggregator;
  readonly expression: Expression;
  /** k, φ, the ratio or the label of count_values. */
  readonly parameter: Expression | null;
  readonly grouping: readonly string[];
  /** True: `grouping` names what is dropped rather than what is kept. */
  readonly without: boolean;
  readonly position: Position;
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '>' | '<' | '>=' | '<=';
export type SetOperator = 'and' | 'or' | 'unless';
/** Cut a native histogram's observations above (`</`) or below (`>/`) a value. */
export type TrimOperator = '</' | '>/';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator | TrimOperator;

/** How the elements of two vectors find each other. */
export interface VectorMatching {
  /** Ignored by set operators, which match many to many. */
  readonly cardinality: 'one-to-one' | 'many-to-one' | 'one-to-many';
  /** True: only `labels` must be equal. False: all labels but these. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels that group_left/group_right copies from the "one" side. */
  readonly include: readonly string[];
  /** What stands in for the sample of a side that has none for a group; null: the other side's is left out. */
  readonly fill: { readonly left: number | null; readonly right: number | null };
}

export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** A comparison that answers 0 or 1 rather than filtering. */
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
  readonly position: Position;
}

export interface UnaryExpression {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly operand: Expression;
  readonly position: Position;
}

export interface Parenthesized {
  readonly kind: 'parenthesized';
  readonly expression: Expression;
  readonly position: Position;
}

const COMPARISONS: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '>', '<', '>=', '<=']);

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return COMPARISONS.has(operator);
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return operator === 'and' || operator === 'or' || operator === 'unless';
}

/** The expression without the parentheses around it. */
export function unwrap(expression: Expression): Expression {
  let inner = expression;
  while (inner.kind === 'parenthesized') inner = inner.expression;
  return inner;
}

/**
 * A chain of operators, `a or b or c`, nests its left sides as deep as it is long. Whatever walks an expression goes
 * along the chain in a loop and leaves recursion to what really nests.
 */
export interface OperatorChain {
  /** The leftmost operand, which is no binary expression. */
  readonly first: Expression;
  /** From the innermost to the outermost; the left side of each is the one before it. */
  readonly links: readonly BinaryExpression[];
}

export function chainOf(outermost: BinaryExpression): OperatorChain {
  const links: BinaryExpression[] = [];
  let first: Expression = outermost;
  while (first.kind === 'binary') {
    links.push(first);
    first = first.left;
  }
  return { first, links: links.reverse() };
}
