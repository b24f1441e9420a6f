import type { HistogramValue, Labels, Matcher } from '#telemetry';

/** What a query wants of the store; has the shape of the query engine's port. */
export interface SeriesSelection {
  readonly matchers: readonly Matcher[];
  /** Both ends inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  /** Only each series' newest sample in the interval is needed. */
  readonly latestOnly?: boolean;
  /** The caller can wait: much work may be done in slices. */
  readonly mayPause?: boolean;
  readonly maxSamples?: number;
  readonly maxSeries?: number;
}

/**
 * One series: samples in ascending time; staleness markers keep their bits. Where `histograms` is present, a
 * non-null entry is the sample and `values` has a plain NaN in its place.
 */
export interface SelectedSeries {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (HistogramValue | null)[];
}

/** Series read one at a time; has the shape of the query engine's port. */
export interface SeriesReader {
  readonly seriesCount: number;
  /** The arrays are good until the next call. Null where samples have meanwhile left memory for the archive. */
  read(place: number): SelectedSeries | null;
}

/** One sample a series, in parallel arrays under the same rules. */
export interface LatestSamples {
  readonly labels: readonly Labels[];
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (HistogramValue | null)[];
}
