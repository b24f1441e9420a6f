import { OmoiError, wordsOf, type HistogramValue, type Labels, type SeriesRef } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SeriesIndex } from '../index/series-index.ts';
import type { SelectedSeries, SeriesSelection } from '../selection.ts';
import type { Head } from './head.ts';
import type { TimedHistogram } from './histogram-series.ts';
import { HAS_HISTOGRAMS, NEWEST_IS_HISTOGRAM } from './series-states.ts';

const NO_LABELS: Labels = {};
const NO_HISTOGRAMS: readonly TimedHistogram[] = [];
/** Results of many small series share buffers of this size: an ArrayBuffer of its own costs more than its content. */
const SLAB_SAMPLES = 16_384;

const scratch = new SampleColumns();

/** What the head has of the selected series. Series without a sample in the interval are left out. */
export function selectFromHead(index: SeriesIndex, head: Head, selection: SeriesSelection): SelectedSeries[] {
  const refs = index.select(selection.matchers);
  const found: SelectedSeries[] = [];
  const maxSeries = selection.maxSeries ?? Number.POSITIVE_INFINITY;
  const slab = new SampleSlab(selection.maxSamples ?? Number.POSITIVE_INFINITY);
  const newest = selection.latestOnly ? new NewestReader(head, selection) : null;
  for (const ref of refs) {
    const labels = index.labelsOf(ref) ?? NO_LABELS;
    const series = newest ? newest.read(ref, labels) : readSeries(head, ref, labels, selection, slab);
    if (!series) continue;
    if (found.length === maxSeries) throw tooManySeries(maxSeries);
    found.push(series);
    if (newest) slab.count(1);
  }
  return found;
}

export function tooManySeries(maxSeries: number): OmoiError {
  return new OmoiError('query_limit', `The selection has more than ${maxSeries} series.`, {
    limit: 'max_series',
  });
}

/** Where the samples of a result are copied to, and the count of them that a query may have. */
export class SampleSlab {
  readonly #maxSamples: number;
  #count = 0;
  #timestampsMs = new Float64Array(0);
  #values = new Float64Array(0);
  #words: Uint32Array = new Uint32Array(0);
  #used = 0;

  constructor(maxSamples: number) {
    this.#maxSamples = maxSamples;
  }

  /** @throws OmoiError `query_limit` */
  count(samples: number): void {
    this.#count += samples;
    if (this.#count > this.#maxSamples) {
      throw new OmoiError('query_limit', `The selection has more than ${this.#maxSamples} samples.`, {
        limit: 'max_samples',
      });
    }
  }

  /** A copy of the columns that stays as it is. */
  take(columns: SampleColumns): { readonly timestampsMs: Float64Array; readonly values: Float64Array } {
    const { length } = columns;
    this.count(length);
    if (this.#used + length > this.#values.length) {
      const capacity = Math.max(SLAB_SAMPLES, length);
      this.#timestampsMs = new Float64Array(capacity);
      this.#values = new Float64Array(capacity);
      this.#words = wordsOf(this.#values);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    this.#timestampsMs.set(columns.timestampsMs.subarray(0, length), start);
    this.#words.set(columns.words.subarray(0, 2 * length), 2 * start);
    return {
      timestampsMs: this.#timestampsMs.subarray(start, start + length),
      values: this.#values.subarray(start, start + length),
    };
  }
}

function readSeries(
  head: Head,
  ref: SeriesRef,
  labels: Labels,
  selection: SeriesSelection,
  slab: SampleSlab,
): SelectedSeries | null {
  const { startMs, endMs } = selection;
  scratch.length = 0;
  head.read(ref, startMs, endMs, scratch);
  const histograms = head.states.hasFlag(ref, HAS_HISTOGRAMS)
    ? (head.histogramsOf(ref)?.read(startMs, endMs) ?? NO_HISTOGRAMS)
    : NO_HISTOGRAMS;
  if (histograms.length > 0) return withHistograms(labels, scratch, histograms, slab);
  return scratch.length === 0 ? null : { labels, ...slab.take(scratch) };
}

/** One series of floats and histograms, merged in order of time. */
export function withHistograms(
  labels: Labels,
  floats: SampleColumns,
  histograms: readonly TimedHistogram[],
  slab: SampleSlab,
): SelectedSeries {
  const byTime = new Map<number, HistogramValue>();
  for (const { timestampMs, histogram } of histograms) byTime.set(timestampMs, histogram);
  const merged = new SampleColumns();
  merged.reserve(floats.length + histograms.length);
  for (let at = 0; at < floats.length; at++) {
    merged.push(floats.timestampsMs[at] ?? 0, floats.words[2 * at + 1] ?? 0, floats.words[2 * at] ?? 0);
  }
  for (const { timestampMs } of histograms) merged.push(timestampMs, 0x7ff80000, 0);
  merged.sortFrom(0);
  const columns = slab.take(merged);
  return {
    labels,
    ...columns,
    histograms: Array.from(columns.timestampsMs, (timestampMs) => byTime.get(timestampMs) ?? null),
  };
}

/** Reads the newest sample of each series, from the flat columns where that one is inside the interval. */
class NewestReader {
  readonly #head: Head;
  readonly #startMs: number;
  readonly #endMs: number;
  /** Series of one scrape share their time, and so the array that says it. */
  #sharedTime = new Float64Array(1);

  constructor(head: Head, selection: SeriesSelection) {
    this.#head = head;
    this.#startMs = selection.startMs;
    this.#endMs = selection.endMs;
  }

  read(ref: SeriesRef, labels: Labels): SelectedSeries | null {
    const { states } = this.#head;
    const newestMs = states.newestMs[ref] ?? 0;
    if (newestMs < this.#startMs) return null;
    if (newestMs > this.#endMs) return this.#readOlder(ref, labels);
    if (states.hasFlag(ref, NEWEST_IS_HISTOGRAM)) {
      const histogram = this.#head.histogramsOf(ref)?.newest ?? null;
      return {
        labels,
        timestampsMs: this.#time(newestMs),
        values: Float64Array.of(NaN),
        histograms: [histogram],
      };
    }
    const values = new Float64Array(1);
    const value = states.newestValues[ref] ?? 0;
    if (Number.isNaN(value)) values.set(states.newestValues.subarray(ref, ref + 1));
    else values[0] = value;
    return { labels, timestampsMs: this.#time(newestMs), values };
  }

  #time(timestampMs: number): Float64Array {
    if (this.#sharedTime[0] !== timestampMs) this.#sharedTime = Float64Array.of(timestampMs);
    return this.#sharedTime;
  }

  /** The newest sample at or before the end, where newer ones exist. */
  #readOlder(ref: SeriesRef, labels: Labels): SelectedSeries | null {
    const head = this.#head;
    scratch.length = 0;
    head.read(ref, this.#startMs, this.#endMs, scratch);
    const at = scratch.length - 1;
    const floatMs = at < 0 ? Number.NEGATIVE_INFINITY : (scratch.timestampsMs[at] ?? 0);
    const histogram = head.histogramsOf(ref)?.read(this.#startMs, this.#endMs).at(-1);
    if (histogram && histogram.timestampMs > floatMs) {
      const timestampsMs = this.#time(histogram.timestampMs);
      return { labels, timestampsMs, values: Float64Array.of(NaN), histograms: [histogram.histogram] };
    }
    if (at < 0) return null;
    return { labels, timestampsMs: this.#time(floatMs), values: scratch.values.slice(at, at + 1) };
  }
}
