import { AGGREGATORS, type Aggregator, type BinaryOperator } from './ast.ts';
import type { Token } from './lexer.ts';

const AGGREGATOR_NAMES: ReadonlySet<string> = new Set(AGGREGATORS);
const WORD_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'atan2']);
const KEYWORDS: ReadonlySet<string> = new Set([
  'offset',
  'smoothed',
  'anchored',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
]);
/** Keywords that can't name a metric outside braces. */
const NEVER_METRICS: ReadonlySet<string> = new Set([
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'atan2',
  'inf',
  'nan',
]);
/** Words that mean something only in certain places; elsewhere they are names. */
const PLACES: ReadonlySet<string> = new Set(['start', 'end', 'step', 'range', 'max_of', 'min_of']);

const EXPERIMENTAL_AGGREGATORS: ReadonlySet<Aggregator> = new Set<Aggregator>(['limitk', 'limit_ratio']);

/** Those that Prometheus 3.14 has behind `promql-experimental-functions`. */
export function isExperimentalAggregator(operator: Aggregator): boolean {
  return EXPERIMENTAL_AGGREGATORS.has(operator);
}

export function asAggregator({ word }: Token): Aggregator | null {
  return isAggregator(word) ? word : null;
}

function isAggregator(word: string): word is Aggregator {
  return AGGREGATOR_NAMES.has(word);
}

/** Whether a word may stand for a metric where an expression is expected. */
export function isMetricName(token: Token): boolean {
  return token.word !== '' && !NEVER_METRICS.has(token.word);
}

/** Whether an expression may begin with a token. */
export function beginsExpression(token: Token): boolean {
  const { kind, text } = token;
  switch (kind) {
    case 'string':
    case 'number':
    case 'duration':
      return true;
    case 'word':
      return isMetricName(token) || isSpecialNumber(token);
    case 'operator':
      return text === '+' || text === '-';
    case 'punctuation':
      return text === '(' || text === '{';
    case 'end':
    case 'error':
      return false;
  }
}

export function isSpecialNumber({ word }: Token): boolean {
  return word === 'inf' || word === 'nan';
}

/** `start`, `end`, `step` …: functions in spite of being keywords. Aggregators are not among them, nor is `a:b`. */
export function isFunctionName({ word }: Token): boolean {
  return (
    !word.includes(':') && !AGGREGATOR_NAMES.has(word) && !WORD_OPERATORS.has(word) && !KEYWORDS.has(word)
  );
}

/** How a binary operator binds: the larger, the stronger. */
interface Binding {
  readonly operator: BinaryOperator;
  readonly precedence: number;
}

const LEVELS: readonly (readonly [precedence: number, operators: readonly BinaryOperator[]])[] = [
  [1, ['or']],
  [2, ['and', 'unless']],
  [3, ['==', '!=', '>', '<', '>=', '<=', '</', '>/']],
  [4, ['+', '-']],
  [5, ['*', '/', '%', 'atan2']],
  [7, ['^']],
];
const BINDINGS: ReadonlyMap<string, Binding> = new Map(
  LEVELS.flatMap(([precedence, operators]) =>
    operators.map((operator) => [operator, { operator, precedence }] as const),
  ),
);
/** All of them, as they are written in lower case. */
export const BINARY_OPERATORS: readonly string[] = LEVELS.flatMap(([, operators]) => operators);
/** A sign binds like `*`: `-a ^ b` is `-(a ^ b)`, `-a * b` is `(-a) * b`. */
export const SIGN_PRECEDENCE = 6;

export function asBinaryOperator({ kind, text, word }: Token): Binding | null {
  if (kind !== 'operator' && kind !== 'word') return null;
  return BINDINGS.get(kind === 'word' ? word : text) ?? null;
}

/**
 * A token as Prometheus's parser names it when it did not expect it.
 * @param inBraces true where no word is a keyword
 */
export function describeToken(token: Token, inBraces: boolean): string {
  const { kind, text, word } = token;
  switch (kind) {
    case 'end':
      return 'end of input';
    case 'error':
      return text;
    case 'operator':
      // Not an operator of its own: it only stands between a label and its value.
      return text === '=' ? '"="' : `<op:${text}>`;
    case 'punctuation':
      return JSON.stringify(text);
    case 'string':
      return `string ${abbreviated(text)}`;
    case 'number':
    case 'duration':
      return `${kind} ${abbreviated(text)}`;
    case 'word':
      if (inBraces) return `identifier ${JSON.stringify(text)}`;
      if (WORD_OPERATORS.has(word)) return `<op:${text}>`;
      if (AGGREGATOR_NAMES.has(word)) return `<aggr:${text}>`;
      if (KEYWORDS.has(word)) return `<${text}>`;
      if (isSpecialNumber(token)) return `number ${abbreviated(text)}`;
      if (PLACES.has(word)) return JSON.stringify(text);
      return `${text.includes(':') ? 'metric identifier' : 'identifier'} ${JSON.stringify(text)}`;
  }
}

function abbreviated(text: string): string {
  return text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : JSON.stringify(text);
}
