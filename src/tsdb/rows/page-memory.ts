/**
 * The memory of a page's columns, in one piece. The C library takes pieces of 128 KiB and more from the system one by
 * one and gives them back when they are freed; smaller ones lie between others, and stay when a million series have
 * gone. Columns are taken in the order of their elements' size, the largest first, so that each begins where it may.
 */
export class PageMemory {
  readonly #buffer: ArrayBuffer;
  #taken = 0;

  /** @param bytes of all columns together */
  constructor(bytes: number) {
    this.#buffer = new ArrayBuffer(bytes);
  }

  floats(rows: number): Float64Array {
    return new Float64Array(this.#buffer, this.#take(rows * 8), rows);
  }

  words(rows: number): Uint32Array {
    return new Uint32Array(this.#buffer, this.#take(rows * 4), rows);
  }

  signedWords(rows: number): Int32Array {
    return new Int32Array(this.#buffer, this.#take(rows * 4), rows);
  }

  halfWords(rows: number): Uint16Array {
    return new Uint16Array(this.#buffer, this.#take(rows * 2), rows);
  }

  bytes(rows: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#take(rows), rows);
  }

  #take(bytes: number): number {
    const offset = this.#taken;
    this.#taken += bytes;
    return offset;
  }
}
