/** Bytes behind the last bit that the writer may overwrite, and the reader reads fastest where it may look at them. */
export const SLACK_BYTES = 4;

/**
 * Writes bits, most significant first. Up to SLACK_BYTES behind the last bit are overwritten, and memory need not be
 * clear.
 */
export class BitWriter {
  view: DataView;
  /** The place of the next bit, from the start of the view. */
  bit = 0;

  constructor(view: DataView) {
    this.view = view;
  }

  /** Writes the low `count` bits (0 to 32) of `value`. */
  write(value: number, count: number): void {
    const at = this.bit >>> 3;
    const shift = this.bit & 7;
    const kept = this.view.getUint8(at) & (0xff00 >>> shift);
    const free = 32 - shift;
    this.bit += count;
    if (count <= free) {
      // Of `value << 32` nothing may be left, where JavaScript shifts by 0.
      const placed = count === 0 ? 0 : (value << (32 - count)) >>> shift;
      this.view.setUint32(at, (kept << 24) | placed);
      return;
    }
    const rest = count - free;
    this.view.setUint32(at, (kept << 24) | ((value >>> rest) & (0xffffffff >>> shift)));
    this.view.setUint32(at + 4, value << (32 - rest));
  }
}

/** Reads what `BitWriter` wrote; past the end it reads zeros. */
export class BitReader {
  view: DataView;
  bit = 0;

  constructor(view: DataView) {
    this.view = view;
  }

  /** The next `count` bits (1 to 32) as an unsigned number. */
  read(count: number): number {
    const word = this.peek();
    this.bit += count;
    return word >>> (32 - count);
  }

  /** Counts one bits (at most 32) up to the next zero, which is taken too; stops at `limit` ones. */
  readOnes(limit: number): number {
    const ones = Math.clz32(~this.peek());
    if (ones >= limit) {
      this.bit += limit;
      return limit;
    }
    this.bit += ones + 1;
    return ones;
  }

  /** The next 32 bits, which stay the next. */
  peek(): number {
    const { view } = this;
    const at = this.bit >>> 3;
    const shift = this.bit & 7;
    if (at + 5 > view.byteLength) return this.#nextAtEnd(at, shift);
    const word = view.getUint32(at);
    return shift === 0 ? word : (word << shift) | (view.getUint8(at + 4) >>> (8 - shift));
  }

  #nextAtEnd(at: number, shift: number): number {
    let word = 0;
    for (let place = 0; place < 4; place++) word = (word << 8) | this.#byteAt(at + place);
    return shift === 0 ? word : (word << shift) | (this.#byteAt(at + 4) >>> (8 - shift));
  }

  #byteAt(at: number): number {
    return at < this.view.byteLength ? this.view.getUint8(at) : 0;
  }
}

/** A view of bytes, for a reader or writer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
