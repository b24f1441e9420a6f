import {
  type HistogramValue,
  type Labels,
  OmoiError,
  type SelectedSeries,
  unpaced,
  wordsOf,
} from '#telemetry';
import { mergeRuns } from '../chunk/merge-runs.ts';
import { SampleColumns } from '../chunk/sample-columns.ts';
import type { TimedHistogram } from './histogram-series.ts';

/** Results of many small series share buffers of this size: an ArrayBuffer of its own costs more than its content. */
const SLAB_SAMPLES = 16_384;
const NAN_HIGH_WORD = 0x7ff80000;
/** Samples put in order between two chances to pause: a millisecond or two. */
const SAMPLES_AT_ONCE = 10_000;

/** Floats of a series in order of time. */
export type FloatViews = Pick<SelectedSeries, 'timestampsMs' | 'values'>;

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
    this.#count(histograms.length + floats.length);
    if (histograms.length === 0) {
      this.series.push({ labels, ...this.#take(floats) });
      return;
    }
    const { timestampsMs, values, length } = floats;
    const views = { timestampsMs: timestampsMs.subarray(0, length), values: values.subarray(0, length) };
    this.series.push({ labels, ...mergeHistograms(views, histograms) });
  }

  /**
   * Adds a series as it is; nobody may change its arrays. One without samples is left out.
   * @throws OmoiError `query_limit`
   */
  keep(series: SelectedSeries): void {
    if (series.values.length === 0) return;
    this.#count(series.values.length);
    this.series.push(series);
  }

  #count(samples: number): void {
    if (this.series.length >= this.#maxSeries) throw tooMuch('series', this.#maxSeries);
    this.#sampleCount += samples;
    if (this.#sampleCount > this.#maxSamples) throw tooMuch('samples', this.#maxSamples);
  }

  /** A copy of the columns that stays as it is. */
  #take(columns: SampleColumns): { readonly timestampsMs: Float64Array; readonly values: Float64Array } {
    const { length } = columns;
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

/**
 * Floats and histograms in one sequence: where a histogram stands, the values have a plain NaN, and the list, of the
 * same length, has it.
 */
export function mergeHistograms(
  floats: FloatViews,
  histograms: readonly TimedHistogram[],
): Omit<SelectedSeries, 'labels'> {
  return unpaced(mergeHistogramsInSteps(floats, histograms));
}

/** As `mergeHistograms`, in steps. */
export function* mergeHistogramsInSteps(
  { timestampsMs, values }: FloatViews,
  histograms: readonly TimedHistogram[],
): Generator<void, Omit<SelectedSeries, 'labels'>, void> {
  const byTime = new Map<number, HistogramValue>();
  const columns = new SampleColumns(values.length + histograms.length);
  const words = wordsOf(values);
  for (let at = 0; at < values.length; at++) {
    columns.push(timestampsMs[at] ?? 0, words[2 * at + 1] ?? 0, words[2 * at] ?? 0);
    if (at % SAMPLES_AT_ONCE === SAMPLES_AT_ONCE - 1) yield;
  }
  for (const { timestampMs, histogram } of histograms) {
    byTime.set(timestampMs, histogram);
    columns.push(timestampMs, NAN_HIGH_WORD, 0);
    if (columns.length % SAMPLES_AT_ONCE === 0) yield;
  }
  yield* mergeRuns(columns);
  const merged: (HistogramValue | null)[] = [];
  for (let at = 0; at < columns.length; at++) {
    merged.push(byTime.get(columns.timestampsMs[at] ?? 0) ?? null);
    if (at % SAMPLES_AT_ONCE === SAMPLES_AT_ONCE - 1) yield;
  }
  return { ...columns.within(-Infinity, Infinity), histograms: merged };
}

export function tooMuch(what: 'series' | 'samples', limit: number): OmoiError {
  return new OmoiError('query_limit', `The selection has more than ${limit} ${what}.`, {
    limit: `max_${what}`,
  });
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
