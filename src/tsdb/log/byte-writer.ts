const encoder = new TextEncoder();
const WORD = 2 ** 32;

/** A growable buffer that bytes are appended to. Numbers are little endian. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** What has been written, as a view. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  word(value: number): void {
    this.reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
  }

  /** Replaces four bytes that were written before. */
  setWord(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  float(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** A float given by its bits. */
  floatBits(high: number, low: number): void {
    this.reserve(8);
    this.#view.setUint32(this.length, low, true);
    this.#view.setUint32(this.length + 4, high, true);
    this.length += 8;
  }

  /** A whole number from 0 to 2^53: seven bits a byte, the lowest first, the top bit says that more follow. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    if (rest >= WORD) {
      while (rest >= 128) {
        this.bytes[this.length++] = (rest % 128) | 128;
        rest = Math.floor(rest / 128);
      }
    } else {
      rest >>>= 0;
      while (rest >= 128) {
        this.bytes[this.length++] = (rest & 127) | 128;
        rest >>>= 7;
      }
    }
    this.bytes[this.length++] = rest;
  }

  /** A whole number of either sign: 0, −1, 1, −2 … become the varints 0, 1, 2, 3 … */
  zigzag(value: number): void {
    this.varint(value >= 0 ? 2 * value : -2 * value - 1);
  }

  copy(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** The length in bytes as a varint, then UTF-8. */
  text(text: string): void {
    if (text.length < 128 && this.#shortAscii(text)) return;
    const bytes = encoder.encode(text);
    this.varint(bytes.length);
    this.copy(bytes);
  }

  /** Writes what nearly all texts are: short and plain ASCII. False, and nothing written, where one is not. */
  #shortAscii(text: string): boolean {
    this.reserve(text.length + 1);
    const { bytes, length } = this;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 128) return false;
      bytes[length + 1 + at] = code;
    }
    bytes[length] = text.length;
    this.length = length + 1 + text.length;
    return true;
  }
}
