const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that do not say what they should. */
export class DamagedBytes extends Error {
  override readonly name = 'DamagedBytes';
}

/** Reads what `ByteWriter` wrote. Every read throws DamagedBytes where the bytes end too soon. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
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
    const bytes = this.take(this.varint());
    try {
      return decoder.decode(bytes);
    } catch {
      throw new DamagedBytes('A text is not valid UTF-8.');
    }
  }

  #need(count: number): void {
    if (this.at + count > this.end) throw new DamagedBytes('The bytes end too soon.');
  }
}
