import type { SeriesRef } from '#telemetry';
import { ByteKeys } from '../byte-keys.ts';

/** Remote write knows no metric or resource around a series: all its labels are in one place. */
const SPACE = 0;
const REFS_PER_BLOCK = 4096;

/**
 * Finds the reference of a series by the bytes of its labels as they are on the wire, so that a series that was seen
 * before costs no strings. When the cache is full it starts anew.
 */
export class SeriesCache {
  readonly #keys: ByteKeys;
  /** By entry, in blocks, so that nothing is copied when there are more. */
  #refs: Float64Array[] = [];

  /** @param options.seed makes the hash unforeseeable to who sends the labels; maxBytes is at most 4 GiB */
  constructor(options: { readonly seed: number; readonly maxBytes: number }) {
    this.#keys = new ByteKeys(options);
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The reference that was added with the bytes [start, end), if it is the one after the last that was found; or 0. */
  findNext(view: DataView, start: number, end: number): SeriesRef {
    return this.#refOf(this.#keys.findNext(SPACE, view, start, end));
  }

  /** The hash of the bytes [start, end), for `find` and `add`. */
  hash(view: DataView, start: number, end: number): number {
    return this.#keys.hash(SPACE, view, start, end);
  }

  /** The reference that was added with the bytes [start, end), or 0. */
  find(hash: number, view: DataView, start: number, end: number): SeriesRef {
    return this.#refOf(this.#keys.find(SPACE, hash, view, start, end));
  }

  /** Remembers a series; of one that is there already the reference (the store had forgotten the series). */
  add(hash: number, bytes: Uint8Array, ref: SeriesRef): void {
    if (!this.#keys.takes(bytes.length)) return;
    if (this.#keys.isFull(bytes.length)) this.clear();
    const entry = this.#keys.add(SPACE, hash, bytes);
    const block = (this.#refs[Math.floor(entry / REFS_PER_BLOCK)] ??= new Float64Array(REFS_PER_BLOCK));
    block[entry % REFS_PER_BLOCK] = ref;
  }

  clear(): void {
    this.#keys.clear();
    this.#refs = [];
  }

  /** Entry 0 stands for none. */
  #refOf(entry: number): SeriesRef {
    return this.#refs[Math.floor(entry / REFS_PER_BLOCK)]?.[entry % REFS_PER_BLOCK] ?? 0;
  }
}
