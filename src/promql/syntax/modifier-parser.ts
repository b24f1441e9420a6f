import type { AtModifier, Expression, Subquery, VectorSelector } from './ast.ts';
import { experimentalError } from './position.ts';
import { formatFixed, parseDurationSeconds, parseNumber, quote } from './text-literals.ts';
import type { TokenReader } from './token-reader.ts';
import { isSpecialNumber } from './keywords.ts';

/** The longest duration that fits Prometheus's 64-bit nanoseconds, in seconds. */
const MAX_DURATION_SECONDS = 2 ** 63 / 1e9;
const MAX_TIME_SECONDS = 2 ** 63 / 1e3;
const DURATION_WORDS = ['step', 'range', 'max_of', 'min_of'];

/** Reads what may follow an expression: ranges, subqueries, `offset` and `@`, any number of them. */
export function readModifiers(reader: TokenReader, subject: Expression): Expression {
  let expression = subject;
  for (;;) {
    if (reader.at('[')) expression = readRange(reader, expression);
    else if (reader.atWord('offset')) expression = readOffset(reader, expression);
    else if (reader.at('@')) expression = readAt(reader, expression);
    else if (reader.atWord('anchored') || reader.atWord('smoothed')) {
      const { word, start } = reader.current;
      throw experimentalError(reader.text, start, `the ${word} modifier`);
    } else return expression;
  }
}

/** Reads one number or duration; null where neither comes next. */
export function readNumber(reader: TokenReader): { seconds: number; isDuration: boolean } | null {
  const token = reader.current;
  if (token.kind === 'number' || isSpecialNumber(token)) {
    reader.advance();
    const seconds = parseNumber(token.text);
    if (typeof seconds === 'string') {
      const problem = `strconv.ParseFloat: parsing ${quote(token.text)}: ${seconds}`;
      reader.fail(token.start, `error parsing number: ${problem}`);
    }
    return { seconds, isDuration: false };
  }
  if (token.kind !== 'duration') return null;
  const seconds = parseDurationSeconds(token.text);
  if (seconds === null) reader.fail(token.start, `not a valid duration string: "${token.text}"`);
  if (seconds > MAX_DURATION_SECONDS) reader.fail(token.start, 'duration out of range');
  reader.advance();
  return { seconds, isDuration: true };
}

function readRange(reader: TokenReader, expression: Expression): Expression {
  const bracket = reader.advance();
  const expected = 'number, duration, step(), or range()';
  const rangeMs = readPositiveDurationMs(reader, 'subquery or range selector', expected);
  if (reader.skip(':')) {
    const stepMs = reader.at(']')
      ? null
      : readPositiveDurationMs(reader, 'subquery selector', 'number, duration, step(), range(), or "]"');
    if (!reader.at(']')) unexpectedBehindDuration(reader, 'subquery selector', '"]"');
    reader.advance();
    const position = { start: expression.position.start, end: reader.previousEnd };
    return { kind: 'subquery', expression, rangeMs, stepMs, offsetMs: 0, at: null, position };
  }
  if (!reader.at(']')) unexpectedBehindDuration(reader, 'subquery or range', '":" or "]"');
  reader.advance();
  if (expression.kind !== 'vector_selector') {
    return reader.fail(bracket.start, 'ranges only allowed for vector selectors');
  }
  if (expression.offsetMs !== 0) reader.fail(bracket.start, 'no offset modifiers allowed before range');
  if (expression.at) reader.fail(bracket.start, 'no @ modifiers allowed before range');
  const position = { start: expression.position.start, end: reader.previousEnd };
  return { kind: 'matrix_selector', selector: expression, rangeMs, position };
}

function readPositiveDurationMs(reader: TokenReader, context: string, expected: string): number {
  const start = reader.current.start;
  const seconds = readSignedSeconds(reader);
  if (seconds === null) {
    refuseDurationExpression(reader);
    return reader.unexpected(context, expected);
  }
  if (!(seconds > 0)) reader.fail(start, 'duration must be greater than 0');
  return Math.round(seconds * 1000);
}

function readSignedSeconds(reader: TokenReader): number | null {
  const start = reader.current.start;
  const negative = reader.at('-');
  if (negative || reader.at('+')) reader.advance();
  const number = readNumber(reader);
  if (!number) return null;
  const seconds = negative ? -number.seconds : number.seconds;
  if (Math.abs(seconds) > MAX_DURATION_SECONDS) reader.fail(start, 'duration out of range');
  return seconds;
}

/** What may begin a duration in Prometheus beside numbers is arithmetic. */
function refuseDurationExpression(reader: TokenReader): void {
  const { word, start } = reader.current;
  const isCall = DURATION_WORDS.includes(word) && reader.peekCharacter() === '(';
  if (reader.at('(') || isCall) throw experimentalError(reader.text, start, 'arithmetic in durations');
}

function unexpectedBehindDuration(reader: TokenReader, context: string, expected: string): never {
  const { text, start } = reader.current;
  if (['+', '-', '*', '/', '%', '^'].includes(text)) {
    throw experimentalError(reader.text, start, 'arithmetic in durations');
  }
  reader.unexpected(context, expected);
}

function readOffset(reader: TokenReader, expression: Expression): Expression {
  reader.advance();
  const seconds = readSignedSeconds(reader);
  if (seconds === null) {
    refuseDurationExpression(reader);
    return reader.unexpected('offset', 'number, duration, step(), or range()');
  }
  const offsetMs = Math.round(seconds * 1000);
  const isSet = (target: VectorSelector | Subquery): boolean => target.offsetMs !== 0;
  return modify(reader, expression, {
    modifier: 'offset modifier',
    name: 'offset',
    isSet,
    change: { offsetMs },
  });
}

function readAt(reader: TokenReader, expression: Expression): Expression {
  reader.advance();
  const at = readTime(reader, expression);
  const isSet = (target: VectorSelector | Subquery): boolean => target.at !== null;
  return modify(reader, expression, { modifier: '@ modifier', name: '@ <timestamp>', isSet, change: { at } });
}

interface Modification {
  readonly modifier: string;
  readonly name: string;
  readonly isSet: (target: VectorSelector | Subquery) => boolean;
  readonly change: Partial<Pick<VectorSelector, 'offsetMs' | 'at'>>;
}

/** The expression with a modifier that has just been read: of a matrix selector its selector carries it. */
function modify(reader: TokenReader, expression: Expression, modification: Modification): Expression {
  const { modifier, name, isSet, change } = modification;
  const { start } = expression.position;
  const position = { start, end: reader.previousEnd };
  const target = expression.kind === 'matrix_selector' ? expression.selector : expression;
  if (target.kind !== 'vector_selector' && target.kind !== 'subquery') {
    return reader.fail(
      start,
      `${modifier} must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  }
  if (isSet(target)) reader.fail(start, `${name} may not be set multiple times`);
  if (expression.kind !== 'matrix_selector') return { ...target, ...change, position };
  return { ...expression, selector: { ...expression.selector, ...change }, position };
}

function readTime(reader: TokenReader, expression: Expression): AtModifier {
  const { word } = reader.current;
  if (word === 'start' || word === 'end') {
    reader.advance();
    if (!reader.skip('(') || !reader.skip(')')) reader.unexpected('@', 'timestamp');
    return { kind: word };
  }
  const negative = reader.at('-');
  if (negative || reader.at('+')) reader.advance();
  const number = readNumber(reader);
  if (!number) return reader.unexpected('@', 'timestamp');
  const seconds = negative ? -number.seconds : number.seconds;
  if (!(Math.abs(seconds) < MAX_TIME_SECONDS)) {
    reader.fail(expression.position.start, `timestamp out of bounds for @ modifier: ${formatFixed(seconds)}`);
  }
  return { kind: 'time', timeMs: Math.round(seconds * 1000) };
}
