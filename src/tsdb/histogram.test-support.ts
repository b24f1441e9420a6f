import type { HistogramValue } from '#telemetry';

/** Of five observations: one of about nothing, one and three in the two buckets behind it. */
export const histogram: HistogramValue = {
  schema: 0,
  count: 5,
  sum: 12.5,
  zeroThreshold: 0.001,
  zeroCount: 1,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveCounts: [1, 3],
  negativeSpans: [],
  negativeCounts: [],
  customBounds: [],
  counterReset: 'unknown',
};

/** Of so many observations, all in one bucket. */
export function histogramOf(count: number): HistogramValue {
  return {
    ...histogram,
    count,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: 1 }],
    positiveCounts: [count],
  };
}
