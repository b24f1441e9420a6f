import { chainOf, type BinaryExpression, type Expression } from './ast.ts';
import { formatAggregator, formatExpression, formatOperator, formatSubqueryRange } from './formatter.ts';
import { leastLength } from './least-length.ts';

/** What is longer than this many characters on one line is split over several. */
const maxLineLength = 100;
/** Deeper levels are indented no further: each link of a long chain is a level. */
const maxIndentedLevels = 200;

function indentOf(level: number): string {
  return '  '.repeat(Math.min(level, maxIndentedLevels));
}

/** The expression over several lines where it is long, indented by two spaces a level. */
export function prettyPrint(expression: Expression, level = 0): string {
  if (expression.kind === 'binary') return printChain(expression, level);
  const indent = indentOf(level);
  const line = lineOf(expression);
  if (line !== null) return indent + line;
  switch (expression.kind) {
    case 'number':
    case 'string':
    case 'vector_selector':
    case 'matrix_selector':
      return indent + formatExpression(expression);
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
    case 'parenthesized':
      return `${indent}(\n${prettyPrint(expression.expression, level + 1)}\n${indent})`;
    case 'subquery':
      return prettyPrint(expression.expression, level) + formatSubqueryRange(expression);
    case 'unary':
      return `${indent}${expression.operator}${prettyPrint(expression.operand, level).trimStart()}`;
  }
}

/** The expression on one line; null where it is too long. What nests deep is not written for each level anew. */
function lineOf(expression: Expression): string | null {
  if (leastLength(expression) > maxLineLength) return null;
  const line = formatExpression(expression);
  return line.length > maxLineLength ? null : line;
}

/** Each link of a chain has its operator on a line between its sides; as many of the first as fit share one line. */
function printChain(outermost: BinaryExpression, level: number): string {
  const { first, links } = chainOf(outermost);
  const levelOf = (place: number): number => level + links.length - 1 - place;
  let line = lineOf(first) ?? '';
  let place = 0;
  for (; line !== '' && place < links.length; place++) {
    const link = links[place];
    const right = link && lineOf(link.right);
    if (!link || right === null) break;
    const longer = `${line} ${formatOperator(link)} ${right}`;
    if (longer.length > maxLineLength) break;
    line = longer;
  }
  const start = place === 0 ? prettyPrint(first, levelOf(-1)) : indentOf(levelOf(place - 1)) + line;
  const rest = links.slice(place).map((link, distance) => {
    const own = levelOf(place + distance);
    return `\n${indentOf(own)}${formatOperator(link)}\n${prettyPrint(link.right, own + 1)}`;
  });
  return start + rest.join('');
}
