import type { HistogramValue, Labels } from '#telemetry';

/** What was noticed about a query that was answered all the same, in Prometheus's words. */
interface Noticed {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export interface VectorElement {
  readonly labels: Labels;
  /** NaN where the element is a histogram. */
  readonly value: number;
  readonly histogram?: HistogramValue;
  readonly timestampMs: number;
}

export interface MatrixSeries {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  /** NaN where the sample is a histogram. */
  readonly values: Float64Array;
  /** Present where some sample is a histogram; null beside a float. */
  readonly histograms?: readonly (HistogramValue | null)[];
}

export type QueryResult = Noticed &
  (
    | { readonly kind: 'vector'; readonly elements: readonly VectorElement[] }
    | { readonly kind: 'matrix'; readonly series: readonly MatrixSeries[] }
    | { readonly kind: 'scalar'; readonly value: number; readonly timestampMs: number }
    | { readonly kind: 'string'; readonly value: string; readonly timestampMs: number }
  );
