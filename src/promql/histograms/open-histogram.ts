import type { HistogramSpan, HistogramValue } from '#telemetry';

/** One side's buckets: indexes in ascending order, and the count of each. */
export interface Buckets {
  indexes: number[];
  counts: number[];
}

/** A histogram to compute with: buckets by index instead of spans, and all of it writable. */
export interface OpenHistogram {
  schema: number;
  count: number;
  sum: number;
  zeroThreshold: number;
  zeroCount: number;
  positive: Buckets;
  negative: Buckets;
  customBounds: readonly number[];
  counterReset: HistogramValue['counterReset'];
}

export function openHistogram(histogram: HistogramValue): OpenHistogram {
  const { schema, count, sum, zeroThreshold, zeroCount, customBounds, counterReset } = histogram;
  return {
    schema,
    count,
    sum,
    zeroThreshold,
    zeroCount,
    positive: openBuckets(histogram.positiveSpans, histogram.positiveCounts),
    negative: openBuckets(histogram.negativeSpans, histogram.negativeCounts),
    customBounds,
    counterReset,
  };
}

export function openBuckets(spans: readonly HistogramSpan[], counts: readonly number[]): Buckets {
  const indexes: number[] = [];
  let index = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let place = 0; place < length; place++) indexes.push(index++);
  }
  return { indexes, counts: counts.slice(0, indexes.length) };
}

/** The histogram as a value, without empty buckets. */
export function closeHistogram(open: OpenHistogram): HistogramValue {
  const positive = closeBuckets(open.positive);
  const negative = closeBuckets(open.negative);
  return {
    schema: open.schema,
    count: open.count,
    sum: open.sum,
    zeroThreshold: open.zeroThreshold,
    zeroCount: open.zeroCount,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
    customBounds: open.customBounds,
    counterReset: open.counterReset,
  };
}

function closeBuckets({ indexes, counts }: Buckets): {
  readonly spans: readonly HistogramSpan[];
  readonly counts: readonly number[];
} {
  const spans: { offset: number; length: number }[] = [];
  const kept: number[] = [];
  let next = 0;
  indexes.forEach((index, at) => {
    const count = counts[at] ?? 0;
    if (count === 0) return;
    const last = spans.at(-1);
    if (last && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    kept.push(count);
    next = index + 1;
  });
  return { spans, counts: kept };
}
