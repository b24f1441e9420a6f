import type { SeriesRef, Stretch } from '#telemetry';

/** References added between two looks at the clock. */
const REFS_PER_LOOK = 8192;
/** Words swept between two looks at the clock. */
const WORDS_PER_LOOK = 1024;

/** A set of small whole numbers, such as references: one bit for each number up to the highest. */
export class RefSet {
  readonly #words: Uint32Array;
  #size = 0;

  /** @param highest larger numbers are not taken */
  constructor(highest: number) {
    this.#words = new Uint32Array((highest >>> 5) + 1);
  }

  get size(): number {
    return this.#size;
  }

  add(ref: SeriesRef): void {
    const at = ref >>> 5;
    const before = this.#words[at];
    if (before === undefined) return;
    const after = (before | (1 << (ref & 31))) >>> 0;
    if (after === before) return;
    this.#words[at] = after;
    this.#size++;
  }

  addAll(refs: ArrayLike<SeriesRef>): void {
    for (let at = 0; at < refs.length; at++) this.add(refs[at] ?? 0);
  }

  /** As `addAll`, giving the event loop its turns; the array must stay as it is meanwhile. */
  async addAllInSlices(refs: ArrayLike<SeriesRef>, stretch: Stretch): Promise<void> {
    for (let at = 0; at < refs.length; at++) {
      if (at % REFS_PER_LOOK === 0 && stretch.isOver) await stretch.pause();
      this.add(refs[at] ?? 0);
    }
  }

  has(ref: SeriesRef): boolean {
    return (((this.#words[ref >>> 5] ?? 0) >>> (ref & 31)) & 1) === 1;
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
