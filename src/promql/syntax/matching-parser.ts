import type { VectorMatching } from './ast.ts';
import { beginsExpression } from './keywords.ts';
import { experimentalError } from './position.ts';
import { unquote } from './text-literals.ts';
import type { TokenReader } from './token-reader.ts';

const FILL_WORDS = ['fill', 'fill_left', 'fill_right'];

/** What stands between a binary operator and its right side. */
export interface BinaryModifiers {
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
}

export function readBinaryModifiers(reader: TokenReader): BinaryModifiers {
  const returnBool = reader.skipWord('bool');
  const matching = readMatching(reader);
  const { word, start } = reader.current;
  if (FILL_WORDS.includes(word) && reader.peekCharacter() === '(') {
    throw experimentalError(reader.text, start, `the ${word} modifier`);
  }
  return { returnBool, matching };
}

const ON_ALL_LABELS: VectorMatching = { cardinality: 'one-to-one', on: false, labels: [], include: [] };

function readMatching(reader: TokenReader): VectorMatching {
  const on = reader.atWord('on');
  if (!on && !reader.atWord('ignoring')) return ON_ALL_LABELS;
  reader.advance();
  const labels = readLabelList(reader);
  const left = reader.atWord('group_left');
  if (!left && !reader.atWord('group_right')) return { cardinality: 'one-to-one', on, labels, include: [] };
  reader.advance();
  const hasList = reader.at('(') || !beginsExpression(reader.current);
  const include = hasList ? readLabelList(reader) : [];
  return { cardinality: left ? 'many-to-one' : 'one-to-many', on, labels, include };
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
