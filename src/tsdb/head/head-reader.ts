import type { Labels, SelectedSeries, SeriesReader, SeriesRef } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesIndex } from '../index/series-index.ts';
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
  readonly #refs: Uint32Array;
  readonly #interval: { readonly startMs: number; readonly endMs: number };
  readonly #hasArchive: boolean;
  readonly #columns = new SampleColumns(FIRST_CAPACITY);

  constructor(parts: {
    readonly index: SeriesIndex;
    readonly head: Head;
    readonly refs: Uint32Array;
    readonly interval: { readonly startMs: number; readonly endMs: number };
    /** Whether samples that leave memory are kept elsewhere. */
    readonly hasArchive: boolean;
  }) {
    this.#index = parts.index;
    this.#head = parts.head;
    this.#interval = parts.interval;
    this.#hasArchive = parts.hasArchive;
    const { newestMs } = parts.head.states;
    this.#refs = parts.refs.filter((ref) => (newestMs[ref] ?? 0) >= parts.interval.startMs);
  }

  get seriesCount(): number {
    return this.#refs.length;
  }

  read(place: number): SelectedSeries | null {
    const { startMs, endMs } = this.#interval;
    if (this.#hasArchive && this.#head.removedUntilMs >= startMs) return null;
    const ref: SeriesRef = this.#refs[place] ?? 0;
    const labels = this.#index.labelsOf(ref) ?? NO_LABELS;
    const columns = this.#columns;
    columns.length = 0;
    this.#head.read(ref, startMs, endMs, columns);
    const timed = this.#head.states.hasFlag(ref, HAS_HISTOGRAMS)
      ? (this.#head.histogramsOf(ref)?.read(startMs, endMs) ?? [])
      : [];
    if (timed.length === 0) return { labels, ...viewOf(columns) };
    const merged = mergeHistograms(columns, timed);
    return { labels, ...viewOf(merged.columns), histograms: merged.histograms };
  }
}

function viewOf({ timestampsMs, values, length }: SampleColumns): Omit<SelectedSeries, 'labels'> {
  return { timestampsMs: timestampsMs.subarray(0, length), values: values.subarray(0, length) };
}
