import type { HistogramValue, SeriesRef } from '#telemetry';
import { addHistograms } from './add-histograms.ts';

/** What the store knows of a series' newest sample. */
export interface NewestSamples {
  /** Its time; −Infinity where there is none. */
  newestMs(ref: SeriesRef): number;
  /** Its value; NaN where it is a histogram, or where the series has ended. */
  newestValue(ref: SeriesRef): number;
  /** The histogram; null where it is a number, or where the series has ended. */
  newestHistogram(ref: SeriesRef): HistogramValue | null;
}

/**
 * Adds deltas up to totals. The total of a series is its newest sample in the store, so that a delta counts when it is
 * stored, and once, over restarts too; what was refused or could not be written moves nothing. There is nothing beside
 * the store to bound or to forget: a series that is idle for long leaves it, and begins anew. In here is only what the
 * unit that is being put together adds.
 */
export class DeltaTotals {
  readonly #store: NewestSamples;
  readonly #timesMs = new Map<SeriesRef, number>();
  readonly #values = new Map<SeriesRef, number>();
  readonly #histograms = new Map<SeriesRef, HistogramValue>();

  constructor(store: NewestSamples) {
    this.#store = store;
  }

  /** The time of the newest point that counts. A delta that does not end after it is counted already. */
  newestMs(ref: SeriesRef): number {
    return this.#timesMs.get(ref) ?? this.#store.newestMs(ref);
  }

  /** The total with the delta; the delta itself where a total begins. */
  add(ref: SeriesRef, timeMs: number, delta: number): number {
    const before = this.#timesMs.has(ref) ? (this.#values.get(ref) ?? NaN) : this.#store.newestValue(ref);
    return this.#set(ref, timeMs, Number.isFinite(before) ? before + delta : delta);
  }

  /** Begins a total anew. */
  begin(ref: SeriesRef, timeMs: number, delta: number): number {
    return this.#set(ref, timeMs, delta);
  }

  addHistogram(ref: SeriesRef, timeMs: number, delta: HistogramValue): HistogramValue {
    const before = this.#timesMs.has(ref) ? this.#histograms.get(ref) : this.#store.newestHistogram(ref);
    const total = before ? addHistograms(before, delta) : delta;
    this.#timesMs.set(ref, timeMs);
    this.#histograms.set(ref, total);
    return total;
  }

  /** The series has ended: what comes next begins a total. */
  end(ref: SeriesRef, timeMs: number): void {
    this.#timesMs.set(ref, timeMs);
    this.#values.delete(ref);
    this.#histograms.delete(ref);
  }

  /** The unit is in the store, or is refused: the store knows. */
  settle(): void {
    if (this.#timesMs.size === 0) return;
    this.#timesMs.clear();
    this.#values.clear();
    this.#histograms.clear();
  }

  #set(ref: SeriesRef, timeMs: number, total: number): number {
    this.#timesMs.set(ref, timeMs);
    this.#values.set(ref, total);
    return total;
  }
}
