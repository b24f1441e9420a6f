import { PIECE_CHARACTERS } from '../pieces.ts';
import { InPieces } from '../values/in-pieces.ts';

/** Letters that are several ones in upper case, as ß is: in Go they stay. */
const WITHOUT_UPPER_CASE =
  /[ßŉǰΐΰևẖ-ẚὐὒὔὖ\u1f80-\u1faf\u1fb2-\u1fb4\u1fb6\u1fb7\u1fbc\u1fc2-\u1fc4\u1fc6\u1fc7\u1fcc\u1fd2\u1fd3\u1fd6\u1fd7\u1fe2-\u1fe4\u1fe6\u1fe7\u1ff2-\u1ff4\u1ff6\u1ff7\u1ffc\ufb00-\ufb06\ufb13-\ufb17]+/g;

/** Go's strings.ToUpper: character by character. */
export function toUpper(text: string): string {
  let upper = '';
  let copied = 0;
  for (const { index, 0: staying } of text.matchAll(WITHOUT_UPPER_CASE)) {
    upper += text.slice(copied, index).toUpperCase() + staying;
    copied = index + staying.length;
  }
  return upper + text.slice(copied).toUpperCase();
}

/** Go's strings.ToLower: character by character, where JavaScript looks at what stands around Σ and makes two of İ. */
export function toLower(text: string): string {
  return text.replaceAll('Σ', 'σ').replaceAll('İ', 'i').toLowerCase();
}

const WORD = /\p{L}[\p{L}\p{M}\p{N}_]*(?:['’.:·․‧]\p{L}[\p{L}\p{M}\p{N}_]*)*/gu;

/** The first letter of each word in upper case and the others in lower case, as cases.Title of golang.org/x/text. */
export function titleCase(text: string): string | InPieces<string> {
  return text.length <= PIECE_CHARACTERS
    ? text.replace(WORD, titleOfWord)
    : new InPieces(titleCaseInPieces(text));
}

function* titleCaseInPieces(text: string): Generator<void, string> {
  let changed = '';
  let copied = 0;
  let pauseAt = PIECE_CHARACTERS;
  for (const { index, 0: word } of text.matchAll(WORD)) {
    changed += text.slice(copied, index) + titleOfWord(word);
    copied = index + word.length;
    if (copied < pauseAt) continue;
    yield;
    pauseAt = copied + PIECE_CHARACTERS;
  }
  return changed + text.slice(copied);
}

function titleOfWord(word: string): string {
  const first = String.fromCodePoint(word.codePointAt(0) ?? 0);
  return toUpper(first) + toLower(word.slice(first.length));
}
