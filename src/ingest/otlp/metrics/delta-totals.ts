import type { HistogramValue, SeriesRef } from '#telemetry';
import { addHistograms } from './add-histograms.ts';
import { RefSlots } from './ref-slots.ts';

const FIRST_CAPACITY = 4096;

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
  /** Series with a total in this unit, and by their number its time and value; NaN where none has begun. */
  readonly #slots = new RefSlots();
  #timesMs = new Float64Array(FIRST_CAPACITY);
  #values = new Float64Array(FIRST_CAPACITY);
  readonly #histograms = new Map<SeriesRef, HistogramValue>();

  constructor(store: NewestSamples) {
    this.#store = store;
  }

  /** The time of the newest point that counts. A delta that does not end after it is counted already. */
  newestMs(ref: SeriesRef): number {
    const slot = this.#slots.find(ref);
    return slot === -1 ? this.#store.newestMs(ref) : (this.#timesMs[slot] ?? NaN);
  }

  /** The total with the delta; the delta itself where a total begins. */
  add(ref: SeriesRef, timeMs: number, delta: number): number {
    const slot = this.#slots.find(ref);
    const before = slot === -1 ? this.#store.newestValue(ref) : (this.#values[slot] ?? NaN);
    return this.#set(ref, timeMs, Number.isFinite(before) ? before + delta : delta);
  }

  /** Begins a total anew. */
  begin(ref: SeriesRef, timeMs: number, delta: number): number {
    return this.#set(ref, timeMs, delta);
  }

  addHistogram(ref: SeriesRef, timeMs: number, delta: HistogramValue): HistogramValue {
    const isKnown = this.#slots.find(ref) !== -1;
    const before = isKnown ? this.#histograms.get(ref) : this.#store.newestHistogram(ref);
    const total = before ? addHistograms(before, delta) : delta;
    this.#set(ref, timeMs, NaN);
    this.#histograms.set(ref, total);
    return total;
  }

  /** The series has ended: what comes next begins a total. An end that comes late ends nothing that came after it. */
  end(ref: SeriesRef, timeMs: number): void {
    if (timeMs < this.newestMs(ref)) return;
    this.#set(ref, timeMs, NaN);
    this.#histograms.delete(ref);
  }

  /** The unit is in the store, or is refused: the store knows. */
  settle(): void {
    this.#slots.clear();
    if (this.#histograms.size > 0) this.#histograms.clear();
  }

  #set(ref: SeriesRef, timeMs: number, total: number): number {
    const slot = this.#slots.add(ref);
    if (slot === this.#values.length) {
      const timesMs = new Float64Array(2 * slot);
      timesMs.set(this.#timesMs);
      const values = new Float64Array(2 * slot);
      values.set(this.#values);
      this.#timesMs = timesMs;
      this.#values = values;
    }
    this.#timesMs[slot] = timeMs;
    this.#values[slot] = total;
    return total;
  }
}
