import type { Expression } from './ast.ts';
import { formatAggregator, formatExpression, formatOperator, formatSubqueryRange } from './formatter.ts';

/** What is longer than this many characters on one line is split over several. */
const maxLineLength = 100;

/** The expression over several lines where it is long, indented by two spaces a level. */
export function prettyPrint(expression: Expression, level = 0): string {
  const indent = '  '.repeat(level);
  const line = formatExpression(expression);
  if (line.length <= maxLineLength) return indent + line;
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'vector_selector':
    case 'matrix_selector':
      return indent + line;
    case 'call': {
      const args = expression.args.map((arg) => prettyPrint(arg, level + 1)).join(',\n');
      return `${indent}${expression.name}(\n${args}\n${indent})`;
    }
    case 'aggregation': {
      const { parameter } = expression;
      const args = parameter ? [parameter, expression.expression] : [expression.expression];
      const body = args.map((arg) => prettyPrint(arg, level + 1)).join(',\n');
      return `${indent}${formatAggregator(expression)}(\n${body}\n${indent})`;
    }
    case 'binary': {
      const left = prettyPrint(expression.left, level + 1);
      const right = prettyPrint(expression.right, level + 1);
      return `${left}\n${indent}${formatOperator(expression)}\n${right}`;
    }
    case 'parenthesized':
      return `${indent}(\n${prettyPrint(expression.expression, level + 1)}\n${indent})`;
    case 'subquery':
      return prettyPrint(expression.expression, level) + formatSubqueryRange(expression);
    case 'unary':
      return `${indent}${expression.operator}${prettyPrint(expression.operand, level).trimStart()}`;
  }
}
