import { nextTurn, OmoiError } from '#telemetry';

/** A piece is read in one step: some milliseconds. */
const pieceBytes = 64 * 1024;
/** Looked at between two turns of the event loop. */
const bytesPerTurn = 256 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Whether a text of JSON in UTF-8 is a list, if it is anything. */
export function isJsonList(text: Uint8Array): boolean {
  return text[skipSpaces(text, 0)] === OPEN_LIST;
}

/**
 * The elements of a list, in pieces of about 64 KiB, each of which is one without its brackets: who parses them one after
 * the other holds nobody up, however long the list is. Whether an element is well-formed is for the parser to say.
 * @throws OmoiError `malformed_json` where it is no list
 */
export async function* piecesOfList(text: Buffer): AsyncGenerator<Buffer, void> {
  let at = skipSpaces(text, 0) + 1;
  let start = at;
  let depth = 1;
  let isInText = false;
  let turnsAt = at + bytesPerTurn;
  for (; at < text.length && depth > 0; at++) {
    const byte = text[at];
    if (isInText) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInText = false;
    } else if (byte === QUOTE) isInText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth++;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
    else if (byte === COMMA && depth === 1 && at - start >= pieceBytes) {
      yield text.subarray(start, at);
      start = at + 1;
      // A comma that nothing follows is no end of a list.
      if (text[skipSpaces(text, start)] === CLOSE_LIST) throw malformed('nothing follows its last comma');
    }
    if (at >= turnsAt) {
      turnsAt = at + bytesPerTurn;
      await nextTurn();
    }
  }
  if (depth > 0) throw malformed('the list does not end');
  if (text[at - 1] !== CLOSE_LIST) throw malformed('the list ends with a brace');
  if (skipSpaces(text, at) < text.length) throw malformed('something follows the list');
  yield text.subarray(start, at - 1);
}

function skipSpaces(text: Uint8Array, from: number): number {
  let at = from;
  while (SPACES.has(text[at])) at++;
  return at;
}

function malformed(why: string): OmoiError {
  return new OmoiError('malformed_json', `the body is no well-formed JSON: ${why}`);
}
