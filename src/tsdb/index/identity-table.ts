import type { SeriesRef } from '#telemetry';

const EMPTY = 0;
const REMOVED = 0xffffffff;
const MIN_CAPACITY = 1024;

/** Finds series by the hash of their identity: open addressing with linear probing, at most two thirds full. */
export class IdentityTable {
  #refs = new Uint32Array(MIN_CAPACITY);
  #hashes = new Uint32Array(MIN_CAPACITY);
  /** Places that are not EMPTY. */
  #used = 0;
  #live = 0;

  /** The reference with this hash that `isIt` accepts, or 0. */
  find(hash: number, isIt: (ref: SeriesRef) => boolean): SeriesRef {
    const wanted = hash >>> 0;
    const mask = this.#refs.length - 1;
    for (let at = wanted & mask; ; at = (at + 1) & mask) {
      const ref = this.#refs[at] ?? EMPTY;
      if (ref === EMPTY) return 0;
      if (ref !== REMOVED && this.#hashes[at] === wanted && isIt(ref)) return ref;
    }
  }

  add(hash: number, ref: SeriesRef): void {
    if ((this.#used + 1) * 3 > this.#refs.length * 2) this.#rebuild();
    this.#insert(hash >>> 0, ref);
  }

  remove(hash: number, ref: SeriesRef): void {
    const mask = this.#refs.length - 1;
    for (let at = (hash >>> 0) & mask; this.#refs[at] !== EMPTY; at = (at + 1) & mask) {
      if (this.#refs[at] !== ref) continue;
      this.#refs[at] = REMOVED;
      this.#live--;
      return;
    }
  }

  #insert(hash: number, ref: SeriesRef): void {
    const mask = this.#refs.length - 1;
    let at = hash & mask;
    while (this.#refs[at] !== EMPTY) at = (at + 1) & mask;
    this.#refs[at] = ref;
    this.#hashes[at] = hash;
    this.#used++;
    this.#live++;
  }

  #rebuild(): void {
    const refs = this.#refs;
    const hashes = this.#hashes;
    let capacity = MIN_CAPACITY;
    while (capacity < (this.#live + 1) * 3) capacity *= 2;
    this.#refs = new Uint32Array(capacity);
    this.#hashes = new Uint32Array(capacity);
    this.#used = 0;
    this.#live = 0;
    refs.forEach((ref, at) => {
      if (ref !== EMPTY && ref !== REMOVED) this.#insert(hashes[at] ?? 0, ref);
    });
  }
}
