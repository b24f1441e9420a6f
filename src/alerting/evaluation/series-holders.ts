import type { SeriesRef } from '#telemetry';

/** For how long a series that has ended is remembered. Evaluation times are ahead of the clock by 5 s at most. */
const REMEMBERED_MS = 10_000;

interface SharedSeries {
  holders: number;
  /** The time of the newest sample, or of the end. */
  newestMs: number;
}

/**
 * Which series rules keep. Two rules may write the same one: a rule that was moved to another group begins before the one
 * of before has ended, and two rules may give the same labels. It ends with the last of them, and goes on after that end.
 */
export class SeriesHolders {
  readonly #series = new Map<SeriesRef, SharedSeries>();
  /** Nobody holds them; the first to end first. */
  readonly #ended = new Map<SeriesRef, SharedSeries>();

  hold(ref: SeriesRef): void {
    const series = this.#series.get(ref) ?? { holders: 0, newestMs: Number.NEGATIVE_INFINITY };
    series.holders++;
    this.#series.set(ref, series);
    this.#ended.delete(ref);
  }

  /** @returns whether nobody holds the series any more: it ends then */
  release(ref: SeriesRef, timeMs: number): boolean {
    const series = this.#series.get(ref);
    if (!series || --series.holders > 0) return false;
    this.#ended.set(ref, series);
    for (const [other, { newestMs }] of this.#ended) {
      if (newestMs > timeMs - REMEMBERED_MS) break;
      this.#ended.delete(other);
      this.#series.delete(other);
    }
    return true;
  }

  /**
   * The time at which a sample of then, or the end, can be written: a series has one sample a time, and another rule may
   * have taken it.
   */
  date(ref: SeriesRef, timeMs: number): number {
    const series = this.#series.get(ref);
    if (!series) return timeMs;
    series.newestMs = Math.max(timeMs, series.newestMs + 1);
    return series.newestMs;
  }
}
