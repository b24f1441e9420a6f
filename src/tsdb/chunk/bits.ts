/** Writes bits, most significant first. A byte is set when its first bit is written, so memory need not be clear. */
export class BitWriter {
  bytes: Uint8Array;
  /** The place of the next bit, from the start of `bytes`. */
  bit: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.bit = 0;
  }

  /** Writes the low `count` bits (0 to 32) of `value`. */
  write(value: number, count: number): void {
    const bytes = this.bytes;
    let at = this.bit >>> 3;
    let room = 8 - (this.bit & 7);
    let left = count;
    this.bit += count;
    while (left > 0) {
      const taken = left < room ? left : room;
      const part = ((value >>> (left - taken)) & (0xff >>> (8 - taken))) << (room - taken);
      if (room === 8) bytes[at] = part;
      else bytes[at] = (bytes[at] ?? 0) | part;
      left -= taken;
      at++;
      room = 8;
    }
  }
}

/** Reads what `BitWriter` wrote; past the end it reads zeros. */
export class BitReader {
  bytes: Uint8Array;
  bit: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.bit = 0;
  }

  /** The next `count` bits (1 to 32) as an unsigned number. */
  read(count: number): number {
    const bytes = this.bytes;
    const at = this.bit >>> 3;
    const shift = this.bit & 7;
    this.bit += count;
    let word =
      ((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0);
    if (shift !== 0) word = (word << shift) | ((bytes[at + 4] ?? 0) >>> (8 - shift));
    return word >>> (32 - count);
  }

  /** Counts one bits up to the next zero, which is taken too; stops at `limit` ones. */
  readOnes(limit: number): number {
    let ones = 0;
    while (ones < limit) {
      const bit = ((this.bytes[this.bit >>> 3] ?? 0) >>> (7 - (this.bit & 7))) & 1;
      this.bit++;
      if (bit === 0) return ones;
      ones++;
    }
    return ones;
  }
}
