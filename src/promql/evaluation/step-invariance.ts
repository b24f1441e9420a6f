import { chainOf, unwrap, type Expression } from '../syntax/ast.ts';
import { childrenOf } from '../syntax/children.ts';

/** Functions whose result depends on the time they are evaluated at, whatever their arguments are. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
  'predict_linear',
  'time',
  'timestamp',
]);

const known = new WeakMap<Expression, boolean>();

/**
 * Whether an expression has the same value at all steps of a query, so that one evaluation will do: everything it
 * selects is fixed in time by `@`.
 */
export function isStepInvariant(expression: Expression): boolean {
  let invariant = known.get(expression);
  if (invariant === undefined) {
    // From the inside out, so that each link of a chain finds the one below it known.
    if (expression.kind === 'binary') {
      for (const link of chainOf(expression).links.slice(0, -1)) known.set(link, compute(link));
    }
    invariant = compute(expression);
    known.set(expression, invariant);
  }
  return invariant;
}

function compute(expression: Expression): boolean {
  if (expression.kind === 'vector_selector' || expression.kind === 'subquery') return expression.at !== null;
  if (expression.kind !== 'call' || !TIME_DEPENDENT.has(expression.name)) {
    return childrenOf(expression).every(isStepInvariant);
  }
  const argument = expression.args[0] && unwrap(expression.args[0]);
  return expression.name === 'timestamp' && argument?.kind === 'vector_selector' && argument.at !== null;
}
