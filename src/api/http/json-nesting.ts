import { OmoiError } from '#telemetry';

/** A worker in Python, whose parser recurses, can still read a payload as deep as this. */
export const maxNesting = 500;

export function tooDeep(): OmoiError {
  const message = `the body has lists or objects more than ${maxNesting} deep in each other`;
  return new OmoiError('malformed_json', message);
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPENING = new Set([91, 123]);
const CLOSING = new Set([93, 125]);

/**
 * Whether lists and objects of a JSON text stand more than `most` deep in each other, in one pass without recursion: what
 * reads or writes a value afterwards recurses, and its stack ends somewhere. Of text that is no JSON it says something
 * or other.
 */
export function isNestedDeeper(text: string, most: number): boolean {
  // Each level takes two characters, so that what is short need not be looked at.
  if (text.length < 2 * most) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (OPENING.has(code)) {
      depth++;
      if (depth > most) return true;
    } else if (CLOSING.has(code)) depth--;
  }
  return false;
}

/** Where the quote stands that closes the one at `start`; the end of all where none does. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}
