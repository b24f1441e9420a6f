import { OmoiError } from '#telemetry';

/** A length is written in four bytes before it is known. */
const LENGTH_BYTES = 4;
const MAX_LENGTH = 2 ** 28 - 1;
/** What is copied between two chances to pause. */
const COPIED_PER_STEP = 128 * 1024;

/** Called with the bytes of memory that are about to be used. @throws OmoiError `ingest_busy` where there is no room */
export type TakeMemory = (bytes: number) => void;

/** Writes protobuf into memory that grows. */
export class WireWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;
  readonly #take: TakeMemory;

  /** @throws what `take` throws, as does all that makes it grow */
  constructor(capacity: number, take: TakeMemory = () => undefined) {
    this.#take = take;
    take(capacity);
    this.#bytes = Buffer.allocUnsafe(capacity);
    this.#view = viewOf(this.#bytes);
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

  /** Makes room for so many bytes, in steps: what is then written is not held up by copying all that is there. */
  *makeRoom(more: number): Generator<void> {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = this.#grown(more);
    for (let at = 0; at < this.#length; at += COPIED_PER_STEP) {
      if (at > 0) yield;
      this.#bytes.copy(grown, at, at, Math.min(this.#length, at + COPIED_PER_STEP));
    }
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }

  #reserve(more: number): void {
    if (this.#length + more > this.#bytes.length) for (const _ of this.makeRoom(more));
  }

  #grown(more: number): Buffer {
    const capacity = Math.max(this.#bytes.length * 2, this.#length + more);
    this.#take(capacity - this.#bytes.length);
    return Buffer.allocUnsafe(capacity);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
