import type { SeriesRef } from '#telemetry';

const PAGE_BYTES = 1024 * 1024;
const MIN_CAPACITY = 4096;
/** Labels beyond this are not worth remembering. */
const MAX_KEY_BYTES = 64 * 1024 - 1;

/**
 * Finds the reference of a series by the bytes of its labels as they are on the wire, so that a series that was seen
 * before costs no strings. Senders send their series in the same order again and again: the entry after the one
 * that was found last is tried first, and then not even a hash is needed. When the cache is full it starts anew.
 */
export class SeriesCache {
  readonly #seed: number;
  readonly #maxBytes: number;
  /** Entries in order of arrival, from 1 on: reference, hash, and where the bytes are (page × PAGE_BYTES + offset). */
  #refs = new Float64Array(MIN_CAPACITY);
  #hashes = new Uint32Array(MIN_CAPACITY);
  #addresses = new Uint32Array(MIN_CAPACITY);
  #lengths = new Uint16Array(MIN_CAPACITY);
  #count = 0;
  /** Open addressing: entries by hash, 0 where there is none. */
  #table = new Uint32Array(2 * MIN_CAPACITY);
  #pages: DataView[] = [];
  #pageOffset = PAGE_BYTES;
  /** The entry that was found last. */
  #last = 0;

  /** @param options.seed makes the hash unforeseeable to who sends the labels; maxBytes is at most 4 GiB */
  constructor(options: { readonly seed: number; readonly maxBytes: number }) {
    this.#seed = options.seed >>> 0;
    this.#maxBytes = options.maxBytes;
  }

  get size(): number {
    return this.#count;
  }

  /** The reference that was added with the bytes [start, end), if it is the one after the last that was found; or 0. */
  findNext(view: DataView, start: number, end: number): SeriesRef {
    const entry = this.#last + 1;
    if (entry > this.#count || !this.#isAt(entry, view, start, end)) return 0;
    this.#last = entry;
    return this.#refs[entry] ?? 0;
  }

  /** The hash of the bytes [start, end), for `find` and `add`. */
  hash(view: DataView, start: number, end: number): number {
    let hash = this.#seed;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 16) ^ (end - start), 0xc2b2ae35);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  /** The reference that was added with the bytes [start, end), or 0. Takes no object: it is called for each series. */
  find(hash: number, view: DataView, start: number, end: number): SeriesRef {
    const mask = this.#table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#table[slot] ?? 0;
      if (entry === 0) return 0;
      if (this.#hashes[entry] === hash && this.#isAt(entry, view, start, end)) {
        this.#last = entry;
        return this.#refs[entry] ?? 0;
      }
    }
  }

  /** Remembers a series; of one that is there already the reference (the store had forgotten the series). */
  add(hash: number, bytes: Uint8Array, ref: SeriesRef): void {
    if (bytes.length > MAX_KEY_BYTES) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.find(hash, view, 0, bytes.length) !== 0) {
      this.#refs[this.#last] = ref;
      return;
    }
    const needsPage = this.#pageOffset + bytes.length > PAGE_BYTES;
    if (needsPage && (this.#pages.length + 1) * PAGE_BYTES > this.#maxBytes) this.clear();
    if (this.#count + 1 === this.#refs.length) this.#grow();
    const entry = ++this.#count;
    this.#refs[entry] = ref;
    this.#hashes[entry] = hash;
    this.#lengths[entry] = bytes.length;
    this.#addresses[entry] = this.#keep(bytes);
    this.#enter(entry);
  }

  clear(): void {
    this.#refs = new Float64Array(MIN_CAPACITY);
    this.#hashes = new Uint32Array(MIN_CAPACITY);
    this.#addresses = new Uint32Array(MIN_CAPACITY);
    this.#lengths = new Uint16Array(MIN_CAPACITY);
    this.#table = new Uint32Array(2 * MIN_CAPACITY);
    this.#count = 0;
    this.#last = 0;
    this.#pages = [];
    this.#pageOffset = PAGE_BYTES;
  }

  #isAt(entry: number, view: DataView, start: number, end: number): boolean {
    if (this.#lengths[entry] !== end - start) return false;
    const address = this.#addresses[entry] ?? 0;
    const page = this.#pages[Math.floor(address / PAGE_BYTES)];
    if (!page) return false;
    const shift = (address % PAGE_BYTES) - start;
    let at = start;
    // Sixteen bytes for one branch: this is where known series spend their time.
    for (; at + 16 <= end; at += 16) {
      const there = at + shift;
      const differing =
        (view.getInt32(at, true) ^ page.getInt32(there, true)) |
        (view.getInt32(at + 4, true) ^ page.getInt32(there + 4, true)) |
        (view.getInt32(at + 8, true) ^ page.getInt32(there + 8, true)) |
        (view.getInt32(at + 12, true) ^ page.getInt32(there + 12, true));
      if (differing !== 0) return false;
    }
    for (; at < end; at++) if (view.getUint8(at) !== page.getUint8(at + shift)) return false;
    return true;
  }

  #keep(bytes: Uint8Array): number {
    if (this.#pageOffset + bytes.length > PAGE_BYTES) {
      this.#pages.push(new DataView(new ArrayBuffer(PAGE_BYTES)));
      this.#pageOffset = 0;
    }
    const number = this.#pages.length - 1;
    const offset = this.#pageOffset;
    const page = this.#pages[number];
    if (page) new Uint8Array(page.buffer).set(bytes, offset);
    this.#pageOffset += bytes.length;
    return number * PAGE_BYTES + offset;
  }

  #enter(entry: number): void {
    const mask = this.#table.length - 1;
    let slot = (this.#hashes[entry] ?? 0) & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = entry;
  }

  #grow(): void {
    const capacity = this.#refs.length * 2;
    const refs = new Float64Array(capacity);
    refs.set(this.#refs);
    const hashes = new Uint32Array(capacity);
    hashes.set(this.#hashes);
    const addresses = new Uint32Array(capacity);
    addresses.set(this.#addresses);
    const lengths = new Uint16Array(capacity);
    lengths.set(this.#lengths);
    this.#refs = refs;
    this.#hashes = hashes;
    this.#addresses = addresses;
    this.#lengths = lengths;
    this.#table = new Uint32Array(2 * capacity);
    for (let entry = 1; entry <= this.#count; entry++) this.#enter(entry);
  }
}
