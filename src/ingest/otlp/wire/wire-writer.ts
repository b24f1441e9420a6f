import { OmoiError } from '#telemetry';

/** A length is written in four bytes before it is known. */
const LENGTH_BYTES = 4;
const MAX_LENGTH = 2 ** 28 - 1;

/** Writes protobuf into memory that grows. */
export class WireWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(capacity, 64));
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  get length(): number {
    return this.#length;
  }

  /** What has been written, as a view. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes back what was written since. */
  truncate(length: number): void {
    this.#length = length;
  }

  tag(number: number, wireType: number): void {
    this.varint(number * 8 + wireType);
  }

  /** An unsigned number below 2^53. */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A 64-bit number as a varint; negative ones in two's complement. */
  bigVarint(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A length and the bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Leaves room for a length; returns where. What is written next belongs to it, until `close`. */
  open(): number {
    this.#reserve(LENGTH_BYTES);
    this.#length += LENGTH_BYTES;
    return this.#length;
  }

  /** @throws OmoiError `body_too_large` */
  close(start: number): void {
    const length = this.#length - start;
    if (length > MAX_LENGTH) {
      throw new OmoiError('body_too_large', `The request has a part of more than ${MAX_LENGTH} bytes.`);
    }
    for (let at = 0; at < LENGTH_BYTES; at++) {
      const more = at < LENGTH_BYTES - 1 ? 0x80 : 0;
      this.#bytes[start - LENGTH_BYTES + at] = ((length >>> (7 * at)) & 0x7f) | more;
    }
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.byteLength);
  }
}
