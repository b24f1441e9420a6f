import type { SelectedSeries, SeriesReader } from '#telemetry';
import { SAMPLES_AT_ONCE, type Steps } from './pacing.ts';
import type { QueryGuard } from './query-guard.ts';

/** The series of one selector, as an evaluation goes through them; what it holds of them counts. */
export interface SelectedSeriesReader {
  readonly seriesCount: number;
  /** The arrays are good until the next call. @throws SelectionMoved */
  read(place: number): SelectedSeries;
  /** As `read`, with pauses, where a series is so long that it takes them; else null. */
  readLong(place: number): Steps<SelectedSeries> | null;
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

  readLong(place: number): Steps<SelectedSeries> | null {
    const series = this.read(place);
    return series.values.length > SAMPLES_AT_ONCE ? inOneStep(series) : null;
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
    return this.#hold(this.#reader.read(place));
  }

  readLong(place: number): Steps<SelectedSeries> | null {
    const steps = this.#reader.readLong?.(place) ?? null;
    return steps && this.#readInSteps(steps);
  }

  *#readInSteps(steps: Generator<void, SelectedSeries | null, void>): Steps<SelectedSeries> {
    return this.#hold(yield* steps);
  }

  #hold(series: SelectedSeries | null): SelectedSeries {
    if (series === null) throw new SelectionMoved('the selected samples have moved');
    this.#guard.release(this.#held);
    this.#held = series.values.length;
    this.#guard.hold(this.#held);
    return series;
  }
}

function* inOneStep(series: SelectedSeries): Steps<SelectedSeries> {
  yield;
  return series;
}
