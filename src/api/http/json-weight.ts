import { nextTurn, OmoiError } from '#telemetry';
import { maxNesting, tooDeep } from './json-nesting.ts';

/**
 * `JSON.parse` is one call, which takes 0.2 to 0.6 µs for each object, list and named value, and a tenth of that for the
 * elements of lists: of a body of 4 MiB 200 ms, were it brackets and names alone.
 */
const maxJsonValues = 50_000;
/** As many elements of lists count as one. */
const elementsPerValue = 10;
/** Texts that are all different take 0.2 µs each to read, and decimals as much to be written again, in elements. */
const elementsPerText = 4;
const elementsPerDecimal = 3;
/** Shorter texts cannot hold so many that they are felt. */
const maxUnweighedBytes = 64 * 1024;
/** Looked at between two turns of the event loop. */
const bytesPerTurn = 256 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const POINT = 0x2e;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Whether a text is so long that it needs to be weighed before it is parsed. */
export function isWeighed(text: Uint8Array): boolean {
  return text.length > maxUnweighedBytes;
}

/**
 * Counts what a text of JSON in UTF-8 holds, whether it is well-formed or not: no byte of another character is one of JSON's.
 * @throws OmoiError `body_too_large` where parsing it would hold up the event loop, `malformed_json` where it is nested
 * deeper than what reads it can follow
 */
export async function weighJson(text: Uint8Array): Promise<void> {
  let weight = 0;
  let depth = 0;
  let isInText = false;
  for (let at = 0; at < text.length;) {
    const stop = Math.min(text.length, at + bytesPerTurn);
    for (; at < stop; at++) {
      const byte = text[at];
      if (isInText) {
        if (byte === BACKSLASH) at++;
        else isInText = byte !== QUOTE;
      } else if (byte === QUOTE) {
        isInText = true;
        weight += elementsPerText;
      } else if (byte === COMMA) weight++;
      else if (byte === POINT) weight += elementsPerDecimal;
      // The name before it has been counted as a text.
      else if (byte === COLON) weight += elementsPerValue - elementsPerText;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        weight += elementsPerValue;
        if (++depth > maxNesting) throw tooDeep();
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth--;
    }
    if (weight > maxJsonValues * elementsPerValue) {
      throw new OmoiError(
        'body_too_large',
        `the body holds more than maxJsonValues (${maxJsonValues}) objects, lists and named values, ` +
          `of which ${elementsPerValue} elements of lists count as one (a decimal as ${1 + elementsPerDecimal} and a text ` +
          `as ${1 + elementsPerText} of them); send less at once`,
      );
    }
    if (at < text.length) await nextTurn();
  }
}
