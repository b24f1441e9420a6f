import type { AtModifier, Boundary, Expression, Subquery, VectorSelector } from './ast.ts';
import type { DurationExpression } from './duration-expression.ts';
import { readDuration, readNumber, readOffsetDuration } from './duration-parser.ts';
import { formatFixed } from './text-literals.ts';
import { requireFeature, type TokenReader } from './token-reader.ts';

const MAX_TIME_SECONDS = 2 ** 63 / 1e3;

/** Reads what may follow an expression: ranges, subqueries, `offset`, `@`, `anchored`, `smoothed`, any number of them. */
export function readModifiers(reader: TokenReader, subject: Expression): Expression {
  let expression = subject;
  for (;;) {
    if (reader.at('[')) expression = readRange(reader, expression);
    else if (reader.atWord('offset')) expression = readOffset(reader, expression);
    else if (reader.at('@')) expression = readAt(reader, expression);
    else if (reader.atWord('anchored')) expression = readBoundary(reader, expression, 'anchored');
    else if (reader.atWord('smoothed')) expression = readBoundary(reader, expression, 'smoothed');
    else return expression;
  }
}

function readRange(reader: TokenReader, expression: Expression): Expression {
  const bracket = reader.advance();
  const expected = 'number, duration, step(), or range()';
  const range = readPositiveDuration(reader, 'subquery or range selector', expected);
  if (reader.skip(':')) {
    const step = reader.at(']')
      ? { ms: null, expression: null }
      : readPositiveDuration(reader, 'subquery selector', 'number, duration, step(), range(), or "]"');
    if (!reader.at(']')) reader.unexpected('subquery selector', '"]"');
    reader.advance();
    return {
      kind: 'subquery',
      expression,
      rangeMs: range.ms,
      range: range.expression,
      stepMs: step.ms,
      step: step.expression,
      offsetMs: 0,
      offset: null,
      at: null,
      position: { start: expression.position.start, end: reader.previousEnd },
    };
  }
  if (!reader.at(']')) reader.unexpected('subquery or range', '":" or "]"');
  reader.advance();
  if (expression.kind !== 'vector_selector') {
    return reader.fail(bracket.start, 'ranges only allowed for vector selectors');
  }
  if (isOffset(expression)) reader.fail(bracket.start, 'no offset modifiers allowed before range');
  if (expression.at) reader.fail(bracket.start, 'no @ modifiers allowed before range');
  const position = { start: expression.position.start, end: reader.previousEnd };
  return {
    kind: 'matrix_selector',
    selector: expression,
    rangeMs: range.ms,
    range: range.expression,
    position,
  };
}

/** A duration as it stands in a node: in ms where it is a number, else to be computed for each query. */
interface ReadDuration {
  readonly ms: number;
  readonly expression: DurationExpression | null;
}

function inNode(read: DurationExpression): ReadDuration {
  return read.kind === 'literal'
    ? { ms: Math.round(read.seconds * 1000), expression: null }
    : { ms: 0, expression: read };
}

function readPositiveDuration(reader: TokenReader, context: string, expected: string): ReadDuration {
  const read = readDuration(reader, { context, expected });
  if (read.kind === 'literal' && !(read.seconds > 0))
    reader.fail(read.position.start, 'duration must be greater than 0');
  return inNode(read);
}

function isOffset({ offsetMs, offset }: Pick<VectorSelector, 'offsetMs' | 'offset'>): boolean {
  return offsetMs !== 0 || offset !== null;
}

function readOffset(reader: TokenReader, expression: Expression): Expression {
  reader.advance();
  const { ms: offsetMs, expression: offset } = inNode(readOffsetDuration(reader));
  return modify(reader, expression, {
    modifier: 'offset modifier',
    name: 'offset',
    isSet: isOffset,
    change: { offsetMs, offset },
  });
}

function readAt(reader: TokenReader, expression: Expression): Expression {
  reader.advance();
  const at = readTime(reader, expression);
  const isSet = (target: VectorSelector | Subquery): boolean => target.at !== null;
  return modify(reader, expression, { modifier: '@ modifier', name: '@ <timestamp>', isSet, change: { at } });
}

/** The words that the position leaves out are left out in Prometheus, too. */
function readBoundary(reader: TokenReader, expression: Expression, boundary: Boundary): Expression {
  requireFeature(reader, 'promql-extended-range-selectors', `the ${boundary} modifier`);
  const { start } = expression.position;
  const selector = expression.kind === 'matrix_selector' ? expression.selector : expression;
  if (selector.kind === 'subquery')
    return reader.fail(start, `${boundary} modifier is not supported for subqueries`);
  if (selector.kind !== 'vector_selector') return reader.fail(start, `${boundary} modifier not implemented`);
  if (selector.boundary !== null && selector.boundary !== boundary)
    reader.fail(start, 'anchored and smoothed modifiers cannot be used together');
  reader.advance();
  const changed = { ...selector, boundary };
  return expression.kind === 'matrix_selector' ? { ...expression, selector: changed } : changed;
}

interface Modification {
  readonly modifier: string;
  readonly name: string;
  readonly isSet: (target: VectorSelector | Subquery) => boolean;
  readonly change: Partial<Pick<VectorSelector, 'offsetMs' | 'offset' | 'at'>>;
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
