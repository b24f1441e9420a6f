const PAGE_BYTES = 1024 * 1024;
const MIN_CAPACITY = 4096;
/** Entries whose columns are one piece of memory: nothing is copied when there are more. */
const BLOCK_BITS = 12;
const ENTRIES_PER_BLOCK = 2 ** BLOCK_BITS;
const PLACE_MASK = ENTRIES_PER_BLOCK - 1;
/** Keys beyond this are not worth remembering. */
const MAX_KEY_BYTES = 64 * 1024 - 1;
/** What an entry takes beside its bytes; keys without bytes count for that much. */
const ENTRY_BYTES = 24;
/** Entries that go into a grown table with each that is added: all of 131,072 at once took 8 ms. */
const MOVED_PER_ADD = 8;

/** Of entries: space, hash, and where the bytes are (page × PAGE_BYTES + offset). */
class EntryBlock {
  readonly spaces = new Uint32Array(ENTRIES_PER_BLOCK);
  readonly hashes = new Uint32Array(ENTRIES_PER_BLOCK);
  readonly addresses = new Uint32Array(ENTRIES_PER_BLOCK);
  readonly lengths = new Uint16Array(ENTRIES_PER_BLOCK);
}

/**
 * Numbers keys that are bytes of a request, so that what was seen before costs no strings. A key belongs to a space,
 * a number that stands for what it is read in: the same attributes of two metrics are two keys. Senders send the
 * same things in the same order again and again: the entry after the one that was found last is tried first, and
 * then not even a hash is needed.
 *
 * Entries are numbered from 1 on in order of arrival. Whoever uses them keeps what belongs to an entry in columns of
 * its own, and clears both when `isFull`.
 */
export class ByteKeys {
  readonly #seed: number;
  readonly #maxBytes: number;
  #blocks: EntryBlock[] = [];
  #count = 0;
  /** Entries, one less, for which the table has room. */
  #capacity = MIN_CAPACITY;
  /** Open addressing: entries by hash, 0 where there is none. */
  #table = new Uint32Array(2 * MIN_CAPACITY);
  /** While entries move into a table that has grown: the one before, and the last entry that has moved. */
  #oldTable: Uint32Array | null = null;
  #moved = 0;
  #pages: DataView[] = [];
  #pageOffset = PAGE_BYTES;
  /** The entry that was found last. */
  #last = 0;

  /** @param options.seed makes the hash unforeseeable to who sends the keys; maxBytes is at most 4 GiB */
  constructor(options: { readonly seed: number; readonly maxBytes: number }) {
    this.#seed = options.seed >>> 0;
    this.#maxBytes = options.maxBytes;
  }

  get size(): number {
    return this.#count;
  }

  /** The entry of the bytes [start, end), if it is the one after the last that was found; or 0. */
  findNext(space: number, view: DataView, start: number, end: number): number {
    const entry = this.#last + 1;
    if (entry > this.#count || !this.isEntry(entry, space, view, start, end)) return 0;
    this.#last = entry;
    return entry;
  }

  /** Whether the bytes [start, end) are those of the entry. */
  isEntry(entry: number, space: number, view: DataView, start: number, end: number): boolean {
    const block = this.#blocks[entry >>> BLOCK_BITS];
    if (block === undefined) return false;
    const place = entry & PLACE_MASK;
    return block.spaces[place] === space && this.#isAt(block, place, view, start, end);
  }

  /** The hash of the bytes [start, end), for `find` and `add`. */
  hash(space: number, view: DataView, start: number, end: number): number {
    let hash = (this.#seed ^ Math.imul(space, 0x27d4eb2f)) >>> 0;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ view.getUint32(at, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 16) ^ (end - start), 0xc2b2ae35);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  /** The entry of the bytes [start, end), or 0. Takes no object: it is called for each series. */
  find(space: number, hash: number, view: DataView, start: number, end: number): number {
    const found = this.#findIn(this.#table, space, hash, view, start, end);
    if (found !== 0 || this.#oldTable === null) return found;
    return this.#findIn(this.#oldTable, space, hash, view, start, end);
  }

  #findIn(
    table: Uint32Array,
    space: number,
    hash: number,
    view: DataView,
    start: number,
    end: number,
  ): number {
    const mask = table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = table[slot] ?? 0;
      if (entry === 0) return 0;
      if (this.#hashOf(entry) === hash && this.isEntry(entry, space, view, start, end)) {
        this.#last = entry;
        return entry;
      }
    }
  }

  /** Whether a key of this length finds no room before `clear`. */
  isFull(length: number): boolean {
    const needsPage = this.#pageOffset + length > PAGE_BYTES;
    if (this.#count * ENTRY_BYTES > this.#maxBytes) return true;
    return needsPage && (this.#pages.length + 1) * PAGE_BYTES > this.#maxBytes;
  }

  /** Whether bytes of this length can be a key at all. */
  takes(length: number): boolean {
    return length <= MAX_KEY_BYTES;
  }

  /** The entry of a key, made where there is none. There must be room for it, and it must be takeable. */
  add(space: number, hash: number, bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const known = this.find(space, hash, view, 0, bytes.length);
    if (known !== 0) return known;
    if (this.#count + 1 === this.#capacity) this.#grow();
    if (this.#oldTable !== null) this.#move(this.#oldTable);
    const entry = ++this.#count;
    const block = (this.#blocks[entry >>> BLOCK_BITS] ??= new EntryBlock());
    const place = entry & PLACE_MASK;
    block.spaces[place] = space;
    block.hashes[place] = hash;
    block.lengths[place] = bytes.length;
    block.addresses[place] = this.#keep(bytes);
    this.#enter(entry);
    this.#last = entry;
    return entry;
  }

  clear(): void {
    this.#blocks = [];
    this.#capacity = MIN_CAPACITY;
    this.#table = new Uint32Array(2 * MIN_CAPACITY);
    this.#oldTable = null;
    this.#count = 0;
    this.#last = 0;
    this.#pages = [];
    this.#pageOffset = PAGE_BYTES;
  }

  #hashOf(entry: number): number {
    return this.#blocks[entry >>> BLOCK_BITS]?.hashes[entry & PLACE_MASK] ?? 0;
  }

  #isAt(block: EntryBlock, place: number, view: DataView, start: number, end: number): boolean {
    if (block.lengths[place] !== end - start) return false;
    if (start === end) return true;
    const address = block.addresses[place] ?? 0;
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
    let slot = this.#hashOf(entry) & mask;
    while (this.#table[slot] !== 0) slot = (slot + 1) & mask;
    this.#table[slot] = entry;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#oldTable = this.#table;
    this.#moved = 0;
    this.#table = new Uint32Array(2 * this.#capacity);
  }

  /** All have moved long before the table grows again. */
  #move(oldTable: Uint32Array): void {
    const oldCount = oldTable.length / 2 - 1;
    const last = Math.min(oldCount, this.#moved + MOVED_PER_ADD);
    while (this.#moved < last) this.#enter(++this.#moved);
    if (last === oldCount) this.#oldTable = null;
  }
}
