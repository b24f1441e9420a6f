import { labelsKey, type Labels } from '#telemetry';

/**
 * Adds deltas up to the cumulative values that the store keeps. A series that is over the limit starts anew, as a
 * counter does when its process restarts.
 */
export class DeltaTotals {
  readonly #maxSeries: number;
  readonly #totals = new Map<string, number>();

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  /** The running total of the series after this delta. */
  add(labels: Labels, delta: number): number {
    const key = labelsKey(labels);
    const total = (this.#totals.get(key) ?? 0) + delta;
    this.#totals.delete(key);
    this.#totals.set(key, total);
    if (this.#totals.size > this.#maxSeries) {
      const oldest = this.#totals.keys().next();
      if (!oldest.done) this.#totals.delete(oldest.value);
    }
    return total;
  }
}
