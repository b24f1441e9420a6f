import {
  MAX_DURATION_SECONDS,
  type DurationExpression,
  type DurationLiteral,
  type DurationOperator,
} from './duration-expression.ts';
import { isSpecialNumber } from './keywords.ts';
import { parseDurationSeconds, parseNumber, quote } from './text-literals.ts';
import type { TokenReader } from './token-reader.ts';

/** How deep signs, parentheses and right sides may stand in each other. */
const maxDurationDepth = 100;
const PRECEDENCES: ReadonlyMap<string, number> = new Map([
  ['+', 1],
  ['-', 1],
  ['*', 2],
  ['/', 2],
  ['%', 2],
  ['^', 4],
]);
const SIGN_PRECEDENCE = 3;

/** Where a duration is read, as Prometheus names it when something else comes. */
interface DurationPlace {
  readonly context: string;
  readonly expected: string;
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

/** Reads the duration of a range or of a subquery's step, with all its operators. */
export function readDuration(reader: TokenReader, place: DurationPlace): DurationExpression {
  return readOperators(reader, 0, { place, depth: 0 });
}

/**
 * Reads the duration behind `offset`. Without parentheses an operator behind it belongs to the expression around it: `m offset -2 ^ 2`
 * is `(m offset -2) ^ 2`.
 */
export function readOffsetDuration(reader: TokenReader): DurationExpression {
  const place = { context: 'offset', expected: 'number, duration, step(), or range()' };
  if (reader.at('(')) return readDuration(reader, place);
  return readSigned(reader, { place, depth: 0 }, (inner) => readPrimary(reader, inner));
}

interface Reading {
  readonly place: DurationPlace;
  readonly depth: number;
}

function readOperators(reader: TokenReader, minimum: number, reading: Reading): DurationExpression {
  const inner = deeper(reader, reading);
  let left = readSigned(reader, inner, () => readOperators(reader, SIGN_PRECEDENCE, inner));
  for (;;) {
    const { kind, text: operator, start } = reader.current;
    const precedence = kind === 'operator' ? PRECEDENCES.get(operator) : undefined;
    if (precedence === undefined || precedence < minimum || !isOperator(operator)) return left;
    reader.advance();
    const right = readOperators(reader, operator === '^' ? precedence : precedence + 1, inner);
    if (right.kind === 'literal' && right.seconds === 0) {
      if (operator === '/') reader.fail(start, 'division by zero');
      if (operator === '%') reader.fail(start, 'modulo by zero');
    }
    const position = { start: left.position.start, end: right.position.end };
    left = { kind: 'arithmetic', operator, left, right, position };
  }
}

function isOperator(text: string): text is DurationOperator {
  return PRECEDENCES.has(text);
}

/** A sign before a number is the number's. */
function readSigned(
  reader: TokenReader,
  reading: Reading,
  readOperand: (reading: Reading) => DurationExpression,
): DurationExpression {
  const isNegative = reader.at('-');
  if (!isNegative && !reader.at('+')) return readPrimary(reader, reading);
  const { start } = reader.advance();
  const operand = readOperand(reading);
  const position = { start, end: operand.position.end };
  if (operand.kind === 'literal')
    return literal(reader, {
      ...operand,
      seconds: isNegative ? -operand.seconds : operand.seconds,
      position,
    });
  return isNegative ? { kind: 'negated', operand, position } : operand;
}

function readPrimary(reader: TokenReader, reading: Reading): DurationExpression {
  const { word, start } = reader.current;
  if (reader.at('(')) {
    reader.advance();
    const expression = readOperators(reader, 0, reading);
    if (!reader.skip(')')) reader.unexpected(reading.place.context);
    return { kind: 'parenthesized', expression, position: { start, end: reader.previousEnd } };
  }
  const isCall = reader.peekCharacter() === '(';
  if (isCall && (word === 'step' || word === 'range')) {
    reader.advance();
    reader.advance();
    if (!reader.skip(')')) reader.unexpected(reading.place.context);
    return { kind: word, position: { start, end: reader.previousEnd } };
  }
  if (isCall && (word === 'min_of' || word === 'max_of')) return readExtreme(reader, word, reading);
  const number = readNumber(reader);
  if (number === null) return reader.unexpected(reading.place.context, reading.place.expected);
  return literal(reader, { kind: 'literal', ...number, position: { start, end: reader.previousEnd } });
}

function readExtreme(reader: TokenReader, kind: 'min_of' | 'max_of', reading: Reading): DurationExpression {
  const { start } = reader.advance();
  reader.advance();
  const left = readOperators(reader, 0, reading);
  if (!reader.skip(',')) reader.unexpected(reading.place.context);
  const right = readOperators(reader, 0, reading);
  if (!reader.skip(')')) reader.unexpected(reading.place.context);
  return { kind, left, right, position: { start, end: reader.previousEnd } };
}

function literal(reader: TokenReader, read: DurationLiteral): DurationLiteral {
  if (Math.abs(read.seconds) > MAX_DURATION_SECONDS)
    reader.fail(read.position.start, 'duration out of range');
  return read;
}

function deeper(reader: TokenReader, { place, depth }: Reading): Reading {
  if (depth >= maxDurationDepth)
    reader.fail(
      reader.current.start,
      `the duration nests deeper than maxDurationDepth (${maxDurationDepth})`,
    );
  return { place, depth: depth + 1 };
}
