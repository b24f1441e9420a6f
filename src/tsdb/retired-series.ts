import type { Labels, SeriesRef } from '#telemetry';

/** How many retired series can come back under a reference that somebody still holds. */
const MAX_RETIRED_SERIES = 200_000;

/**
 * Series that had no sample for so long that the index forgot them. Whoever holds a reference may still append to
 * it: the series is then made anew and the old reference stands for the new one.
 */
export class RetiredSeries {
  readonly #labels = new Map<SeriesRef, Labels>();
  readonly #successors = new Map<SeriesRef, SeriesRef>();
  /** In order of retirement, as a ring: to ask a map for its first key again and again is slow where many went. */
  readonly #order: SeriesRef[] = [];
  #oldest = 0;

  add(ref: SeriesRef, labels: Labels): void {
    this.#labels.set(ref, labels);
    if (this.#order.length < MAX_RETIRED_SERIES) {
      this.#order.push(ref);
      return;
    }
    const oldest = this.#order[this.#oldest] ?? 0;
    this.#order[this.#oldest] = ref;
    this.#oldest = (this.#oldest + 1) % MAX_RETIRED_SERIES;
    this.#labels.delete(oldest);
    this.#successors.delete(oldest);
  }

  labelsOf(ref: SeriesRef): Labels | undefined {
    return this.#labels.get(ref);
  }

  /** What a retired reference stands for now, or undefined where it has not come back. */
  successorOf(ref: SeriesRef): SeriesRef | undefined {
    return this.#successors.get(ref);
  }

  setSuccessor(ref: SeriesRef, successor: SeriesRef): void {
    this.#successors.set(ref, successor);
  }
}
