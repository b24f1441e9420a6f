export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** Keeps the largest few of many counts: a heap with the least of them at its root. */
export class TopCounts {
  readonly #limit: number;
  readonly #heap: NamedCount[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What a count has to exceed to be kept. */
  get least(): number {
    return this.#heap.length < this.#limit ? 0 : (this.#heap[0]?.value ?? 0);
  }

  offer(name: string, value: number): void {
    if (value <= this.least) return;
    const offered = { name, value };
    if (this.#heap.length < this.#limit) this.#rise(offered);
    else this.#sink(offered);
  }

  /** The largest first; of equal ones in order of their names. */
  list(): readonly NamedCount[] {
    return this.#heap.toSorted(largestFirst);
  }

  #rise(offered: NamedCount): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (!parent || largestFirst(parent, offered) > 0) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = offered;
  }

  /** Puts a count in the place of the root, and lets it down to where it belongs. */
  #sink(offered: NamedCount): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      let child = heap[below];
      if (!child) break;
      const right = heap[below + 1];
      if (right && largestFirst(right, child) > 0) {
        child = right;
        below++;
      }
      if (largestFirst(offered, child) > 0) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = offered;
  }
}

function largestFirst(left: NamedCount, right: NamedCount): number {
  return right.value - left.value || (left.name < right.name ? -1 : 1);
}
