import { formatExpression, parseExpression, type Expression } from '#promql';

/** Functions whose value depends on the evaluation time even where all selectors are fixed by `@`. */
const TIME_DEPENDENT = new Set(
  (
    'days_in_month day_of_month day_of_week day_of_year hour minute month year ' +
    'predict_linear time timestamp start end step range'
  ).split(' '),
);

/**
 * The query with every selector fixed at `timeMs` by `@`: it must have the same result whenever it is evaluated.
 * Null where the query depends on the evaluation time.
 */
export function fixedInTime(query: string, timeMs: number): string | null {
  const expression = parseExpression(query);
  return dependsOnTime(expression) ? null : formatExpression(fix(expression, timeMs));
}

function dependsOnTime(expression: Expression): boolean {
  switch (expression.kind) {
    case 'call':
      return TIME_DEPENDENT.has(expression.name) || expression.args.some(dependsOnTime);
    case 'binary':
      return dependsOnTime(expression.left) || dependsOnTime(expression.right);
    case 'aggregation':
      return (
        dependsOnTime(expression.expression) ||
        (expression.parameter ? dependsOnTime(expression.parameter) : false)
      );
    case 'parenthesized':
    case 'subquery':
      return dependsOnTime(expression.expression);
    case 'unary':
      return dependsOnTime(expression.operand);
    case 'number':
    case 'string':
    case 'vector_selector':
    case 'matrix_selector':
      return false;
  }
}

function fix(expression: Expression, timeMs: number): Expression {
  const at = { kind: 'time', timeMs } as const;
  switch (expression.kind) {
    case 'number':
    case 'string':
      return expression;
    case 'vector_selector':
      return { ...expression, at: expression.at ?? at };
    case 'matrix_selector':
      return { ...expression, selector: { ...expression.selector, at: expression.selector.at ?? at } };
    case 'subquery':
      // What is inside a fixed subquery is evaluated relative to it.
      return { ...expression, at: expression.at ?? at };
    case 'parenthesized':
      return { ...expression, expression: fix(expression.expression, timeMs) };
    case 'unary':
      return { ...expression, operand: fix(expression.operand, timeMs) };
    case 'call':
      return { ...expression, args: expression.args.map((arg) => fix(arg, timeMs)) };
    case 'aggregation':
      return {
        ...expression,
        expression: fix(expression.expression, timeMs),
        parameter: expression.parameter && fix(expression.parameter, timeMs),
      };
    case 'binary':
      return { ...expression, left: fix(expression.left, timeMs), right: fix(expression.right, timeMs) };
  }
}
