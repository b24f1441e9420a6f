import { CopyAhead } from './copy-ahead.ts';
import { RowSet } from './row-set.ts';
import type { SeriesRow } from './series-rows.ts';

const MIN_CAPACITY = 2;
/** Rows are to be taken out of a list when they are this part of it, or so many: to make room for more takes its time. */
const UNTIDY_SHARE = 4;
const UNTIDY_COUNT = 16_384;
/** When they are so many times as many they are taken out in any case; of lists shorter than this at once. */
const PATIENCE = 2;
const LONG_LENGTH = 16_384;

/** From this capacity on a list moves into a larger array bit by bit, */
const COPIED_AHEAD_CAPACITY = 32_768;
/** with each so many rows that are added while no more than an eighth of its room is left: then all have moved in time. */
const ROWS_BETWEEN_STEPS = 256;

/** Where rows to add or to take out are fewer than the others by this factor, what lies between is moved in one go. */
const FEWER_BY = 8;

/**
 * A list of rows in ascending order. A row that is added goes to the end; rows that were used before come out of
 * order there, and are put in their places when the list is next looked at.
 */
export class PostingList {
  #rows = new Uint32Array(MIN_CAPACITY);
  #length = 0;
  /** So many are in order. */
  #sorted = 0;
  /** Rows that are to be taken out, ascending. */
  #gone: SeriesRow[] = [];
  /** Where the rows will be when there is no more room. */
  #ahead: CopyAhead | null = null;

  get length(): number {
    return this.#length - this.#gone.length;
  }

  add(row: SeriesRow): void {
    if (this.#gone.length > 0 && this.#isKept(row)) return;
    if (this.#length === this.#rows.length) this.#grow();
    const isInOrder =
      this.#sorted === this.#length && (this.#sorted === 0 || (this.#rows[this.#sorted - 1] ?? 0) < row);
    this.#rows[this.#length++] = row;
    if (isInOrder) this.#sorted = this.#length;
    if (this.#length % ROWS_BETWEEN_STEPS === 0) this.#copyAhead();
  }

  /** In ascending order. A view, good until the list changes. */
  view(): Uint32Array {
    if (this.#sorted < this.#length) this.#putInOrder();
    if (this.#gone.length > 0) this.#takeOut();
    return this.#rows.subarray(0, this.#length);
  }

  #copyAhead(): void {
    const { length: capacity } = this.#rows;
    if (capacity < COPIED_AHEAD_CAPACITY || this.#length * 8 < capacity * 7) return;
    this.#ahead ??= new CopyAhead(capacity * 2);
    this.#ahead.step(this.#rows, this.#length);
  }

  #grow(): void {
    const ahead = this.#ahead ?? new CopyAhead(this.#rows.length * 2);
    this.#rows = ahead.finish(this.#rows, this.#length);
    this.#ahead = null;
  }

  #putInOrder(): void {
    this.#ahead?.outdate();
    const rows = this.#rows;
    const added = sortRows(rows.slice(this.#sorted, this.#length));
    const before = rows.subarray(0, this.#sorted);
    let end = this.#sorted;
    let to = this.#length;
    const isFew = added.length * FEWER_BY < this.#sorted;
    for (let at = added.length - 1; at >= 0; at--) {
      const row = added[at] ?? 0;
      if (isFew) {
        const place = lowerBound(before, row, 0);
        to -= end - place;
        rows.copyWithin(to, place, end);
        end = place;
      } else {
        while (end > 0 && (rows[end - 1] ?? 0) > row) rows[--to] = rows[--end] ?? 0;
      }
      rows[--to] = row;
    }
    this.#sorted = this.#length;
  }

  /**
   * Removes rows, given in ascending order. They are taken out together: to do so moves the whole list.
   * @returns whether it is time to `tidy` it
   */
  remove(removed: readonly SeriesRow[]): boolean {
    if (this.#sorted < this.#length) this.#putInOrder();
    const [first = 0] = removed;
    if ((this.#gone.at(-1) ?? 0) >= first) this.#takeOut();
    const live = this.#rows.subarray(0, this.#length);
    let from = 0;
    for (const row of removed) {
      from = lowerBound(live, row, from);
      if (live[from] === row) this.#gone.push(row);
    }
    const most = Math.min(this.#length / UNTIDY_SHARE, UNTIDY_COUNT);
    if (this.#gone.length < most) return false;
    if (this.#length >= LONG_LENGTH && this.#gone.length < most * PATIENCE) return true;
    this.#takeOut();
    return false;
  }

  /** Takes out what is to be taken out. */
  tidy(): void {
    if (this.#gone.length > 0) this.#takeOut();
  }

  /** Whether a row was one of those that are to be taken out: then it stays where it lies. */
  #isKept(row: SeriesRow): boolean {
    const at = lowerBound(this.#gone, row, 0);
    if (this.#gone[at] !== row) return false;
    this.#gone.splice(at, 1);
    return true;
  }

  #takeOut(): void {
    const rows = this.#rows;
    const live = rows.subarray(0, this.#length);
    const isFew = this.#gone.length * FEWER_BY < this.#length;
    let kept = 0;
    let from = 0;
    for (const row of this.#gone) {
      if (isFew) {
        const at = lowerBound(live, row, from);
        rows.copyWithin(kept, from, at);
        kept += at - from;
        from = at + 1;
      } else {
        while ((rows[from] ?? 0) < row) rows[kept++] = rows[from++] ?? 0;
        from++;
      }
    }
    rows.copyWithin(kept, from, this.#length);
    kept += this.#length - from;
    this.#length = kept;
    this.#sorted = kept;
    this.#gone = [];
    if (kept * 2 < rows.length) this.#ahead = null;
    else this.#ahead?.outdate();
    if (kept * 4 < rows.length && rows.length > 64) {
      const shrunk = new Uint32Array(Math.max(MIN_CAPACITY, kept * 2));
      shrunk.set(rows.subarray(0, kept));
      this.#rows = shrunk;
    }
  }
}

/** From this ratio of lengths on, looking up each element of the short list beats walking the long one. */
const SEARCH_RATIO = 16;

/** What is in both ascending lists. */
export function intersect(left: Uint32Array, right: Uint32Array): Uint32Array {
  const [short, long] = left.length <= right.length ? [left, right] : [right, left];
  const both = new Uint32Array(short.length);
  let count = 0;
  let at = 0;
  const searching = long.length > short.length * SEARCH_RATIO;
  for (const row of short) {
    if (searching) at = lowerBound(long, row, at);
    else while (at < long.length && (long[at] ?? 0) < row) at++;
    if (at === long.length) break;
    if (long[at] === row) both[count++] = row;
  }
  return both.subarray(0, count);
}

/** What is in the first ascending list and not in the second. */
export function subtract(from: Uint32Array, what: Uint32Array): Uint32Array {
  if (what.length === 0) return from;
  const rest = new Uint32Array(from.length);
  let count = 0;
  let at = 0;
  const searching = what.length > from.length * SEARCH_RATIO;
  for (const row of from) {
    if (searching) at = lowerBound(what, row, at);
    else while (at < what.length && (what[at] ?? 0) < row) at++;
    if (what[at] !== row) rest[count++] = row;
  }
  return rest.subarray(0, count);
}

/** One ascending list of lists that share nothing. */
export function unionOfDisjoint(lists: readonly Uint32Array[]): Uint32Array {
  const [only] = lists;
  if (only && lists.length === 1) return only;
  let total = 0;
  for (const list of lists) total += list.length;
  const all = new Uint32Array(total);
  let at = 0;
  let sorted = true;
  for (const list of lists) {
    if (at > 0 && list.length > 0 && (all[at - 1] ?? 0) > (list[0] ?? 0)) sorted = false;
    all.set(list, at);
    at += list.length;
  }
  return sorted ? all : sortRows(all);
}

/** From so many rows on, and where at least one in so many numbers is one, marking them beats sorting them. */
const MARKED_LENGTH = 1024;
const MARKED_SPARSITY = 256;

/** The rows in ascending order; they are distinct. May reuse their memory. */
export function sortRows(rows: Uint32Array): Uint32Array {
  let highest = 0;
  for (const row of rows) if (row > highest) highest = row;
  if (rows.length < MARKED_LENGTH || highest > rows.length * MARKED_SPARSITY) return rows.sort();
  const marked = new RowSet(highest);
  marked.addAll(rows);
  return marked.sorted();
}

/** The first place from `from` on whose element is not below `wanted`. */
function lowerBound(list: ArrayLike<number>, wanted: number, from: number): number {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
