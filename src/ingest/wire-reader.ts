import { OmoiError } from '#telemetry';

const TWO_TO_32 = 2 ** 32;
/** Prometheus's staleness marker, a NaN (its model/value). */
const STALE_HIGH_WORD = 0x7ff00000;
const STALE_LOW_WORD = 2;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;
/** Of protobuf 2; nothing that is read here has groups. */
const WIRE_GROUP = 3;
const WIRE_GROUP_END = 4;

/** Walks the protobuf wire format over memory that is handed in anew for every request. */
export class WireReader {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  readonly #expected: string;

  /** @param expected what the bytes should be, for messages: "remote write request" */
  constructor(expected: string) {
    this.#expected = expected;
  }

  reset(bytes: Uint8Array): void {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** A varint that fits 32 bits, as tags and lengths do. */
  varint32(end: number): number {
    const first = this.bytes[this.at] ?? 0;
    if (first < 128 && this.at < end) {
      this.at++;
      return first;
    }
    const value = this.unsigned(end);
    if (value >= TWO_TO_32) throw this.broken('a length or tag is too large');
    return value;
  }

  /** An unsigned 64-bit varint; above 2^53 the nearest double. */
  unsigned(end: number): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= end) throw this.broken('a number is cut off');
      const byte = this.bytes[this.at++] ?? 0;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) return (high >>> 0) * TWO_TO_32 + (low >>> 0);
    }
    throw this.broken('a number has more than ten bytes');
  }

  /** A signed 64-bit varint (int64: two's complement); beyond 2^53 the nearest double. */
  signed(end: number): number {
    const start = this.at;
    const value = this.unsigned(end);
    // Negative numbers take ten bytes.
    return this.at - start === 10 ? Number(this.bigSigned(start)) : value;
  }

  /** The same, exactly, of the varint that begins at `start` and has just been read. */
  bigSigned(start: number): bigint {
    let value = 0n;
    for (let at = this.at - 1; at >= start; at--) value = (value << 7n) | BigInt((this.bytes[at] ?? 0) & 127);
    return BigInt.asIntN(64, value);
  }

  /** A signed varint in zigzag form (sint32, sint64). */
  zigzag(end: number): number {
    const value = this.unsigned(end);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  double(end: number): number {
    this.passEight(end);
    return this.view.getFloat64(this.at - 8, true);
  }

  /** Passes over eight bytes. */
  passEight(end: number): void {
    if (this.at + 8 > end) throw this.broken('a number of eight bytes is cut off');
    this.at += 8;
  }

  /** Whether the eight bytes are the double that stands for the end of a series. */
  isStaleMarker(at: number): boolean {
    return (
      this.view.getUint32(at + 4, true) === STALE_HIGH_WORD &&
      this.view.getUint32(at, true) === STALE_LOW_WORD
    );
  }

  /** The end of the length-delimited field that begins here. */
  fieldEnd(end: number): number {
    const length = this.varint32(end);
    if (length > end - this.at) throw this.broken('a field reaches past its message');
    return this.at + length;
  }

  text(end: number): string {
    const textEnd = this.fieldEnd(end);
    const start = this.at;
    this.at = textEnd;
    // Nearly all texts are plain ASCII, which is read much faster.
    let at = start;
    while (at < textEnd && (this.bytes[at] ?? 128) < 128) at++;
    if (at === textEnd) return this.bytes.toString('latin1', start, textEnd);
    try {
      return decoder.decode(this.bytes.subarray(start, textEnd));
    } catch {
      throw this.broken('a text is not valid UTF-8');
    }
  }

  /** Refuses a known field that is written as another type. */
  expect(tag: number, ...wireTypes: readonly number[]): void {
    if (!wireTypes.includes(tag & 7)) throw this.wrongType(tag);
  }

  /** What to throw where a known field is written as another type. */
  wrongType(tag: number): OmoiError {
    return this.broken(`field ${tag >>> 3} has the wire type ${tag & 7}`);
  }

  /** Passes over a field that is not known. */
  skip(tag: number, end: number): void {
    if (tag >>> 3 === 0) throw this.broken('a field has the number 0');
    switch (tag & 7) {
      case WIRE_VARINT:
        this.unsigned(end);
        return;
      case WIRE_FIXED64:
        this.passEight(end);
        return;
      case WIRE_BYTES:
        this.at = this.fieldEnd(end);
        return;
      case WIRE_FIXED32:
        if (this.at + 4 > end) throw this.broken('a number is cut off');
        this.at += 4;
        return;
      case WIRE_GROUP:
      case WIRE_GROUP_END:
        throw this.broken(`field ${tag >>> 3} is a group, and groups are not read`);
      default:
        throw this.broken(`wire type ${tag & 7} does not exist`);
    }
  }

  broken(what: string): OmoiError {
    return new OmoiError(
      'payload_undecodable',
      `The body is no ${this.#expected}: ${what}, at byte ${this.at}.`,
    );
  }
}
