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
  const { kind, text, start } = reader.current;
  if (kind === 'word' && FILL_WORDS.includes(text.toLowerCase()) && reader.peekCharacter() === '(') {
    throw experimentalError(reader.text, start, `the ${text.toLowerCase()} modifier`);
  }
  return { returnBool, matching };
}

function readMatching(reader: TokenReader): VectorMatching {
  const on = reader.atWord('on');
  if (!on && !reader.atWord('ignoring')) {
    return { cardinality: 'one-to-one', on: false, labels: [], include: [] };
  }
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
    else if (token.kind === 'word' && isLabelWord(token.text)) names.push(token.text);
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
  const lower = word.toLowerCase();
  return lower !== 'without' && lower !== 'inf' && lower !== 'nan';
}
