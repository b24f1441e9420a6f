import type { HistogramSpan, HistogramValue } from '#telemetry';

/** The buckets of one sign: counts, and where they lie. */
export interface NativeSide {
  readonly spans: readonly HistogramSpan[];
  readonly counts: readonly number[];
}

/** What an exponential histogram says beside its buckets. */
export type NativeTotals = Pick<HistogramValue, 'schema' | 'count' | 'sum' | 'zeroThreshold' | 'zeroCount'>;

export function nativeHistogram(
  { schema, count, sum, zeroThreshold, zeroCount }: NativeTotals,
  { positive, negative }: { readonly positive: NativeSide; readonly negative: NativeSide },
): HistogramValue {
  return {
    schema,
    count,
    sum,
    zeroThreshold,
    zeroCount,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
    customBounds: [],
    counterReset: 'unknown',
  };
}
