import { OmoiError } from '#telemetry';

/** What is decoded between two chances to pause. */
const BYTES_PER_STEP = 256 * 1024;
/** The longest stretch that is copied in a loop; a call to native code costs more for less than this. */
const MAX_LOOP_BYTES = 96;

/**
 * Decodes Snappy's block format (google/snappy, format_description.txt) into memory that is used again and again.
 * A decoder of our own, because remote write needs the limit checked before anything is decoded, every length
 * checked against it, and no allocation a request.
 */
export class SnappyDecoder {
  readonly #maxDecodedBytes: number;
  #output = new Uint8Array(64 * 1024);
  #outputView = new DataView(this.#output.buffer);
  /** How far a block is decoded: in what was compressed, and in what comes out. */
  #at = 0;
  #filled = 0;
  /** What is left of a literal that is longer than a step: one may be the whole block. */
  #literalLeft = 0;

  constructor(maxDecodedBytes: number) {
    this.#maxDecodedBytes = maxDecodedBytes;
  }

  /**
   * Decodes a block; yields now and then. One block at a time.
   * @returns the decoded bytes, as a view that is good until the next call
   * @throws OmoiError `payload_undecodable`, `body_too_large`
   */
  *decode(input: Uint8Array): Generator<void, Uint8Array> {
    const header = readLength(input);
    if (header.length > this.#maxDecodedBytes) {
      throw new OmoiError(
        'body_too_large',
        `The body decodes to ${header.length} bytes; the limit is ${this.#maxDecodedBytes}.`,
      );
    }
    if (header.length > this.#output.length) {
      this.#output = new Uint8Array(
        Math.min(this.#maxDecodedBytes, Math.max(header.length, this.#output.length * 2)),
      );
      this.#outputView = new DataView(this.#output.buffer);
    }
    this.#at = header.at;
    this.#filled = 0;
    this.#literalLeft = 0;
    for (;;) {
      this.#fill(input, header.length);
      if (this.#at >= input.length) break;
      yield;
    }
    if (this.#filled !== header.length) throw broken(this.#at);
    return this.#output.subarray(0, header.length);
  }

  /** Decodes on to the end of a step, or of the input. */
  #fill(input: Uint8Array, length: number): void {
    if (this.#literalLeft > 0) {
      this.#copyLiteral(input, this.#literalLeft);
      return;
    }
    const output = this.#output;
    let at = this.#at;
    let filled = this.#filled;
    // Elements take input too: two bytes of it may come to one of output.
    const stop = filled + BYTES_PER_STEP;
    while (at < input.length && filled < stop) {
      const tag = input[at] ?? 0;
      at++;
      if ((tag & 3) === 0) {
        let literal = tag >>> 2;
        if (literal >= 60) {
          const bytes = literal - 59;
          if (at + bytes > input.length) throw broken(at);
          literal = readLittleEndian(input, at, bytes);
          at += bytes;
        }
        literal++;
        if (at + literal > input.length || filled + literal > length) throw broken(at);
        if (literal > BYTES_PER_STEP) {
          this.#at = at;
          this.#filled = filled;
          this.#copyLiteral(input, literal);
          return;
        }
        if (literal > MAX_LOOP_BYTES) output.set(input.subarray(at, at + literal), filled);
        else for (let place = 0; place < literal; place++) output[filled + place] = input[at + place] ?? 0;
        at += literal;
        filled += literal;
        continue;
      }
      let count = (tag >>> 2) + 1;
      let offset: number;
      if ((tag & 3) === 1) {
        count = ((tag >>> 2) & 7) + 4;
        offset = ((tag >>> 5) << 8) | (input[at] ?? 0);
        at += 1;
      } else if ((tag & 3) === 2) {
        offset = readLittleEndian(input, at, 2);
        at += 2;
      } else {
        offset = readLittleEndian(input, at, 4);
        at += 4;
      }
      if (at > input.length || offset === 0 || offset > filled || filled + count > length) throw broken(at);
      this.#repeat(filled, offset, count);
      filled += count;
    }
    this.#at = at;
    this.#filled = filled;
  }

  /** Copies a step of a literal that has so many bytes left. */
  #copyLiteral(input: Uint8Array, left: number): void {
    const count = Math.min(left, BYTES_PER_STEP);
    this.#output.set(input.subarray(this.#at, this.#at + count), this.#filled);
    this.#at += count;
    this.#filled += count;
    this.#literalLeft = left - count;
  }

  /** Copies what was decoded `offset` bytes ago; the copy may overlap itself and then repeats. */
  #repeat(to: number, offset: number, count: number): void {
    const output = this.#output;
    let place = 0;
    if (offset >= 4) {
      const view = this.#outputView;
      for (; place + 4 <= count; place += 4) {
        view.setUint32(to + place, view.getUint32(to + place - offset, true), true);
      }
    }
    for (; place < count; place++) output[to + place] = output[to + place - offset] ?? 0;
  }
}

function readLength(input: Uint8Array): { readonly length: number; readonly at: number } {
  let length = 0;
  for (let at = 0; at < Math.min(5, input.length); at++) {
    const byte = input[at] ?? 0;
    length += (byte & 127) * 2 ** (7 * at);
    if (byte < 128) return { length, at: at + 1 };
  }
  throw new OmoiError('payload_undecodable', 'The body is no Snappy block: it does not start with a length.');
}

function readLittleEndian(input: Uint8Array, at: number, bytes: number): number {
  let value = 0;
  for (let place = bytes - 1; place >= 0; place--) value = value * 256 + (input[at + place] ?? 0);
  return value;
}

function broken(at: number): OmoiError {
  return new OmoiError('payload_undecodable', `The body is no Snappy block: it breaks at byte ${at}.`);
}
