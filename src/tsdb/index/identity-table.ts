import type { SeriesRow } from './series-rows.ts';

const EMPTY = 0;
const REMOVED = 0xffffffff;
const MIN_CAPACITY = 16;
/** The table is divided by the hash's upper bits: each part grows by itself, and none for long. */
const PART_BITS = 6;

/** Finds series by the hash of their identity. */
export class IdentityTable {
  readonly #parts = Array.from({ length: 1 << PART_BITS }, () => new TablePart());
  /** Parts that take much more memory than what is left in them needs. */
  readonly #sparse = new Set<TablePart>();

  /** The row with this hash that `isIt` accepts, or 0. */
  find(hash: number, isIt: (row: SeriesRow) => boolean): SeriesRow {
    return this.#partOf(hash)?.find(hash >>> 0, isIt) ?? 0;
  }

  add(hash: number, row: SeriesRow): void {
    this.#partOf(hash)?.add(hash >>> 0, row);
  }

  /** What that leaves is made smaller by `tidy`: all parts become sparse at about the same time. */
  remove(hash: number, row: SeriesRow): void {
    const part = this.#partOf(hash);
    if (!part) return;
    part.remove(hash >>> 0, row);
    if (part.isSparse) this.#sparse.add(part);
  }

  /** Makes one of its parts smaller. @returns whether there was one to be made so */
  tidy(): boolean {
    const [part] = this.#sparse;
    if (part === undefined) return false;
    this.#sparse.delete(part);
    part.rebuild();
    return true;
  }

  #partOf(hash: number): TablePart | undefined {
    return this.#parts[hash >>> (32 - PART_BITS)];
  }
}

/** Open addressing with linear probing, at most two thirds full. */
class TablePart {
  #rows = new Uint32Array(MIN_CAPACITY);
  #hashes = new Uint32Array(MIN_CAPACITY);
  /** Places that are not EMPTY. */
  #used = 0;
  #live = 0;

  get isSparse(): boolean {
    return this.#rows.length > MIN_CAPACITY && this.#live * 12 < this.#rows.length;
  }

  find(wanted: number, isIt: (row: SeriesRow) => boolean): SeriesRow {
    const mask = this.#rows.length - 1;
    for (let at = wanted & mask; ; at = (at + 1) & mask) {
      const row = this.#rows[at] ?? EMPTY;
      if (row === EMPTY) return 0;
      if (row !== REMOVED && this.#hashes[at] === wanted && isIt(row)) return row;
    }
  }

  add(hash: number, row: SeriesRow): void {
    if ((this.#used + 1) * 3 > this.#rows.length * 2) this.rebuild();
    this.#insert(hash, row);
  }

  remove(hash: number, row: SeriesRow): void {
    const mask = this.#rows.length - 1;
    for (let at = hash & mask; this.#rows[at] !== EMPTY; at = (at + 1) & mask) {
      if (this.#rows[at] !== row) continue;
      this.#rows[at] = REMOVED;
      this.#live--;
      break;
    }
  }

  #insert(hash: number, row: SeriesRow): void {
    const mask = this.#rows.length - 1;
    let at = hash & mask;
    while (this.#rows[at] !== EMPTY) at = (at + 1) & mask;
    this.#rows[at] = row;
    this.#hashes[at] = hash;
    this.#used++;
    this.#live++;
  }

  /** Leaves out what has been removed, in an array that is as large as the rest needs. */
  rebuild(): void {
    const rows = this.#rows;
    const hashes = this.#hashes;
    let capacity = MIN_CAPACITY;
    while (capacity < (this.#live + 1) * 3) capacity *= 2;
    this.#rows = new Uint32Array(capacity);
    this.#hashes = new Uint32Array(capacity);
    this.#used = 0;
    this.#live = 0;
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at] ?? EMPTY;
      if (row !== EMPTY && row !== REMOVED) this.#insert(hashes[at] ?? 0, row);
    }
  }
}
