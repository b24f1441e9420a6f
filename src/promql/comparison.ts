import { METRIC_NAME_LABEL } from '#telemetry';
import { calculate } from './evaluation/arithmetic.ts';
import {
  chainOf,
  isComparison,
  isSetOperator,
  unwrap,
  type ComparisonOperator,
  type Expression,
} from './syntax/ast.ts';

/** One metric compared with a number: what an alert can name as its metric and threshold. */
export interface Comparison {
  readonly metricName: string;
  /** As if the metric stood on the left. */
  readonly operator: ComparisonOperator;
  readonly threshold: number;
}

const MIRRORED: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '==': '==',
  '!=': '!=',
  '>': '<',
  '<': '>',
  '>=': '<=',
  '<=': '>=',
};
const TRANSPARENT_AGGREGATIONS: ReadonlySet<string> = new Set(['sum', 'avg', 'max', 'min']);

/**
 * What an expression compares, or null where it does not compare one metric (a selector, or its sum, average,
 * maximum or minimum) with a number. Of `X and Y` it is what X compares.
 */
export function comparisonOf(expression: Expression): Comparison | null {
  let node = unwrap(expression);
  while (node.kind === 'binary' && node.operator === 'and') node = unwrap(node.left);
  if (node.kind !== 'binary') return null;
  if (!isComparison(node.operator)) return null;
  return (
    compared(node.left, node.operator, node.right) ?? compared(node.right, MIRRORED[node.operator], node.left)
  );
}

function compared(metric: Expression, operator: ComparisonOperator, number: Expression): Comparison | null {
  const metricName = metricNameIn(metric);
  const threshold = constantOf(number);
  return metricName === null || threshold === null ? null : { metricName, operator, threshold };
}

function metricNameIn(expression: Expression): string | null {
  const node = unwrap(expression);
  if (node.kind === 'aggregation' && TRANSPARENT_AGGREGATIONS.has(node.operator)) {
    return metricNameIn(node.expression);
  }
  if (node.kind !== 'vector_selector') return null;
  const named = node.matchers.find(({ name, operator }) => name === METRIC_NAME_LABEL && operator === '=');
  return named?.value ?? null;
}

/** The value of an expression of numbers only (`10 * 60`); null for others. */
function constantOf(expression: Expression): number | null {
  const node = unwrap(expression);
  if (node.kind === 'number') return node.value;
  if (node.kind === 'unary') {
    const operand = constantOf(node.operand);
    return operand === null ? null : node.operator === '-' ? -operand : operand;
  }
  if (node.kind !== 'binary') return null;
  const { first, links } = chainOf(node);
  let value = constantOf(first);
  for (const { operator, right } of links) {
    if (isComparison(operator) || isSetOperator(operator) || operator === '</' || operator === '>/')
      return null;
    const other = constantOf(right);
    value = value === null || other === null ? null : calculate(operator, value, other);
  }
  return value;
}
