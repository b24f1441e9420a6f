import { chainOf, type Expression } from './ast.ts';

/** Trees do not change. */
const known = new WeakMap<Expression, number>();

/**
 * Characters that `formatExpression` writes at least, so that what is far too long for a line need not be written to
 * see it: of names, values and brackets, without blanks and modifiers. Each node is measured once.
 */
export function leastLength(expression: Expression): number {
  let length = known.get(expression);
  if (length === undefined) {
    length = measure(expression);
    known.set(expression, length);
  }
  return length;
}

function measure(expression: Expression): number {
  switch (expression.kind) {
    case 'number':
      return 1;
    case 'string':
      return expression.value.length + 2;
    case 'vector_selector':
      return expression.matchers.reduce((sum, { value }) => sum + Math.max(1, value.length), 0);
    case 'matrix_selector':
      return leastLength(expression.selector) + 2;
    case 'subquery':
    case 'parenthesized':
      return leastLength(expression.expression) + 2;
    case 'call':
      return expression.args.reduce((sum, arg) => sum + leastLength(arg), expression.name.length + 2);
    case 'aggregation': {
      const { operator, grouping, parameter } = expression;
      const before = operator.length + lengthOf(grouping) + (parameter ? leastLength(parameter) : 0);
      return before + leastLength(expression.expression) + 2;
    }
    case 'binary': {
      const { first, links } = chainOf(expression);
      return links.reduce((sum, { operator, matching, right }) => {
        const modifiers = lengthOf(matching.labels) + lengthOf(matching.include);
        return sum + operator.length + modifiers + leastLength(right);
      }, leastLength(first));
    }
    case 'unary':
      return leastLength(expression.operand) + 1;
  }
}

function lengthOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length, 0);
}
