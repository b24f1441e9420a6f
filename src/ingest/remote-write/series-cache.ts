import type { SeriesRef } from '#telemetry';

const PAGE_BYTES = 1024 * 1024;
const MIN_CAPACITY = 4096;
/** Labels beyond this are not worth remembering; they never fit a page of their own. */
const MAX_KEY_BYTES = 64 * 1024;

/**
 * Finds the reference of a series by the bytes of its labels as they are on the wire, so that a series that was seen
 * before costs one hash and one comparison of bytes, and no strings. When it is full it starts anew.
 */
export class SeriesCache {
  readonly #seed: number;
  readonly #maxBytes: number;
  #hashes = new Uint32Array(MIN_CAPACITY);
  #refs = new Uint32Array(MIN_CAPACITY);
  #lengths = new Uint16Array(MIN_CAPACITY);
  /** Page × PAGE_BYTES + offset. */
  #addresses = new Float64Array(MIN_CAPACITY);
  #count = 0;
  #pages: DataView[] = [];
  #pageOffset = PAGE_BYTES;

  /** @param seed makes the hash unforeseeable to who sends the labels */
  constructor(options: { readonly seed: number; readonly maxBytes: number }) {
    this.#seed = options.seed >>> 0;
    this.#maxBytes = options.maxBytes;
  }

  get size(): number {
    return this.#count;
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
    const mask = this.#refs.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const ref = this.#refs[slot] ?? 0;
      if (ref === 0) return 0;
      if (this.#hashes[slot] === hash && this.#isAt(slot, view, start, end)) return ref;
    }
  }

  /** Remembers a series; one that is there already stays (a request may name a new series more than once). */
  add(hash: number, bytes: Uint8Array, ref: SeriesRef): void {
    if (bytes.length > MAX_KEY_BYTES - 1) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.find(hash, view, 0, bytes.length) !== 0) return;
    if (this.#pages.length * PAGE_BYTES >= this.#maxBytes && this.#pageOffset + bytes.length > PAGE_BYTES)
      this.clear();
    if ((this.#count + 1) * 3 > this.#refs.length * 2) this.#grow();
    const slot = this.#freeSlot(hash);
    this.#hashes[slot] = hash;
    this.#refs[slot] = ref;
    this.#lengths[slot] = bytes.length;
    this.#addresses[slot] = this.#keep(bytes);
    this.#count++;
  }

  clear(): void {
    this.#hashes = new Uint32Array(MIN_CAPACITY);
    this.#refs = new Uint32Array(MIN_CAPACITY);
    this.#lengths = new Uint16Array(MIN_CAPACITY);
    this.#addresses = new Float64Array(MIN_CAPACITY);
    this.#count = 0;
    this.#pages = [];
    this.#pageOffset = PAGE_BYTES;
  }

  #isAt(slot: number, view: DataView, start: number, end: number): boolean {
    if (this.#lengths[slot] !== end - start) return false;
    const address = this.#addresses[slot] ?? 0;
    const page = this.#pages[Math.floor(address / PAGE_BYTES)];
    if (!page) return false;
    const shift = (address % PAGE_BYTES) - start;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      if (view.getUint32(at, true) !== page.getUint32(at + shift, true)) return false;
    }
    for (; at < end; at++) if (view.getUint8(at) !== page.getUint8(at + shift)) return false;
    return true;
  }

  #keep(bytes: Uint8Array): number {
    if (this.#pageOffset + bytes.length > PAGE_BYTES) {
      this.#pages.push(new DataView(new ArrayBuffer(PAGE_BYTES)));
      this.#pageOffset = 0;
    }
    const page = this.#pages.length - 1;
    const offset = this.#pageOffset;
    const view = this.#pages[page];
    if (view) new Uint8Array(view.buffer).set(bytes, offset);
    this.#pageOffset += bytes.length;
    return page * PAGE_BYTES + offset;
  }

  #freeSlot(hash: number): number {
    const mask = this.#refs.length - 1;
    let slot = hash & mask;
    while (this.#refs[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [hashes, refs, lengths, addresses] = [this.#hashes, this.#refs, this.#lengths, this.#addresses];
    const capacity = refs.length * 2;
    this.#hashes = new Uint32Array(capacity);
    this.#refs = new Uint32Array(capacity);
    this.#lengths = new Uint16Array(capacity);
    this.#addresses = new Float64Array(capacity);
    for (let from = 0; from < refs.length; from++) {
      if (refs[from] === 0) continue;
      const slot = this.#freeSlot(hashes[from] ?? 0);
      this.#hashes[slot] = hashes[from] ?? 0;
      this.#refs[slot] = refs[from] ?? 0;
      this.#lengths[slot] = lengths[from] ?? 0;
      this.#addresses[slot] = addresses[from] ?? 0;
    }
  }
}
