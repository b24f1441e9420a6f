const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that do not say what they should. */
export class DamagedBytes extends Error {
  override readonly name = 'DamagedBytes';
}

/** Reads what `ByteWriter` wrote. Every read throws DamagedBytes where the bytes end too soon. */
export class ByteReader {
  readonly bytes: Buffer;
  readonly end: number;
  at: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
    this.at = 0;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    this.#need(1);
    return this.bytes[this.at++] ?? 0;
  }

  word(): number {
    this.#need(4);
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  float(): number {
    this.#need(8);
    this.at += 8;
    return this.#view.getFloat64(this.at - 8, true);
  }

  varint(): number {
    let byte = this.byte();
    if (byte < 128) return byte;
    let value = byte & 127;
    let factor = 128;
    do {
      byte = this.byte();
      value += (byte & 127) * factor;
      factor *= 128;
      if (factor > 2 ** 56) throw new DamagedBytes('A number has too many bytes.');
    } while (byte >= 128);
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next `count` bytes. */
  take(count: number): Uint8Array {
    this.#need(count);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  text(): string {
    const length = this.varint();
    this.#need(length);
    const start = this.at;
    this.at += length;
    // Nearly all texts are plain ASCII, which is read much faster.
    let at = start;
    while (at < this.at && (this.bytes[at] ?? 128) < 128) at++;
    if (at === this.at) return this.bytes.toString('latin1', start, this.at);
    try {
      return decoder.decode(this.bytes.subarray(start, this.at));
    } catch {
      throw new DamagedBytes('A text is not valid UTF-8.');
    }
  }

  #need(count: number): void {
    if (this.at + count > this.end) throw new DamagedBytes('The bytes end too soon.');
  }
}
