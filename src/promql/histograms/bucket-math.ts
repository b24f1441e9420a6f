import type { Buckets, OpenHistogram } from './open-histogram.ts';
import { exponentialBound, indexAtSchema } from './schema.ts';

/** The buckets merged into those of a lower resolution. */
export function reduceBuckets(buckets: Buckets, schema: number, targetSchema: number): Buckets {
  if (schema === targetSchema) return buckets;
  const merged: Buckets = { indexes: [], counts: [] };
  buckets.indexes.forEach((index, at) => {
    const target = indexAtSchema(index, schema, targetSchema);
    addAscending(merged, target, buckets.counts[at] ?? 0);
  });
  return merged;
}

/** Brings a histogram to a lower resolution, in place. */
export function reduceResolution(histogram: OpenHistogram, targetSchema: number): void {
  histogram.positive = reduceBuckets(histogram.positive, histogram.schema, targetSchema);
  histogram.negative = reduceBuckets(histogram.negative, histogram.schema, targetSchema);
  histogram.schema = targetSchema;
}

/** Two sides added bucket by bucket: `left + sign · right`. */
export function mergeBuckets(left: Buckets, right: Buckets, sign: 1 | -1): Buckets {
  const indexes: number[] = [];
  const counts: number[] = [];
  let a = 0;
  let b = 0;
  while (a < left.indexes.length || b < right.indexes.length) {
    const leftIndex = left.indexes[a] ?? Infinity;
    const rightIndex = right.indexes[b] ?? Infinity;
    indexes.push(Math.min(leftIndex, rightIndex));
    let count = leftIndex <= rightIndex ? (left.counts[a++] ?? 0) : 0;
    if (rightIndex <= leftIndex) count += sign * (right.counts[b++] ?? 0);
    counts.push(count);
  }
  return { indexes, counts };
}

/** The buckets that do not lie within the zero bucket. */
export function outsideZero(buckets: Buckets, schema: number, zeroThreshold: number): Buckets {
  const first = buckets.indexes.findIndex((index) => exponentialBound(index, schema) > zeroThreshold);
  if (first === 0) return buckets;
  if (first < 0) return { indexes: [], counts: [] };
  return { indexes: buckets.indexes.slice(first), counts: buckets.counts.slice(first) };
}

export interface ZeroBucket {
  readonly threshold: number;
  readonly count: number;
}

/**
 * What the zero bucket would hold if it reached at least to `threshold`. It is widened to the end of a populated
 * bucket rather than cutting it.
 */
export function widenedZeroBucket(histogram: OpenHistogram, atLeast: number): ZeroBucket {
  const { schema, positive, negative } = histogram;
  let threshold = atLeast;
  if (threshold === histogram.zeroThreshold) return { threshold, count: histogram.zeroCount };
  for (;;) {
    const above = countWithin(positive, schema, threshold);
    threshold = above.threshold;
    const below = countWithin(negative, schema, threshold);
    const count = histogram.zeroCount + above.count + below.count;
    if (below.threshold === threshold) return { threshold, count };
    threshold = below.threshold;
  }
}

function countWithin(buckets: Buckets, schema: number, threshold: number): ZeroBucket {
  let count = 0;
  for (let at = 0; at < buckets.indexes.length; at++) {
    const index = buckets.indexes[at] ?? 0;
    if (exponentialBound(index - 1, schema) >= threshold) break;
    const inBucket = buckets.counts[at] ?? 0;
    count += inBucket;
    const upper = exponentialBound(index, schema);
    if (upper > threshold) return { threshold: inBucket === 0 ? threshold : upper, count };
  }
  return { threshold, count };
}

/**
 * Gives two histograms the same zero bucket, in place: wide enough for both and ending inside no populated bucket
 * of either.
 */
export function reconcileZeroBuckets(left: OpenHistogram, right: OpenHistogram): void {
  while (left.zeroThreshold !== right.zeroThreshold) {
    const [narrow, wide] = left.zeroThreshold < right.zeroThreshold ? [left, right] : [right, left];
    const { threshold, count } = widenedZeroBucket(narrow, wide.zeroThreshold);
    narrow.zeroThreshold = threshold;
    narrow.zeroCount = count;
    narrow.positive = outsideZero(narrow.positive, narrow.schema, threshold);
    narrow.negative = outsideZero(narrow.negative, narrow.schema, threshold);
  }
}

/** The bounds that two lists share. */
export function sharedBounds(left: readonly number[], right: readonly number[]): readonly number[] {
  const known = new Set(right);
  return left.filter((bound) => known.has(bound));
}

/** Custom buckets merged into those that a subset of their bounds makes. */
export function mapToBounds(
  buckets: Buckets,
  bounds: readonly number[],
  targetBounds: readonly number[],
): Buckets {
  const merged: Buckets = { indexes: [], counts: [] };
  let target = 0;
  buckets.indexes.forEach((index, at) => {
    const upper = bounds[index] ?? Infinity;
    while (target < targetBounds.length && (targetBounds[target] ?? Infinity) < upper) target++;
    addAscending(merged, target, buckets.counts[at] ?? 0);
  });
  return merged;
}

/** Adds a count to a bucket that is the last one or comes behind it. */
function addAscending({ indexes, counts }: Buckets, index: number, count: number): void {
  const last = indexes.length - 1;
  if (indexes[last] === index) counts[last] = (counts[last] ?? 0) + count;
  else {
    indexes.push(index);
    counts.push(count);
  }
}
