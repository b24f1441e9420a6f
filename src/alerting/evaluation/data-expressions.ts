import type { Expression } from '#promql';

/**
 * The expressions whose elements are there whether or not a condition holds: what `x > 5`, `x > 5 and y < 3` or
 * `count by (job) (x > 5)` looks at, without the comparisons that drop elements. An alert whose labels none of them
 * has any more has lost its data. Null where a miss can't be a lack of data, as in `absent(x)`.
 */
export function dataExpressions(expression: Expression): readonly Expression[] | null {
  switch (expression.kind) {
    case 'parenthesized':
      return dataExpressions(expression.expression);
    case 'unary':
      return dataExpressions(expression.operand);
    case 'binary':
      return ofBinary(expression);
    case 'aggregation':
      return filters(expression.expression) ? dataExpressions(expression.expression) : [expression];
    case 'call':
      return ofCall(expression);
    case 'number':
    case 'string':
      return null;
    case 'vector_selector':
    case 'matrix_selector':
    case 'subquery':
      return [expression];
  }
}

type Binary = Extract<Expression, { kind: 'binary' }>;
type Call = Extract<Expression, { kind: 'call' }>;

/** Along a chain of operators in a loop: it may be thousands long. */
function ofBinary(expression: Binary): readonly Expression[] | null {
  const rightSides: (readonly Expression[])[] = [];
  let node: Expression = expression;
  while (node.kind === 'binary') {
    const { left, operator, right }: Binary = node;
    if (operator === 'or') {
      const side = dataExpressions(right);
      if (side === null) return null;
      rightSides.push(side);
    } else if (operator !== 'and' && operator !== 'unless') {
      if (!filters(node)) break;
      // Of a number and a vector it is the vector that can vanish.
      if (isConstant(left)) {
        node = right;
        continue;
      }
    }
    node = left;
  }
  const leftmost = node.kind === 'binary' ? [node] : dataExpressions(node);
  return leftmost === null ? null : [leftmost, ...rightSides.reverse()].flat();
}

function ofCall(expression: Call): readonly Expression[] | null {
  if (expression.name === 'absent' || expression.name === 'absent_over_time') return null;
  if (!filters(expression)) return [expression];
  const filtered = expression.args.find(filters);
  return filtered ? dataExpressions(filtered) : [expression];
}

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '>', '<', '>=', '<=']);
const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

/** Whether some part of the expression drops elements for their value, or makes some where there are none. */
const filters: Judgement = remembered((expression) => {
  switch (expression.kind) {
    case 'parenthesized':
    case 'aggregation':
      return filters(expression.expression);
    case 'unary':
      return filters(expression.operand);
    case 'binary': {
      const { operator, returnBool, left, right } = expression;
      if ((COMPARISONS.has(operator) && !returnBool) || SET_OPERATORS.has(operator)) return true;
      return filters(left) || filters(right);
    }
    case 'call':
      return (
        expression.name === 'absent' ||
        expression.name === 'absent_over_time' ||
        expression.args.some(filters)
      );
    case 'number':
    case 'string':
    case 'vector_selector':
    case 'matrix_selector':
    case 'subquery':
      return false;
  }
});

const isConstant: Judgement = remembered((expression) => {
  switch (expression.kind) {
    case 'parenthesized':
      return isConstant(expression.expression);
    case 'unary':
      return isConstant(expression.operand);
    case 'number':
    case 'string':
      return true;
    case 'binary':
      return isConstant(expression.left) && isConstant(expression.right);
    case 'call':
      return expression.name === 'scalar' || expression.name === 'time' || expression.name === 'pi';
    case 'aggregation':
    case 'vector_selector':
    case 'matrix_selector':
    case 'subquery':
      return false;
  }
});

type Judgement = (expression: Expression) => boolean;

/** Trees do not change: each node is judged once, however many of those above it ask. */
function remembered(judge: Judgement): Judgement {
  const known = new WeakMap<Expression, boolean>();
  return (expression) => {
    const judged = known.get(expression);
    if (judged !== undefined) return judged;
    // From the inside out, so that each link of a long chain finds the one below it judged.
    const links: Expression[] = [];
    for (let node = expression; node.kind === 'binary' && !known.has(node); node = node.left)
      links.push(node);
    for (const link of links.reverse()) known.set(link, judge(link));
    const answer = known.get(expression) ?? judge(expression);
    known.set(expression, answer);
    return answer;
  };
}
