import type { Stretch } from '#telemetry';
import type { SeriesRow } from './series-rows.ts';

/** Rows added between two looks at the clock. */
const ROWS_PER_LOOK = 8192;
/** Words swept between two looks at the clock. */
const WORDS_PER_LOOK = 1024;

/** A set of small whole numbers, such as rows: one bit for each number up to the highest. */
export class RowSet {
  readonly #words: Uint32Array;
  #size = 0;

  /** @param highest larger numbers are not taken */
  constructor(highest: number) {
    this.#words = new Uint32Array((highest >>> 5) + 1);
  }

  get size(): number {
    return this.#size;
  }

  add(row: SeriesRow): void {
    const at = row >>> 5;
    const before = this.#words[at];
    if (before === undefined) return;
    const after = (before | (1 << (row & 31))) >>> 0;
    if (after === before) return;
    this.#words[at] = after;
    this.#size++;
  }

  addAll(rows: ArrayLike<SeriesRow>): void {
    for (let at = 0; at < rows.length; at++) this.add(rows[at] ?? 0);
  }

  /** As `addAll`, giving the event loop its turns; the array must stay as it is meanwhile. */
  async addAllInSlices(rows: ArrayLike<SeriesRow>, stretch: Stretch): Promise<void> {
    for (let at = 0; at < rows.length; at++) {
      if (at % ROWS_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      this.add(rows[at] ?? 0);
    }
  }

  remove(row: SeriesRow): void {
    if (!this.has(row)) return;
    this.#words[row >>> 5] = ((this.#words[row >>> 5] ?? 0) & ~(1 << (row & 31))) >>> 0;
    this.#size--;
  }

  has(row: SeriesRow): boolean {
    return (((this.#words[row >>> 5] ?? 0) >>> (row & 31)) & 1) === 1;
  }

  /** All members, ascending. */
  sorted(): Uint32Array {
    const members = new Uint32Array(this.#size);
    this.#sweep(members, { count: 0, fromWord: 0, toWord: this.#words.length });
    return members;
  }

  /** As `sorted`, giving the event loop its turns. */
  async sortedInSlices(stretch: Stretch): Promise<Uint32Array> {
    const members = new Uint32Array(this.#size);
    let count = 0;
    for (let fromWord = 0; fromWord < this.#words.length; fromWord += WORDS_PER_LOOK) {
      if (stretch.isOver) await stretch.pause();
      count = this.#sweep(members, { count, fromWord, toWord: fromWord + WORDS_PER_LOOK });
    }
    return members;
  }

  /** Appends the members of some words; how many there are then. */
  #sweep(members: Uint32Array, part: { count: number; fromWord: number; toWord: number }): number {
    let { count } = part;
    const end = Math.min(this.#words.length, part.toWord);
    for (let at = part.fromWord; at < end; at++) {
      let word = this.#words[at] ?? 0;
      while (word !== 0) {
        const lowest = 31 - Math.clz32(word & -word);
        members[count++] = at * 32 + lowest;
        word &= word - 1;
      }
    }
    return count;
  }
}
