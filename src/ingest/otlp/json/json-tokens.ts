import { OmoiError } from '#telemetry';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** Bytes that are looked at in one step, of whatever tokens they are: white space and texts may be as long as a body. */
export const BYTES_PER_STEP = 64 * 1024;
/** Of a text with escapes, as many bytes as this are read; longer ones are cut later anyway. */
const MAX_ESCAPED_BYTES = 256 * 1024;
/** No number has more bytes; a double is exact with less than 800 (770 digits). */
export const MAX_NUMBER_BYTES = 1024;
/** In the place of a byte: white space goes on beyond this step. */
export const UNFINISHED = -2;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const ESCAPED = new Set(Buffer.from('"\\/bfnrtu'));

/** A value that is neither an object nor a list. */
export type ScalarToken =
  | { readonly kind: 'text'; readonly text: Buffer }
  | { readonly kind: 'number'; readonly text: string }
  | boolean
  | null;

/** Reads the tokens of a JSON text (RFC 8259) in steps, each of `BYTES_PER_STEP` and the rest of a number or an escape. */
export class JsonTokens {
  readonly #bytes: Buffer;
  at = 0;
  #stepEnd = BYTES_PER_STEP;
  /** Of the text that is being read: its first byte, the end of its last whole character that may be kept. */
  #textStart = -1;
  #keptEnd = 0;
  #hasEscapes = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isStepOver(): boolean {
    return this.at >= this.#stepEnd;
  }

  beginStep(): void {
    this.#stepEnd = this.at + BYTES_PER_STEP;
  }

  /** Bytes that are not read yet, and those of a text that is not through. */
  get bytesLeft(): number {
    return this.#bytes.length - (this.#textStart >= 0 ? this.#textStart : this.at);
  }

  /**
   * The next byte that is not white space; −1 at the end, `UNFINISHED` where the step ends before. Inside a text that is
   * not through, its quote.
   */
  peek(): number {
    if (this.#textStart >= 0) return QUOTE;
    const bytes = this.#bytes;
    const stop = Math.min(bytes.length, this.#stepEnd);
    while (this.at < stop) {
      const byte = bytes[this.at] ?? 0;
      if (byte > SPACE) return byte;
      if (byte !== SPACE && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) throw this.malformed();
      this.at++;
    }
    return this.at < bytes.length ? UNFINISHED : -1;
  }

  /** The text that begins here, without its quotes and escapes; null where more steps are needed. */
  text(): Buffer | null {
    if (this.#textStart < 0) {
      this.#textStart = ++this.at;
      this.#keptEnd = this.at;
      this.#hasEscapes = false;
    }
    const bytes = this.#bytes;
    const stop = this.#stepEnd;
    while (this.at < stop) {
      const byte = bytes[this.at] ?? 0;
      if (byte === QUOTE) return this.#endText();
      if (byte < SPACE) throw this.malformed();
      if (byte === BACKSLASH) this.#passEscape();
      else this.at++;
      if (this.at - this.#textStart <= MAX_ESCAPED_BYTES) this.#keptEnd = this.at;
    }
    return null;
  }

  /** The number that begins here. @throws OmoiError `malformed_json` where it is none, or longer than any */
  number(): string {
    const start = this.at;
    const bytes = this.#bytes;
    const stop = Math.min(bytes.length, start + MAX_NUMBER_BYTES);
    while (this.at < stop && isNumberByte(bytes[this.at] ?? 0)) this.at++;
    if (this.at - start === MAX_NUMBER_BYTES && isNumberByte(bytes[this.at] ?? 0)) {
      throw new OmoiError(
        'malformed_json',
        `The number at byte ${start} of the body has more than ${MAX_NUMBER_BYTES} bytes.`,
      );
    }
    const text = bytes.toString('latin1', start, this.at);
    if (!NUMBER.test(text)) throw this.malformed(start);
    return text;
  }

  /** Passes over `true`, `false` or `null`. */
  word(word: string): void {
    if (this.#bytes.toString('latin1', this.at, this.at + word.length) !== word) throw this.malformed();
    this.at += word.length;
  }

  malformed(at = this.at): OmoiError {
    const found =
      at < this.#bytes.length ? JSON.stringify(this.#bytes.toString('latin1', at, at + 1)) : 'the end';
    return new OmoiError('malformed_json', `The body is no JSON: unexpected ${found} at byte ${at}.`);
  }

  #passEscape(): void {
    const escaped = this.#bytes[this.at + 1] ?? 0;
    if (!ESCAPED.has(escaped)) throw this.malformed();
    if (escaped !== 0x75) {
      this.at += 2;
    } else {
      if (!/^[0-9a-fA-F]{4}$/.test(this.#bytes.toString('latin1', this.at + 2, this.at + 6)))
        throw this.malformed();
      this.at += 6;
    }
    this.#hasEscapes = true;
  }

  #endText(): Buffer {
    const start = this.#textStart;
    const end = this.at++;
    this.#textStart = -1;
    if (!this.#hasEscapes) return this.#bytes.subarray(start, end);
    // What the steps have seen is a JSON text without its quotes.
    const text = JSON.parse(`"${this.#bytes.toString('utf8', start, this.#keptEnd)}"`) as string;
    return Buffer.from(text);
  }
}

function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    (byte | 0x20) === 0x65
  );
}
