/**
 * A native histogram sample in absolute (not delta) bucket counts. Floats throughout: integer histograms are
 * converted at the door.
 *
 * Spans select which bucket indexes the counts stand for: the first span's offset is the first bucket's index,
 * each further offset the gap after the previous span's end. With exponential schemas (−4…8) bucket i of the
 * positive side covers (base^(i−1), base^i] with base = 2^(2^−schema); with schema −53 (custom buckets) the
 * upper bounds are `customBounds` and only the positive side is used.
 */
export interface HistogramValue {
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly HistogramSpan[];
  readonly positiveCounts: readonly number[];
  readonly negativeSpans: readonly HistogramSpan[];
  readonly negativeCounts: readonly number[];
  /** Upper bounds of custom buckets, ascending, without +Inf; empty for exponential schemas. */
  readonly customBounds: readonly number[];
  readonly counterReset: 'unknown' | 'reset' | 'not_reset' | 'gauge';
}

export interface HistogramSpan {
  readonly offset: number;
  readonly length: number;
}
