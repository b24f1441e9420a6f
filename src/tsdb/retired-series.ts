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

  add(ref: SeriesRef, labels: Labels): void {
    this.#labels.set(ref, labels);
    if (this.#labels.size <= MAX_RETIRED_SERIES) return;
    const [oldest] = this.#labels.keys();
    if (oldest === undefined) return;
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
