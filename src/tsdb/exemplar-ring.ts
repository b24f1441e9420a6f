import { labelsKey, type Exemplar, type SeriesRef } from '#telemetry';

/** The newest exemplars of all series, each once; the oldest make room for new ones. */
export class ExemplarRing {
  readonly #capacity: number;
  readonly #entries: { readonly ref: SeriesRef; readonly exemplar: Exemplar; readonly key: string }[] = [];
  /** Of all entries: senders that got no answer send the same again. */
  readonly #keys = new Set<string>();
  /** Where the next one goes once the ring is full. */
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Whether it was taken: false where it is there already. */
  add(ref: SeriesRef, exemplar: Exemplar): boolean {
    const key = `${ref} ${exemplar.timestampMs} ${exemplar.value} ${labelsKey(exemplar.labels)}`;
    if (this.#capacity === 0 || this.#keys.has(key)) return false;
    this.#keys.add(key);
    const entry = { ref, exemplar, key };
    if (this.#entries.length < this.#capacity) {
      this.#entries.push(entry);
      return true;
    }
    this.#keys.delete(this.#entries[this.#oldest]?.key ?? '');
    this.#entries[this.#oldest] = entry;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    return true;
  }

  /** All exemplars, the oldest first. */
  *entries(): IterableIterator<{ readonly ref: SeriesRef; readonly exemplar: Exemplar }> {
    for (let at = 0; at < this.#entries.length; at++) {
      const entry = this.#entries[(this.#oldest + at) % this.#entries.length];
      if (entry) yield entry;
    }
  }
}
