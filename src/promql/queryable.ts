import type { HistogramValue, Labels, Matcher } from '#telemetry';

/** Where an evaluation gets its samples from. The engine knows no store beyond this port. */
export interface Queryable {
  /**
   * The series that all matchers accept, with their samples in [startMs, endMs], both inclusive. A promise only
   * where the answer needs I/O: an answer from memory is given at once, so that rules are evaluated without
   * waiting.
   */
  select(selection: Selection): readonly SelectedSeries[] | Promise<readonly SelectedSeries[]>;
}

export interface Selection {
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
  /**
   * True where only each series' newest sample in the interval is needed (an instant selector at one time): the
   * store may then answer with that one sample.
   */
  readonly latestOnly?: boolean;
  /** Throws `query_limit` from inside the store once more samples than this would be returned. */
  readonly maxSamples?: number;
  readonly maxSeries?: number;
}

/**
 * One series: samples in ascending time. `values` keeps staleness markers bit for bit (`isStaleMarker`). Where
 * `histograms` is present, a non-null entry is the sample and `values` has a plain NaN in its place.
 * The arrays are the caller's to read until its evaluation ends, and nobody's to write.
 */
export interface SelectedSeries {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (HistogramValue | null)[];
}
