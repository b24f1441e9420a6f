import type { SelectedSeries, SeriesReader } from '#telemetry';
import type { QueryGuard } from './query-guard.ts';

/** The series of one selector, as an evaluation goes through them; what it holds of them counts. */
export interface SelectedSeriesReader {
  readonly seriesCount: number;
  /** The arrays are good until the next call. @throws SelectionMoved */
  read(place: number): SelectedSeries;
}

/** Samples that were to be read have left for where they can't be: the query has to begin anew. */
export class SelectionMoved extends Error {}

/** Series whose samples have all been fetched. */
export class ReaderOfAll implements SelectedSeriesReader {
  readonly #series: readonly SelectedSeries[];

  constructor(series: readonly SelectedSeries[], guard: QueryGuard) {
    this.#series = series;
    let samples = 0;
    for (const { values } of series) samples += values.length;
    guard.hold(samples);
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  read(place: number): SelectedSeries {
    const series = this.#series[place];
    if (!series) throw new Error(`no series ${place}`);
    return series;
  }
}

/** Series whose samples the store reads one series at a time. */
export class ReaderOfOne implements SelectedSeriesReader {
  readonly #reader: SeriesReader;
  readonly #guard: QueryGuard;
  #held = 0;

  constructor(reader: SeriesReader, guard: QueryGuard) {
    this.#reader = reader;
    this.#guard = guard;
  }

  get seriesCount(): number {
    return this.#reader.seriesCount;
  }

  read(place: number): SelectedSeries {
    const series = this.#reader.read(place);
    if (series === null) throw new SelectionMoved('the selected samples have moved');
    this.#guard.release(this.#held);
    this.#held = series.values.length;
    this.#guard.hold(this.#held);
    return series;
  }
}
