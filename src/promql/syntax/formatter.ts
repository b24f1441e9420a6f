import { formatDuration, type Matcher } from '#telemetry';
import {
  chainOf,
  type Aggregation,
  type AtModifier,
  type BinaryExpression,
  type Expression,
  type Subquery,
  type VectorSelector,
} from './ast.ts';
import type { DurationExpression } from './duration-expression.ts';
import { formatDurationExpression } from './duration-formatter.ts';
import { formatDecimal, formatLabelName, quote } from './text-literals.ts';

/** The expression on one line, spaced as Prometheus does it; parsing the result gives an equal expression. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'number':
      return formatNumber(expression.value, expression.isDuration);
    case 'string':
      return quote(expression.value);
    case 'vector_selector':
      return `${formatSelector(expression)}${formatAt(expression.at)}${formatBoundary(expression)}${formatOffset(expression)}`;
    case 'matrix_selector': {
      const { selector, rangeMs, range } = expression;
      const written = `${formatSelector(selector)}[${durationOf(rangeMs, range)}]${formatBoundary(selector)}`;
      return written + formatTime(selector);
    }
    case 'subquery':
      return formatExpression(expression.expression) + formatSubqueryRange(expression);
    case 'call':
      return `${expression.name}(${expression.args.map(formatExpression).join(', ')})`;
    case 'aggregation': {
      const { parameter } = expression;
      const first = parameter ? `${formatExpression(parameter)}, ` : '';
      return `${formatAggregator(expression)}(${first}${formatExpression(expression.expression)})`;
    }
    case 'binary': {
      const { first, links } = chainOf(expression);
      const rest = links.map((link) => ` ${formatOperator(link)} ${formatExpression(link.right)}`);
      return formatExpression(first) + rest.join('');
    }
    case 'unary':
      return expression.operator + formatExpression(expression.operand);
    case 'parenthesized':
      return `(${formatExpression(expression.expression)})`;
  }
}

/** `sum by (a, b) `, with a space behind the list. */
export function formatAggregator({ operator, grouping, without }: Aggregation): string {
  if (!without && grouping.length === 0) return operator;
  return `${operator} ${without ? 'without' : 'by'} (${formatLabelNames(grouping)}) `;
}

/** The operator with its modifiers: `== bool on (a) group_left (b)`. */
export function formatOperator({ operator, returnBool, matching }: BinaryExpression): string {
  const { cardinality, on, labels, include } = matching;
  let text = operator + (returnBool ? ' bool' : '');
  if (on || labels.length > 0 || cardinality !== 'one-to-one') {
    text += ` ${on ? 'on' : 'ignoring'} (${formatLabelNames(labels)})`;
  }
  if (cardinality !== 'one-to-one') {
    text += ` group_${cardinality === 'many-to-one' ? 'left' : 'right'} (${formatLabelNames(include)})`;
  }
  return text + formatFill(matching.fill);
}

function formatFill({ left, right }: BinaryExpression['matching']['fill']): string {
  if (left !== null && Object.is(left, right)) return ` fill (${formatDecimal(left)})`;
  const ofLeft = left === null ? '' : ` fill_left (${formatDecimal(left)})`;
  return ofLeft + (right === null ? '' : ` fill_right (${formatDecimal(right)})`);
}

/** `[5m:1m] @ 12.000 offset 1h`. */
export function formatSubqueryRange(subquery: Subquery): string {
  const { rangeMs, range, stepMs, step } = subquery;
  const resolution = stepMs === null ? '' : durationOf(stepMs, step);
  return `[${durationOf(rangeMs, range)}:${resolution}]${formatTime(subquery)}`;
}

function formatNumber(value: number, isDuration: boolean): string {
  // A sign in front would not bind as strongly as the number itself.
  if (value === Infinity) return 'Inf';
  if (!isDuration) return formatDecimal(value);
  return `${value < 0 || Object.is(value, -0) ? '-' : ''}${formatDuration(Math.abs(value) * 1000)}`;
}

function formatSelector({ name, matchers }: VectorSelector): string {
  const shown = name === '' ? matchers : matchers.slice(0, -1);
  if (shown.length === 0 && name !== '') return name;
  return `${name}{${shown.map(formatMatcher).sort().join(',')}}`;
}

function formatMatcher({ name, operator, value }: Matcher): string {
  return `${formatLabelName(name)}${operator}${quote(value)}`;
}

/** A duration as it is written: as arithmetic, or as the number that it is. */
function durationOf(ms: number, expression: DurationExpression | null): string {
  return expression ? formatDurationExpression(expression) : formatDuration(ms);
}

function formatTime(node: Pick<VectorSelector, 'at' | 'offsetMs' | 'offset'>): string {
  return formatAt(node.at) + formatOffset(node);
}

function formatOffset({ offsetMs, offset: computed }: Pick<VectorSelector, 'offsetMs' | 'offset'>): string {
  if (computed) return ` offset ${formatDurationExpression(computed)}`;
  const sign = offsetMs < 0 ? '-' : '';
  return offsetMs === 0 ? '' : ` offset ${sign}${formatDuration(Math.abs(offsetMs))}`;
}

function formatBoundary({ boundary }: VectorSelector): string {
  return boundary === null ? '' : ` ${boundary}`;
}

function formatAt(at: AtModifier | null): string {
  if (!at) return '';
  return at.kind === 'time' ? ` @ ${(at.timeMs / 1000).toFixed(3)}` : ` @ ${at.kind}()`;
}

function formatLabelNames(names: readonly string[]): string {
  return names.map(formatLabelName).join(', ');
}
