import type { Labels, SelectedSeries, SeriesReader } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import type { IndexEpoch, SeriesRow } from '../index/series-rows.ts';
import type { Head } from './head.ts';
import { isLong, readLong } from './long-series.ts';
import { mergeHistograms, type FloatViews } from './sample-slab.ts';
import { HAS_HISTOGRAMS } from './series-states.ts';

const NO_LABELS: Labels = {};
/** Most series have few samples in an interval, and every rule that is evaluated has a reader of its own. */
const FIRST_CAPACITY = 64;

/** Reads selected series from memory, one at a time, decoding each when it is asked for. */
export class HeadReader implements SeriesReader {
  readonly #index: SeriesIndex;
  readonly #head: Head;
  readonly #rows: Uint32Array;
  readonly #epoch: IndexEpoch;
  readonly #interval: { readonly startMs: number; readonly endMs: number };
  readonly #hasArchive: boolean;
  readonly #columns = new SampleColumns(FIRST_CAPACITY);

  constructor(parts: {
    readonly index: SeriesIndex;
    readonly head: Head;
    readonly rows: Uint32Array;
    /** Taken before the rows were looked up. */
    readonly epoch: IndexEpoch;
    readonly interval: { readonly startMs: number; readonly endMs: number };
    /** Whether samples that leave memory are kept elsewhere. */
    readonly hasArchive: boolean;
  }) {
    this.#index = parts.index;
    this.#head = parts.head;
    this.#interval = parts.interval;
    this.#hasArchive = parts.hasArchive;
    this.#epoch = parts.epoch;
    const { states } = parts.head;
    this.#rows = parts.rows.filter((row) => states.newestMs(row) >= parts.interval.startMs);
  }

  get seriesCount(): number {
    return this.#rows.length;
  }

  read(place: number): SelectedSeries | null {
    if (this.#hasMoved) return null;
    const row = this.#rows[place] ?? 0;
    const columns = this.#columns;
    columns.length = 0;
    if (!this.#index.isFrom(row, this.#epoch)) return noSamples();
    const { startMs, endMs } = this.#interval;
    this.#head.read(row, startMs, endMs, columns);
    const labels = this.#index.labelsOf(row) ?? NO_LABELS;
    const timed = this.#head.states.hasFlag(row, HAS_HISTOGRAMS)
      ? (this.#head.histogramsOf(row)?.read(startMs, endMs) ?? [])
      : [];
    const floats = viewOf(columns);
    return timed.length === 0 ? { labels, ...floats } : { labels, ...mergeHistograms(floats, timed) };
  }

  readLong(place: number): Generator<void, SelectedSeries | null, void> | null {
    const row = this.#rows[place] ?? 0;
    if (!this.#index.isFrom(row, this.#epoch) || !isLong(this.#head, row, this.#interval)) return null;
    return this.#readInSteps(row);
  }

  *#readInSteps(row: SeriesRow): Generator<void, SelectedSeries | null, void> {
    const columns = this.#columns;
    const interval = this.#interval;
    columns.length = 0;
    const steps = readLong(this.#head, row, { interval, into: columns });
    for (;;) {
      if (this.#hasMoved) return null;
      if (!this.#index.isFrom(row, this.#epoch)) return noSamples();
      const step = steps.next();
      if (step.done === true) return { labels: this.#index.labelsOf(row) ?? NO_LABELS, ...step.value };
      yield;
    }
  }

  /** Whether samples of the interval may have gone to the archive since the selection. */
  get #hasMoved(): boolean {
    return this.#hasArchive && this.#head.sealed.removedUntilMs >= this.#interval.startMs;
  }
}

/** Of a series that is gone, and in whose row another one may be. */
function noSamples(): SelectedSeries {
  return { labels: NO_LABELS, timestampsMs: new Float64Array(0), values: new Float64Array(0) };
}

function viewOf({ timestampsMs, values, length }: SampleColumns): FloatViews {
  return { timestampsMs: timestampsMs.subarray(0, length), values: values.subarray(0, length) };
}
