import type { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesRow } from '../index/series-rows.ts';

/** A series' late samples become a chunk of their own at this many. */
export const MAX_LATE_SAMPLES_PER_SERIES = 120;

interface LateSeries {
  readonly timestampsMs: number[];
  readonly highs: number[];
  readonly lows: number[];
}

/** Samples that came after newer ones of their series, in order of time, until their chunk is sealed. */
export class LateSamples {
  readonly #series = new Map<SeriesRow, LateSeries>();

  countOf(row: SeriesRow): number {
    return this.#series.get(row)?.timestampsMs.length ?? 0;
  }

  /** Infinity where there is none. */
  oldestMs(row: SeriesRow): number {
    return this.#series.get(row)?.timestampsMs[0] ?? Infinity;
  }

  /** The value of a time by its two words of bits; null where there is none. */
  find(row: SeriesRow, timestampMs: number): { readonly high: number; readonly low: number } | null {
    const late = this.#series.get(row);
    const at = late?.timestampsMs.indexOf(timestampMs) ?? -1;
    return late && at >= 0 ? { high: (late.highs[at] ?? 0) >>> 0, low: (late.lows[at] ?? 0) >>> 0 } : null;
  }

  /** Adds a sample unless one of that time is there; says which it was. */
  add(row: SeriesRow, timestampMs: number, high: number, low: number): 'added' | 'same' | 'different' {
    let late = this.#series.get(row);
    if (!late) {
      late = { timestampsMs: [], highs: [], lows: [] };
      this.#series.set(row, late);
    }
    let at = late.timestampsMs.length;
    while (at > 0 && (late.timestampsMs[at - 1] ?? 0) > timestampMs) at--;
    if (at > 0 && late.timestampsMs[at - 1] === timestampMs) {
      return late.highs[at - 1] === high && late.lows[at - 1] === low ? 'same' : 'different';
    }
    late.timestampsMs.splice(at, 0, timestampMs);
    late.highs.splice(at, 0, high);
    late.lows.splice(at, 0, low);
    return 'added';
  }

  /** Appends the late samples of a series to the columns. */
  read(row: SeriesRow, into: SampleColumns): void {
    const late = this.#series.get(row);
    if (!late) return;
    into.reserve(late.timestampsMs.length);
    late.timestampsMs.forEach((timestampMs, at) => {
      into.push(timestampMs, late.highs[at] ?? 0, late.lows[at] ?? 0);
    });
  }

  remove(row: SeriesRow): void {
    this.#series.delete(row);
  }
}
