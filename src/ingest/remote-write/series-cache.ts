import type { SeriesRef } from '#telemetry';
import { ByteKeys } from '../byte-keys.ts';

/** Remote write knows no metric or resource around a series: all its labels are in one place. */
const SPACE = 0;
const FIRST_CAPACITY = 4096;

/**
 * Finds the reference of a series by the bytes of its labels as they are on the wire, so that a series that was seen
 * before costs no strings. When the cache is full it starts anew.
 */
export class SeriesCache {
  readonly #keys: ByteKeys;
  #refs = new Float64Array(FIRST_CAPACITY);

  /** @param options.seed makes the hash unforeseeable to who sends the labels; maxBytes is at most 4 GiB */
  constructor(options: { readonly seed: number; readonly maxBytes: number }) {
    this.#keys = new ByteKeys(options);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The reference that was added with the bytes [start, end), if it is the one after the last that was found; or 0. */
  findNext(view: DataView, start: number, end: number): SeriesRef {
    return this.#refs[this.#keys.findNext(SPACE, view, start, end)] ?? 0;
  }

  /** The hash of the bytes [start, end), for `find` and `add`. */
  hash(view: DataView, start: number, end: number): number {
    return this.#keys.hash(SPACE, view, start, end);
  }

  /** The reference that was added with the bytes [start, end), or 0. */
  find(hash: number, view: DataView, start: number, end: number): SeriesRef {
    return this.#refs[this.#keys.find(SPACE, hash, view, start, end)] ?? 0;
  }

  /** Remembers a series; of one that is there already the reference (the store had forgotten the series). */
  add(hash: number, bytes: Uint8Array, ref: SeriesRef): void {
    if (!this.#keys.takes(bytes.length)) return;
    if (this.#keys.isFull(bytes.length)) this.clear();
    const entry = this.#keys.add(SPACE, hash, bytes);
    if (entry >= this.#refs.length) {
      const grown = new Float64Array(this.#refs.length * 2);
      grown.set(this.#refs);
      this.#refs = grown;
    }
    this.#refs[entry] = ref;
  }

  clear(): void {
    this.#keys.clear();
    this.#refs = new Float64Array(FIRST_CAPACITY);
  }
}
