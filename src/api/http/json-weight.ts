import { nextTurn, OmoiError } from '#telemetry';

/**
 * `JSON.parse` is one call, which takes 0.2 to 1 µs for each object, list and named value, and a tenth of that for the
 * elements of lists: of a body of 4 MiB 200 ms, were it brackets and names alone.
 */
const maxJsonValues = 50_000;
/** As many elements of lists count as one. */
const elementsPerValue = 10;
/** Texts that are all different take 0.2 µs each to read, and decimals as much to be written again, in elements. */
const elementsPerText = 4;
const elementsPerDecimal = 3;
/** Of names, which are all kept in one table: they are copied, hashed and compared. */
const nameBytesPerElement = 8;
/**
 * V8 hashes no text of more than 16,383 characters by what it says (`String::kMaxHashCalcLength`): names that are longer
 * are each compared with all others of their length, 230 of them for a second.
 */
const maxNameBytes = 8 * 1024;
/** A worker in Python, whose parser recurses, can still read a payload as deep as this. */
const maxNesting = 500;
/** What an element takes in memory once it is read, at most. */
const bytesPerElement = 8;
/** Shorter texts cannot hold so much that it is felt. */
const maxBytesAtOnce = 64 * 1024;
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

/** Whether a text is so long that others need their turns while it is weighed and parsed. */
export function isLargeJson(text: Uint8Array): boolean {
  return text.length > maxBytesAtOnce;
}

/**
 * Counts what a text of JSON in UTF-8 holds, whether it is well-formed or not: no byte of another character is one of JSON's.
 * @returns the bytes that its value takes in memory, beside those of its texts
 * @throws OmoiError `body_too_large` where parsing it would hold up the event loop, `malformed_json` where it is nested
 * deeper than what reads it can follow
 */
export function weighJson(text: Uint8Array): number {
  const scale = new JsonScale();
  scale.read(text, 0, text.length);
  return scale.valueBytes;
}

/** As `weighJson`, giving the event loop its turns. */
export async function weighLargeJson(text: Uint8Array): Promise<number> {
  const scale = new JsonScale();
  for (let at = 0; at < text.length;) {
    at = scale.read(text, at, Math.min(text.length, at + bytesPerTurn));
    if (at < text.length) await nextTurn();
  }
  return scale.valueBytes;
}

class JsonScale {
  /** In elements. */
  #weight = 0;
  #depth = 0;
  #isInText = false;
  /** Where the text began that is being read, or was the last. */
  #textStart = 0;
  #textBytes = 0;

  get valueBytes(): number {
    return this.#weight * bytesPerElement;
  }

  /** Reads the bytes from `at` to `stop`. @returns where to go on */
  read(text: Uint8Array, at: number, stop: number): number {
    let isInText = this.#isInText;
    let weight = this.#weight;
    for (; at < stop; at++) {
      const byte = text[at];
      if (isInText) {
        if (byte === BACKSLASH) at++;
        else if (byte === QUOTE) {
          isInText = false;
          this.#textBytes = at - this.#textStart;
        }
      } else if (byte === QUOTE) {
        isInText = true;
        this.#textStart = at + 1;
        weight += elementsPerText;
      } else if (byte === COMMA) weight++;
      else if (byte === POINT) weight += elementsPerDecimal;
      else if (byte === COLON) weight += this.#weightOfName();
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        weight += elementsPerValue;
        if (++this.#depth > maxNesting) throw tooDeep();
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) this.#depth--;
    }
    if (weight > maxJsonValues * elementsPerValue) throw tooMuch();
    this.#isInText = isInText;
    this.#weight = weight;
    return at;
  }

  /** Of the last text, which was one; as a text it has been counted. */
  #weightOfName(): number {
    if (this.#textBytes > maxNameBytes) throw nameTooLong(this.#textBytes);
    return elementsPerValue - elementsPerText + Math.floor(this.#textBytes / nameBytesPerElement);
  }
}

function tooMuch(): OmoiError {
  return new OmoiError(
    'body_too_large',
    `the body holds more than maxJsonValues (${maxJsonValues}) objects, lists and named values, ` +
      `of which ${elementsPerValue} elements of lists count as one (a decimal as ${1 + elementsPerDecimal} and a text ` +
      `as ${1 + elementsPerText} of them, ${nameBytesPerElement} bytes of a name as one); send less at once`,
  );
}

function nameTooLong(bytes: number): OmoiError {
  return new OmoiError(
    'body_too_large',
    `the body has a name of ${bytes} bytes; names in objects may have maxNameBytes (${maxNameBytes}): ` +
      'send what is longer as a value',
  );
}

function tooDeep(): OmoiError {
  const message = `the body has lists or objects more than ${maxNesting} deep in each other`;
  return new OmoiError('malformed_json', message);
}
