import type { Labels } from '../labels/label-set.ts';
import type { Matcher } from '../labels/matcher.ts';
import type { HistogramValue } from './histogram-value.ts';

/** Where samples are read from. Query engines know no store beyond this port; a store names it as what it implements. */
export interface Queryable {
  /**
   * The series that all matchers accept, with their samples in [startMs, endMs], both inclusive. A promise only
   * where the answer needs I/O, or where `mayPause` allows one: an answer from memory is given at once, so that
   * rules are evaluated without waiting.
   */
  select(selection: Selection): readonly SelectedSeries[] | Promise<readonly SelectedSeries[]>;
  /**
   * As `select`, for samples that are read one series at a time, so that a query holds no more of them than it works
   * on. A store that can't do better than `select` leaves it out.
   */
  open?(selection: Selection): SeriesReader | Promise<SeriesReader>;
  /**
   * The newest sample in [startMs, endMs] of every series that all matchers accept, as flat arrays: what an
   * instant selector needs, without an array a series. A store that can't do better than `select` leaves it out.
   */
  selectLatest?(selection: Selection): LatestSamples | Promise<LatestSamples>;
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
  /**
   * True where the caller waits anyway: a store that has much to decode then answers with a promise and gives the
   * event loop a turn every few milliseconds.
   */
  readonly mayPause?: boolean;
  /** Called after each of these turns: throws where nobody waits for the answer any more, or its time is up. */
  readonly afterPause?: () => void;
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
  /** When each sample began counting, in ms; 0 where that is not known. A store that keeps no starts leaves it out. */
  readonly startTimestampsMs?: Float64Array;
}

/** The series of a selection, some of which may turn out to have no sample in the interval. */
export interface SeriesReader {
  readonly seriesCount: number;
  /**
   * The arrays are good until the next call. Null where samples have meanwhile gone to where they can't be read at
   * once: the caller begins anew with `select`.
   */
  read(place: number): SelectedSeries | null;
  /**
   * As `read`, in steps between which others may have a turn, where the series has so many samples that reading them in
   * one go would be felt; null where `read` is quick. Samples that come meanwhile may be among those that are read.
   */
  readLong?(place: number): Generator<void, SelectedSeries | null, void> | null;
}

/** One sample a series, in parallel arrays under the same rules as `SelectedSeries`. */
export interface LatestSamples {
  readonly labels: readonly Labels[];
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (HistogramValue | null)[];
}
