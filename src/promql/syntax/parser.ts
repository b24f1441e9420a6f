import { OmoiError, type Matcher } from '#telemetry';
import type { Aggregation, Aggregator, Call, Expression, VectorSelector } from './ast.ts';
import { childrenOf } from './children.ts';
import { checkExpression } from './checker.ts';
import { ALL_FEATURES, NO_FEATURES, type PromqlFeatures } from './features.ts';
import { isExperimentalFunction, signatureOf } from './function-signatures.ts';
import {
  SIGN_PRECEDENCE,
  asAggregator,
  asBinaryOperator,
  beginsExpression,
  isExperimentalAggregator,
  isFunctionName,
  isMetricName,
  isSpecialNumber,
} from './keywords.ts';
import type { Token } from './lexer.ts';
import { readBinaryModifiers, readLabelList } from './matching-parser.ts';
import { readNumber } from './duration-parser.ts';
import { readModifiers } from './modifier-parser.ts';
import { readSelector } from './selector-parser.ts';
import { unquote } from './text-literals.ts';
import { maxQueryTokens, requireFeature, TokenReader } from './token-reader.ts';

/** How deep expressions may nest: brackets, calls, signs, right sides. A chain of operators may be any length. */
export const maxExpressionDepth = 400;

/** In characters: a text is searched and copied in one go. */
const MAX_QUERY_LENGTH = 65_536;

/**
 * Parses and checks a query. Operators bind as in Prometheus; one-token lookahead, linear time.
 * @param features what is on; where it is not given, all: whoever reads what an engine has taken knows it all
 * @throws OmoiError `query_invalid` with details `line`, `column` (from 1) and `offset` (UTF-16 code units)
 */
export function parseExpression(text: string, features: PromqlFeatures = ALL_FEATURES): Expression {
  return parse(new TokenReader(text, Infinity, features));
}

function parse(reader: TokenReader): Expression {
  if (reader.kind() === 'end') reader.fail(0, 'no expression found in input');
  const expression = new ExpressionParser(reader).parseOperators(0);
  if (reader.kind() !== 'end') reader.unexpected();
  limitDepth(reader, expression);
  checkExpression(expression, reader.text);
  return expression;
}

/** As `parseExpression`, what somebody sent. @throws OmoiError `query_limit`, too, where the text is too large */
export function parseQuery(text: string, features: PromqlFeatures): Expression {
  limitLength(text);
  return parse(new TokenReader(text, maxQueryTokens, features));
}

function limitLength(text: string): void {
  if (text.length <= MAX_QUERY_LENGTH) return;
  const message = `the query has ${text.length} characters: more than maxQueryLength (${MAX_QUERY_LENGTH})`;
  throw new OmoiError('query_limit', message, { limit: 'maxQueryLength', value: MAX_QUERY_LENGTH });
}

/**
 * Parses a series selector that stands alone, as in `match[]`: a metric name, matchers or both, and nothing else.
 * One that every series would match is a selector, too.
 * @throws OmoiError `query_invalid`, `query_limit`, as `parseExpression`
 */
export function parseSelector(text: string): VectorSelector {
  limitLength(text);
  const reader = new TokenReader(text, maxQueryTokens, NO_FEATURES);
  if (!isMetricName(reader.current) && !reader.at('{')) reader.unexpected();
  const selector = readSelector(reader);
  if (reader.current.kind !== 'end') reader.unexpected();
  return selector;
}

/**
 * Parses one matcher that stands alone: `job="api"`, `"a.b"=~"c"`.
 * @throws OmoiError `query_invalid`, `query_limit`, as `parseExpression`
 */
export function parseMatcher(text: string): Matcher {
  const [matcher, ...others] = parseSelector(`{${text}}`).matchers;
  if (matcher === undefined || others.length > 0) {
    throw new OmoiError(
      'query_invalid',
      `expected one matcher, found ${matcher ? others.length + 1 : 'none'}`,
    );
  }
  return matcher;
}

/** Precedence climbing over the tokens of one query. */
class ExpressionParser {
  readonly #reader: TokenReader;
  #depth = 0;
  /** How many aggregations' arguments are being read. */
  #aggregations = 0;

  constructor(reader: TokenReader) {
    this.#reader = reader;
  }

  /** An expression whose operators all bind at least as strongly as `minimum`. */
  parseOperators(minimum: number): Expression {
    const reader = this.#reader;
    if (++this.#depth > maxExpressionDepth) failForDepth(reader, reader.current.start);
    let left = this.#parseOperand();
    for (;;) {
      const found = asBinaryOperator(reader.current);
      if (!found || found.precedence < minimum) break;
      const { operator, precedence } = found;
      reader.advance();
      const { returnBool, matching } = readBinaryModifiers(reader);
      const right = this.parseOperators(operator === '^' ? precedence : precedence + 1);
      const position = { start: left.position.start, end: right.position.end };
      left = { kind: 'binary', operator, left, right, returnBool, matching, position };
    }
    this.#depth--;
    return left;
  }

  #parseOperand(): Expression {
    const reader = this.#reader;
    if (!reader.at('-') && !reader.at('+')) return readModifiers(reader, this.#parsePrimary());
    const sign = reader.advance();
    const operand = this.parseOperators(SIGN_PRECEDENCE);
    const position = { start: sign.start, end: operand.position.end };
    const operator = sign.text === '-' ? '-' : '+';
    if (operand.kind !== 'number') return { kind: 'unary', operator, operand, position };
    return { ...operand, value: operator === '-' ? -operand.value : operand.value, position };
  }

  #parsePrimary(): Expression {
    const reader = this.#reader;
    const token = reader.current;
    switch (token.kind) {
      case 'string':
        reader.advance();
        return {
          kind: 'string',
          value: unquote(token.text),
          position: { start: token.start, end: token.end },
        };
      case 'word':
        return this.#parseWord(token);
      case 'number':
      case 'duration':
        return this.#parseNumber(token);
      case 'punctuation':
        if (token.text === '(') return this.#parseParentheses();
        if (token.text === '{') return readSelector(reader);
        return this.#unexpected();
      case 'operator':
      case 'end':
      case 'error':
        return this.#unexpected();
    }
  }

  /** Prometheus says so much of the place: what is unexpected in an aggregation's arguments, however deep, is so there. */
  #unexpected(): never {
    return this.#reader.unexpected(this.#aggregations > 0 ? 'aggregation' : '');
  }

  #parseNumber(token: Token): Expression {
    const number = readNumber(this.#reader);
    if (!number) return this.#unexpected();
    const position = { start: token.start, end: token.end };
    return { kind: 'number', value: number.seconds, isDuration: number.isDuration, position };
  }

  #parseParentheses(): Expression {
    const reader = this.#reader;
    const { start } = reader.advance();
    const expression = this.parseOperators(0);
    if (!reader.skip(')')) this.#unexpected();
    return { kind: 'parenthesized', expression, position: { start, end: reader.previousEnd } };
  }

  #parseWord(token: Token): Expression {
    const reader = this.#reader;
    if (isSpecialNumber(token)) return this.#parseNumber(token);
    const next = reader.peekCharacter();
    const aggregator = asAggregator(token);
    if (aggregator && (next === '(' || ['by', 'without'].includes(reader.peekWord()))) {
      return this.#parseAggregation(aggregator);
    }
    if (next === '(' && isFunctionName(token)) return this.#parseCall();
    if (!isMetricName(token)) return this.#unexpected();
    return readSelector(reader);
  }

  #parseCall(): Call {
    const reader = this.#reader;
    if (isExperimentalFunction(reader.current.text))
      requireFeature(reader, 'promql-experimental-functions', `function "${reader.current.text}"`);
    const { text: name, start } = reader.advance();
    const args = this.#parseArguments();
    if (!signatureOf(name)) reader.fail(start, `unknown function with name ${JSON.stringify(name)}`);
    return { kind: 'call', name, args, position: { start, end: reader.previousEnd } };
  }

  #parseArguments(): readonly Expression[] {
    const reader = this.#reader;
    reader.advance();
    const args: Expression[] = [];
    while (!reader.at(')')) {
      args.push(this.parseOperators(0));
      const comma = reader.current;
      if (!reader.skip(',')) break;
      const isError = reader.kind() === 'error';
      if (!isError && !beginsExpression(reader.current)) {
        reader.fail(comma.start, 'trailing commas not allowed in function call args');
      }
    }
    if (!reader.skip(')')) this.#unexpected();
    return args;
  }

  #parseAggregation(operator: Aggregator): Aggregation {
    const reader = this.#reader;
    if (isExperimentalAggregator(operator))
      requireFeature(reader, 'promql-experimental-functions', `${operator}()`);
    const { start } = reader.advance();
    let grouping = this.#parseGrouping();
    if (!reader.at('(')) reader.unexpected('aggregation');
    this.#aggregations++;
    const args = this.#parseArguments();
    this.#aggregations--;
    let end = reader.previousEnd;
    if (!grouping) {
      grouping = this.#parseGrouping();
      if (grouping) end = reader.previousEnd;
    }
    const [first, second] = args;
    if (!first) return reader.fail(start, 'no arguments for aggregate expression provided');
    const expected = WITH_PARAMETER.has(operator) ? 2 : 1;
    if (args.length !== expected) {
      reader.fail(
        start,
        `wrong number of arguments for aggregate expression provided, expected ${expected}, got ${args.length}`,
      );
    }
    return {
      kind: 'aggregation',
      operator,
      expression: second ?? first,
      parameter: second ? first : null,
      grouping: grouping?.labels ?? [],
      without: grouping?.without ?? false,
      position: { start, end },
    };
  }

  #parseGrouping(): { readonly labels: readonly string[]; readonly without: boolean } | null {
    const without = this.#reader.atWord('without');
    if (!without && !this.#reader.atWord('by')) return null;
    this.#reader.advance();
    return { labels: readLabelList(this.#reader), without };
  }
}

const WITH_PARAMETER: ReadonlySet<Aggregator> = new Set([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);

/** Holds the finished tree against the limit: a subquery, for one, nests what was read before it. */
function limitDepth(reader: TokenReader, expression: Expression, depth = 1): void {
  if (depth > maxExpressionDepth) failForDepth(reader, expression.position.start);
  let node = expression;
  for (; node.kind === 'binary'; node = node.left) limitDepth(reader, node.right, depth + 1);
  if (node !== expression) limitDepth(reader, node, depth + 1);
  else for (const child of childrenOf(node)) limitDepth(reader, child, depth + 1);
}

function failForDepth(reader: TokenReader, offset: number): never {
  reader.fail(offset, `the expression nests deeper than maxExpressionDepth (${maxExpressionDepth})`);
}
