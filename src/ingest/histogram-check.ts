import type { HistogramSpan, HistogramValue } from '#telemetry';

const CUSTOM_BUCKETS_SCHEMA = -53;
const MIN_EXPONENTIAL_SCHEMA = -4;
const MAX_EXPONENTIAL_SCHEMA = 8;
/** The exponents of base 2 between which a double lies; a bucket beyond them holds no observation. */
const MIN_DOUBLE_EXPONENT = -1075;
const MAX_DOUBLE_EXPONENT = 1024;

/**
 * Why a native histogram contradicts itself, or null: what Prometheus refuses (`Validate` in its model/histogram).
 * @param counting whole counts add up exactly, those of a float histogram need not
 */
export function histogramProblem(histogram: HistogramValue, counting: 'whole' | 'float'): string | null {
  return (
    schemaProblem(histogram) ??
    zeroProblem(histogram) ??
    sideProblem('positive', histogram.positiveSpans, histogram.positiveCounts) ??
    sideProblem('negative', histogram.negativeSpans, histogram.negativeCounts) ??
    reachProblem(histogram.schema, histogram.positiveSpans) ??
    reachProblem(histogram.schema, histogram.negativeSpans) ??
    countProblem(histogram, counting)
  );
}

function schemaProblem(histogram: HistogramValue): string | null {
  const { schema, customBounds } = histogram;
  if (schema === CUSTOM_BUCKETS_SCHEMA) return customProblem(histogram);
  if (schema < MIN_EXPONENTIAL_SCHEMA || schema > MAX_EXPONENTIAL_SCHEMA) return `unknown schema ${schema}`;
  return customBounds.length > 0 ? 'it has custom bounds and an exponential schema' : null;
}

function zeroProblem({ zeroThreshold }: HistogramValue): string | null {
  const isWidth = zeroThreshold >= 0 && zeroThreshold < Infinity;
  return isWidth ? null : `its zero threshold is ${zeroThreshold}`;
}

/**
 * Bucket i of an exponential schema ends at 2^(i × 2^−schema). One bucket more at each end is for infinite
 * observations and for rounding.
 */
function reachProblem(schema: number, spans: readonly HistogramSpan[]): string | null {
  if (schema === CUSTOM_BUCKETS_SCHEMA || spans.length === 0) return null;
  const first = spans[0]?.offset ?? 0;
  const end = spans.reduce((sum, { offset, length }) => sum + offset + length, 0);
  const perDoubling = 2 ** schema;
  const isInside =
    first >= Math.floor(MIN_DOUBLE_EXPONENT * perDoubling) - 1 &&
    end <= Math.ceil(MAX_DOUBLE_EXPONENT * perDoubling) + 2;
  return isInside ? null : 'it has buckets for numbers that do not exist';
}

function customProblem(histogram: HistogramValue): string | null {
  const { customBounds, positiveSpans, negativeSpans, negativeCounts, zeroCount, zeroThreshold } = histogram;
  if (negativeSpans.length > 0 || negativeCounts.length > 0) return 'custom buckets have no negative side';
  if (zeroCount !== 0 || zeroThreshold !== 0) return 'custom buckets have no zero bucket';
  const isAscending = customBounds.every((bound, at) => at === 0 || bound > (customBounds[at - 1] ?? NaN));
  if (!isAscending || customBounds.some(Number.isNaN)) return 'its custom bounds do not ascend';
  if (customBounds.at(-1) === Infinity) return 'its last custom bound is +Inf, which goes without saying';
  if ((positiveSpans[0]?.offset ?? 0) < 0) return 'its first span begins before the first custom bucket';
  const reach = positiveSpans.reduce((sum, { offset, length }) => sum + offset + length, 0);
  return reach > customBounds.length + 1 ? 'its spans reach past the last custom bound' : null;
}

function sideProblem(
  side: 'positive' | 'negative',
  spans: readonly HistogramSpan[],
  counts: readonly number[],
): string | null {
  let buckets = 0;
  for (let at = 0; at < spans.length; at++) {
    const { offset, length } = spans[at] ?? { offset: 0, length: 0 };
    if (at > 0 && offset < 0) return `a ${side} span has a negative offset`;
    buckets += length;
  }
  if (buckets !== counts.length) {
    return `its ${side} spans select ${buckets} buckets and it has ${counts.length}`;
  }
  for (let at = 0; at < counts.length; at++) {
    if ((counts[at] ?? 0) < 0) return `a ${side} bucket has a negative count`;
  }
  return null;
}

function countProblem(histogram: HistogramValue, counting: 'whole' | 'float'): string | null {
  const { count, sum, zeroCount, positiveCounts, negativeCounts } = histogram;
  if (count < 0 || zeroCount < 0) return 'it has a negative count';
  if (counting === 'float') return null;
  let inBuckets = zeroCount;
  for (let at = 0; at < positiveCounts.length; at++) inBuckets += positiveCounts[at] ?? 0;
  for (let at = 0; at < negativeCounts.length; at++) inBuckets += negativeCounts[at] ?? 0;
  // Observations of NaN are in no bucket, and make the sum NaN.
  const isWrong =
    inBuckets > count ? !isNearly(inBuckets, count) : !Number.isNaN(sum) && !isNearly(count, inBuckets);
  return isWrong ? `its count is ${count}, and its buckets hold ${inBuckets}` : null;
}

/** Sums that a double does not hold exactly differ in their last digits. */
const LEAST_DIFFERENCE = 1e-9;

/** Whether two counts, the larger first, are the same as far as a double tells. */
export function isNearly(larger: number, smaller: number): boolean {
  return larger <= Number.MAX_SAFE_INTEGER
    ? larger === smaller
    : larger - smaller <= larger * LEAST_DIFFERENCE;
}
