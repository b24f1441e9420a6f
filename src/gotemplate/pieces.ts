import { assertTextFits } from './limits.ts';
import { InPieces } from './values/in-pieces.ts';

/** A longer text is not handled in one go: what is slow takes some milliseconds for so many characters. */
export const PIECE_CHARACTERS = 16 * 1024;

/**
 * What becomes of a text whose characters do not look at each other, in pieces where it is long. It fails as soon as the result is
 * longer than it may get.
 */
export function changedInPieces(
  text: string,
  change: (piece: string) => string,
  maxCharacters: number,
): string | InPieces<string> {
  return text.length <= PIECE_CHARACTERS ? change(text) : new InPieces(changes(text, change, maxCharacters));
}

/** As `changedInPieces`, of a text of any length. */
export function* changes(
  text: string,
  change: (piece: string) => string,
  maxCharacters: number,
): Generator<void, string> {
  if (text.length <= PIECE_CHARACTERS) return change(text);
  let changed = '';
  for (const piece of piecesOf(text)) {
    changed += change(piece);
    assertTextFits(changed.length, maxCharacters);
    yield;
  }
  return changed;
}

/** A text in pieces, none of which ends in the middle of a character. */
export function* piecesOf(text: string, maxCharacters = PIECE_CHARACTERS): Generator<string, void> {
  for (let at = 0; at < text.length;) {
    let end = at + maxCharacters;
    // One of two units that are a character.
    if ((text.codePointAt(end - 1) ?? 0) > 0xffff) end++;
    yield text.slice(at, end);
    at = end;
  }
}
