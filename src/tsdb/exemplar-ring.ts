import type { Exemplar, SeriesRef } from '#telemetry';

/** The newest exemplars of all series; the oldest make room for new ones. */
export class ExemplarRing {
  readonly #capacity: number;
  readonly #entries: { readonly ref: SeriesRef; readonly exemplar: Exemplar }[] = [];
  /** Where the next one goes once the ring is full. */
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.length;
  }

  add(ref: SeriesRef, exemplar: Exemplar): void {
    if (this.#entries.length < this.#capacity) {
      this.#entries.push({ ref, exemplar });
    } else if (this.#capacity > 0) {
      this.#entries[this.#oldest] = { ref, exemplar };
      this.#oldest = (this.#oldest + 1) % this.#capacity;
    }
  }

  /** All exemplars, the oldest first. */
  *entries(): IterableIterator<{ readonly ref: SeriesRef; readonly exemplar: Exemplar }> {
    for (let at = 0; at < this.#entries.length; at++) {
      const entry = this.#entries[(this.#oldest + at) % this.#entries.length];
      if (entry) yield entry;
    }
  }
}
