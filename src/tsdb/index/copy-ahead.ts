/** Rows copied at once: their memory is new, and costs a fault a page when it is first written. */
const ROWS_PER_STEP = 4096;

/**
 * A larger array for rows, which they are copied into step by step before the one that they are in is full: a million at
 * once took 20 ms, and there may be four such lists that a series is added to.
 */
export class CopyAhead {
  readonly #rows: Uint32Array<ArrayBuffer>;
  /** So many rows have been copied. */
  #copied = 0;
  #isOutdated = false;

  constructor(capacity: number) {
    this.#rows = new Uint32Array(capacity);
  }

  /** Copies some more of the first `length` rows. */
  step(rows: Uint32Array, length: number): void {
    const end = Math.min(length, this.#copied + ROWS_PER_STEP);
    this.#rows.set(rows.subarray(this.#copied, end), this.#copied);
    this.#copied = end;
  }

  /** Rows that may have been copied have changed. */
  outdate(): void {
    this.#isOutdated = true;
  }

  /** The larger array with the first `length` rows. Copying all once more costs little: the memory is no longer new. */
  finish(rows: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
    const from = this.#isOutdated ? 0 : Math.min(this.#copied, length);
    this.#rows.set(rows.subarray(from, length), from);
    return this.#rows;
  }
}
