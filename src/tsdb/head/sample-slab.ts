import { OmoiError, type HistogramValue, type Labels } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { SelectedSeries } from '../selection.ts';
import type { TimedHistogram } from './histogram-series.ts';

/** Results of many small series share buffers of this size: an ArrayBuffer of its own costs more than its content. */
const SLAB_SAMPLES = 16_384;
const NAN_HIGH_WORD = 0x7ff80000;

/** Collects the result of a selection and holds it to its limits. */
export class SampleSlab {
  readonly series: SelectedSeries[] = [];
  readonly #maxSamples: number;
  readonly #maxSeries: number;
  readonly #times = new ColumnSlab();
  readonly #values = new ColumnSlab();
  #lastTimestampsMs: Float64Array = new Float64Array(0);
  #sampleCount = 0;

  constructor(limits: { readonly maxSamples?: number; readonly maxSeries?: number }) {
    this.#maxSamples = limits.maxSamples ?? Number.POSITIVE_INFINITY;
    this.#maxSeries = limits.maxSeries ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Adds a series, copied from columns that are in order; one without samples is left out.
   * @throws OmoiError `query_limit`
   */
  add(labels: Labels, floats: SampleColumns, histograms: readonly TimedHistogram[]): void {
    if (floats.length === 0 && histograms.length === 0) return;
    if (this.series.length >= this.#maxSeries) {
      throw new OmoiError('query_limit', `The selection has more than ${this.#maxSeries} series.`, {
        limit: 'max_series',
      });
    }
    this.series.push(
      histograms.length === 0
        ? { labels, ...this.#take(floats) }
        : this.#withHistograms(labels, floats, histograms),
    );
  }

  #withHistograms(
    labels: Labels,
    floats: SampleColumns,
    histograms: readonly TimedHistogram[],
  ): SelectedSeries {
    const byTime = new Map<number, HistogramValue>();
    const merged = new SampleColumns();
    merged.reserve(floats.length + histograms.length);
    for (let at = 0; at < floats.length; at++) {
      merged.push(floats.timestampsMs[at] ?? 0, floats.words[2 * at + 1] ?? 0, floats.words[2 * at] ?? 0);
    }
    for (const { timestampMs, histogram } of histograms) {
      byTime.set(timestampMs, histogram);
      merged.push(timestampMs, NAN_HIGH_WORD, 0);
    }
    merged.sortFrom(0);
    const columns = this.#take(merged);
    return {
      labels,
      ...columns,
      histograms: Array.from(columns.timestampsMs, (timestampMs) => byTime.get(timestampMs) ?? null),
    };
  }

  /** A copy of the columns that stays as it is. */
  #take(columns: SampleColumns): { readonly timestampsMs: Float64Array; readonly values: Float64Array } {
    const { length } = columns;
    this.#sampleCount += length;
    if (this.#sampleCount > this.#maxSamples) {
      throw new OmoiError('query_limit', `The selection has more than ${this.#maxSamples} samples.`, {
        limit: 'max_samples',
      });
    }
    return {
      timestampsMs: this.#takeTimes(columns.timestampsMs.subarray(0, length)),
      values: this.#values.take(columns.values.subarray(0, length)),
    };
  }

  /** Series that are written together have the same times: they share one copy. */
  #takeTimes(timestampsMs: Float64Array): Float64Array {
    if (!isSame(timestampsMs, this.#lastTimestampsMs))
      this.#lastTimestampsMs = this.#times.take(timestampsMs);
    return this.#lastTimestampsMs;
  }
}

/** Copies many short columns into few buffers. */
class ColumnSlab {
  #buffer: Float64Array = new Float64Array(0);
  #used = 0;

  /** A copy with the same bits: engines may change those of a NaN that is read and written as a number. */
  take(column: Float64Array): Float64Array {
    const { length } = column;
    if (this.#used + length > this.#buffer.length) {
      this.#buffer = new Float64Array(Math.max(SLAB_SAMPLES, length));
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, this.#used + length);
    this.#used += length;
    // Between arrays of one type bytes are moved, not numbers.
    copy.set(column);
    return copy;
  }
}

function isSame(left: Float64Array, right: Float64Array): boolean {
  if (left.length !== right.length) return false;
  // The newest differs most often.
  for (let at = left.length - 1; at >= 0; at--) if (left[at] !== right[at]) return false;
  return true;
}
