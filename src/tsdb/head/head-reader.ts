import type { Labels, SelectedSeries, SeriesReader } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import type { IndexEpoch } from '../index/series-rows.ts';
import type { Head } from './head.ts';
import { mergeHistograms } from './sample-slab.ts';
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
    const { startMs, endMs } = this.#interval;
    if (this.#hasArchive && this.#head.sealed.removedUntilMs >= startMs) return null;
    const row = this.#rows[place] ?? 0;
    const columns = this.#columns;
    columns.length = 0;
    // The series may be gone, and another one in its row.
    if (!this.#index.isFrom(row, this.#epoch)) return { labels: NO_LABELS, ...viewOf(columns) };
    const labels = this.#index.labelsOf(row) ?? NO_LABELS;
    this.#head.read(row, startMs, endMs, columns);
    const timed = this.#head.states.hasFlag(row, HAS_HISTOGRAMS)
      ? (this.#head.histogramsOf(row)?.read(startMs, endMs) ?? [])
      : [];
    if (timed.length === 0) return { labels, ...viewOf(columns) };
    const merged = mergeHistograms(columns, timed);
    return { labels, ...viewOf(merged.columns), histograms: merged.histograms };
  }
}

function viewOf({ timestampsMs, values, length }: SampleColumns): Omit<SelectedSeries, 'labels'> {
  return { timestampsMs: timestampsMs.subarray(0, length), values: values.subarray(0, length) };
}
