import type { SeriesRef } from '#telemetry';
import { RefSet } from './ref-set.ts';

const MIN_CAPACITY = 2;

/** A list of series references in ascending order. References only ever grow, so adding is appending. */
export class PostingList {
  #refs = new Uint32Array(MIN_CAPACITY);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(ref: SeriesRef): void {
    if (this.#length === this.#refs.length) {
      const grown = new Uint32Array(this.#refs.length * 2);
      grown.set(this.#refs);
      this.#refs = grown;
    }
    this.#refs[this.#length++] = ref;
  }

  /** A view, good until the list changes. */
  view(): Uint32Array {
    return this.#refs.subarray(0, this.#length);
  }

  /** Removes references, given in ascending order: what lies between them is moved in one go. */
  remove(removed: readonly SeriesRef[]): void {
    const refs = this.#refs;
    const live = this.view();
    let kept = 0;
    let from = 0;
    for (const ref of removed) {
      const at = lowerBound(live, ref, from);
      if (live[at] !== ref) continue;
      refs.copyWithin(kept, from, at);
      kept += at - from;
      from = at + 1;
    }
    refs.copyWithin(kept, from, this.#length);
    kept += this.#length - from;
    this.#length = kept;
    if (kept * 4 < refs.length && refs.length > 64) {
      const shrunk = new Uint32Array(Math.max(MIN_CAPACITY, kept * 2));
      shrunk.set(refs.subarray(0, kept));
      this.#refs = shrunk;
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
  for (const ref of short) {
    if (searching) at = lowerBound(long, ref, at);
    else while (at < long.length && (long[at] ?? 0) < ref) at++;
    if (at === long.length) break;
    if (long[at] === ref) both[count++] = ref;
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
  for (const ref of from) {
    if (searching) at = lowerBound(what, ref, at);
    else while (at < what.length && (what[at] ?? 0) < ref) at++;
    if (what[at] !== ref) rest[count++] = ref;
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
  return sorted ? all : sortRefs(all);
}

/** From so many references on, and where at least one in so many numbers is one, marking them beats sorting them. */
const MARKED_LENGTH = 1024;
const MARKED_SPARSITY = 256;

/** The references in ascending order; they are distinct. May reuse their memory. */
export function sortRefs(refs: Uint32Array): Uint32Array {
  let highest = 0;
  for (const ref of refs) if (ref > highest) highest = ref;
  if (refs.length < MARKED_LENGTH || highest > refs.length * MARKED_SPARSITY) return refs.sort();
  const marked = new RefSet(highest);
  marked.addAll(refs);
  return marked.sorted();
}

/** The first place from `from` on whose element is not below `wanted`. */
function lowerBound(list: Uint32Array, wanted: number, from: number): number {
  let low = from;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
