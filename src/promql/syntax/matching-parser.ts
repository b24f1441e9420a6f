import type { VectorMatching } from './ast.ts';
import { beginsExpression } from './keywords.ts';
import { readNumber } from './duration-parser.ts';
import { unquote } from './text-literals.ts';
import { requireFeature, type TokenReader } from './token-reader.ts';

/** What stands between a binary operator and its right side. */
export interface BinaryModifiers {
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
}

export function readBinaryModifiers(reader: TokenReader): BinaryModifiers {
  const returnBool = reader.skipWord('bool');
  const matching = readMatching(reader);
  const fill = readFill(reader);
  return { returnBool, matching: fill === NO_FILL ? matching : { ...matching, fill } };
}

const NO_FILL: VectorMatching['fill'] = { left: null, right: null };
const ON_ALL_LABELS: VectorMatching = {
  cardinality: 'one-to-one',
  on: false,
  labels: [],
  include: [],
  fill: NO_FILL,
};

function readMatching(reader: TokenReader): VectorMatching {
  const on = reader.atWord('on');
  if (!on && !reader.atWord('ignoring')) return ON_ALL_LABELS;
  reader.advance();
  const labels = readLabelList(reader);
  const left = reader.atWord('group_left');
  if (!left && !reader.atWord('group_right')) return { ...ON_ALL_LABELS, on, labels };
  reader.advance();
  const hasList = reader.at('(') || !(beginsExpression(reader.current) || atFill(reader));
  const include = hasList ? readLabelList(reader) : [];
  return { ...ON_ALL_LABELS, cardinality: left ? 'many-to-one' : 'one-to-many', on, labels, include };
}

const FILL_WORDS: ReadonlySet<string> = new Set(['fill', 'fill_left', 'fill_right']);

/** `fill` and its like are names of metrics where no parenthesis follows. */
function atFill(reader: TokenReader): boolean {
  return FILL_WORDS.has(reader.current.word) && reader.peekCharacter() === '(';
}

/** `fill(0)`, or one or both of `fill_left(0)` and `fill_right(0)`. */
function readFill(reader: TokenReader): VectorMatching['fill'] {
  if (!atFill(reader)) return NO_FILL;
  requireFeature(reader, 'promql-binop-fill-modifiers', `the ${reader.current.word} modifier`);
  if (reader.atWord('fill')) {
    const value = readFillValue(reader);
    return { left: value, right: value };
  }
  const fill: { left: number | null; right: number | null } = { left: null, right: null };
  while (atFill(reader)) {
    const side = reader.atWord('fill_left') ? 'left' : reader.atWord('fill_right') ? 'right' : null;
    if (side === null || fill[side] !== null) return reader.unexpected();
    fill[side] = readFillValue(reader);
  }
  return fill;
}

function readFillValue(reader: TokenReader): number {
  reader.advance();
  reader.advance();
  const isNegative = reader.at('-');
  if (isNegative || reader.at('+')) reader.advance();
  const number = readNumber(reader);
  if (!number || !reader.skip(')')) return reader.unexpected('fill value');
  return isNegative ? -number.seconds : number.seconds;
}

/** Label names in parentheses; a trailing comma is allowed. Keywords are names here, except `without`. */
export function readLabelList(reader: TokenReader): readonly string[] {
  if (!reader.skip('(')) reader.unexpected('grouping opts', '"("');
  const names: string[] = [];
  while (!reader.at(')')) {
    const token = reader.current;
    if (token.kind === 'string') names.push(unquote(token.text));
    else if (isLabelWord(token.word)) names.push(token.text);
    else reader.unexpected('grouping opts', 'label');
    if (names.at(-1) === '') reader.fail(token.start, 'invalid label name for grouping: ""');
    reader.advance();
    if (reader.skip(',')) continue;
    if (!reader.at(')')) reader.unexpected('grouping opts', '"," or ")"');
  }
  reader.advance();
  return names;
}

function isLabelWord(word: string): boolean {
  return word !== '' && word !== 'without' && word !== 'inf' && word !== 'nan';
}
