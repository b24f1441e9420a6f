import { METRIC_NAME_LABEL } from '#telemetry';
import {
  chainOf,
  isComparison,
  isSetOperator,
  type Aggregation,
  type BinaryExpression,
  type Call,
  type Expression,
  type ValueType,
  type VectorSelector,
} from './ast.ts';
import { signatureOf } from './function-signatures.ts';
import { syntaxError } from './position.ts';

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

/** What an expression evaluates to, without checking it. */
export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector_selector':
    case 'aggregation':
      return 'vector';
    case 'matrix_selector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return signatureOf(expression.name)?.returns ?? 'vector';
    case 'parenthesized':
      return typeOf(expression.expression);
    case 'unary':
      return typeOf(expression.operand);
    case 'binary':
      return typeOfChain(expression);
  }
}

/** Trees do not change, and whoever walks one asks for the type at each level. */
const knownChains = new WeakMap<BinaryExpression, 'scalar' | 'vector'>();

function typeOfChain(outermost: BinaryExpression): ValueType {
  let type = knownChains.get(outermost);
  if (type === undefined) {
    type = isScalarChain(outermost) ? 'scalar' : 'vector';
    knownChains.set(outermost, type);
  }
  return type;
}

function isScalarChain(outermost: BinaryExpression): boolean {
  let node: Expression = outermost;
  for (; node.kind === 'binary'; node = node.left) if (typeOf(node.right) !== 'scalar') return false;
  return typeOf(node) === 'scalar';
}

/**
 * Checks types, argument counts and what else the grammar leaves open, and answers the expression's type.
 * @param text the query the expression was parsed from, for positions
 * @throws OmoiError `query_invalid`
 */
export function checkExpression(expression: Expression, text: string): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'vector_selector':
      checkSelector(expression, text);
      return 'vector';
    case 'matrix_selector':
      checkSelector(expression.selector, text);
      return 'matrix';
    case 'subquery': {
      const inner = checkExpression(expression.expression, text);
      if (inner !== 'vector') {
        fail(text, expression, `subquery is only allowed on instant vector, got ${inner} instead`);
      }
      return 'matrix';
    }
    case 'parenthesized':
      return checkExpression(expression.expression, text);
    case 'unary': {
      const type = checkExpression(expression.operand, text);
      if (type === 'scalar' || type === 'vector') return type;
      return fail(
        text,
        expression,
        `unary expression only allowed on expressions of type scalar or instant vector, got "${TYPE_NAMES[type]}"`,
      );
    }
    case 'call':
      return checkCall(expression, text);
    case 'aggregation':
      checkAggregation(expression, text);
      return 'vector';
    case 'binary': {
      const { first, links } = chainOf(expression);
      let type = checkExpression(first, text);
      for (const link of links) {
        type = checkBinary(link, { left: type, right: checkExpression(link.right, text) }, text);
      }
      return type;
    }
  }
}

function fail(text: string, at: Expression, problem: string): never {
  throw syntaxError(text, at.position.start, problem);
}

function checkSelector(selector: VectorSelector, text: string): void {
  if (selector.name !== '') {
    const twice = selector.matchers.slice(0, -1).find((matcher) => matcher.name === METRIC_NAME_LABEL);
    if (!twice) return;
    fail(text, selector, `metric name must not be set twice: "${selector.name}" or "${twice.value}"`);
  }
  if (selector.matchers.some((matcher) => !matcher.matches(''))) return;
  fail(text, selector, 'vector selector must contain at least one non-empty matcher');
}

function checkCall(call: Call, text: string): ValueType {
  const signature = signatureOf(call.name);
  if (!signature) return fail(text, call, `unknown function with name "${call.name}"`);
  const { args, variadic } = signature;
  const given = call.args.length;
  const of = `argument(s) in call to "${call.name}", got ${given}`;
  const least = variadic === 0 ? args.length : args.length - 1;
  if (variadic === 0 && given !== args.length) fail(text, call, `expected ${args.length} ${of}`);
  if (given < least) fail(text, call, `expected at least ${least} ${of}`);
  if (variadic > 0 && given > least + variadic) {
    fail(text, call, `expected at most ${least + variadic} ${of}`);
  }
  if (call.name === 'info') return checkInfo(call, text);
  call.args.forEach((arg, place) => {
    const wanted = args[Math.min(place, args.length - 1)];
    const type = checkExpression(arg, text);
    if (wanted === undefined || type === wanted) return;
    fail(
      text,
      arg,
      `expected type ${TYPE_NAMES[wanted]} in call to function "${call.name}", got ${TYPE_NAMES[type]}`,
    );
  });
  return signature.returns;
}

/** The second argument of `info` says which labels are wanted: a selector without a name, which may match everything. */
function checkInfo(call: Call, text: string): ValueType {
  const [of, by] = call.args;
  if (of) expectType(of, 'vector', { text, context: 'call to function "info"' });
  if (!by) return 'vector';
  const type = typeOf(by);
  if (type !== 'vector')
    fail(
      text,
      call,
      `expected type ${TYPE_NAMES.vector} in call to function "info", got ${TYPE_NAMES[type]}`,
    );
  if (by.kind !== 'vector_selector') return fail(text, by, 'expected label selectors only');
  if (by.name !== '') fail(text, by, 'expected label selectors only, got vector selector instead');
  return 'vector';
}

function checkAggregation(aggregation: Aggregation, text: string): void {
  expectType(aggregation.expression, 'vector', { text, context: 'aggregation expression' });
  if (!aggregation.parameter) return;
  const wanted = aggregation.operator === 'count_values' ? 'string' : 'scalar';
  expectType(aggregation.parameter, wanted, { text, context: 'aggregation parameter' });
}

function expectType(
  expression: Expression,
  wanted: ValueType,
  { text, context }: { readonly text: string; readonly context: string },
): void {
  const type = checkExpression(expression, text);
  if (type === wanted) return;
  fail(text, expression, `expected type ${TYPE_NAMES[wanted]} in ${context}, got ${TYPE_NAMES[type]}`);
}

function checkBinary(
  binary: BinaryExpression,
  { left, right }: { readonly left: ValueType; readonly right: ValueType },
  text: string,
): ValueType {
  const { operator, matching } = binary;
  const bothScalar = left === 'scalar' && right === 'scalar';
  if (binary.returnBool && !isComparison(operator)) {
    failAtOperator(text, binary, 'bool modifier can only be used on comparison operators');
  }
  if (bothScalar && !binary.returnBool && isComparison(operator)) {
    failAtOperator(text, binary, 'comparisons between scalars must use BOOL modifier');
  }
  const both = matching.on ? sharedName(matching.labels, matching.include) : undefined;
  if (both !== undefined) {
    failAtOperator(text, binary, `label "${both}" must not occur in ON and GROUP clause at once`);
  }
  checkOperand(binary.left, left, text);
  checkOperand(binary.right, right, text);
  checkFill(binary, { left, right }, text);
  if (left === 'scalar' || right === 'scalar') {
    if (matching.labels.length > 0) {
      fail(text, binary, 'vector matching only allowed between instant vectors');
    }
    if (isSetOperator(operator)) {
      fail(text, binary, `set operator "${operator}" not allowed in binary scalar expression`);
    }
    if (bothScalar && (operator === '</' || operator === '>/')) {
      fail(text, binary, `operator "${operator}" not allowed for Scalar operations`);
    }
  } else if (isSetOperator(operator) && matching.cardinality !== 'one-to-one') {
    fail(text, binary, `no grouping allowed for "${operator}" operation`);
  }
  return bothScalar ? 'scalar' : 'vector';
}

function checkFill(
  binary: BinaryExpression,
  { left, right }: { readonly left: ValueType; readonly right: ValueType },
  text: string,
): void {
  const { fill } = binary.matching;
  if (fill.left === null && fill.right === null) return;
  if (left === 'scalar' || right === 'scalar')
    fail(text, binary, 'filling in missing series only allowed between instant vectors');
  if (isSetOperator(binary.operator))
    fail(text, binary, 'filling in missing series not allowed for set operators');
}

/** The first of the names that is among the others, too. */
function sharedName(names: readonly string[], others: readonly string[]): string | undefined {
  if (others.length === 0) return undefined;
  const known = new Set(others);
  return names.find((name) => known.has(name));
}

function checkOperand(operand: Expression, type: ValueType, text: string): void {
  if (type === 'scalar' || type === 'vector') return;
  fail(text, operand, 'binary expression must contain only scalar and instant vector types');
}

function failAtOperator(text: string, binary: BinaryExpression, problem: string): never {
  throw syntaxError(text, operatorOffset(binary, text), problem);
}

/** Where the operator stands: the first character behind the left side that is not blank. */
function operatorOffset(binary: BinaryExpression, text: string): number {
  let offset = binary.left.position.end;
  while (/\s/.test(text.charAt(offset))) offset++;
  return offset;
}
