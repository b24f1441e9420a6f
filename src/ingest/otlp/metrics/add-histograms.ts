import type { HistogramSpan, HistogramValue } from '#telemetry';
import { nativeHistogram, type NativeSide } from './native-histogram.ts';

/** Buckets of one histogram's total. With more it becomes coarser, as an SDK's does; a delta has 160 by default. */
const maxTotalBuckets = 640;
const MIN_SCHEMA = -4;
/** Of base 2, where doubles end. */
const MAX_EXPONENT = 1024;

/**
 * The sum of two exponential histograms: in the coarser of their resolutions, with the wider of their zero buckets.
 */
export function addHistograms(total: HistogramValue, delta: HistogramValue): HistogramValue {
  const zero = widenedZero(total, delta);
  let schema = Math.min(total.schema, delta.schema);
  let positive = mergedSide(
    schema,
    [zero.total, total.schema, 'positive'],
    [zero.delta, delta.schema, 'positive'],
  );
  let negative = mergedSide(
    schema,
    [zero.total, total.schema, 'negative'],
    [zero.delta, delta.schema, 'negative'],
  );
  while (positive.size + negative.size > maxTotalBuckets && schema > MIN_SCHEMA) {
    schema--;
    positive = coarser(positive, 1);
    negative = coarser(negative, 1);
  }
  const totals = {
    schema,
    count: total.count + delta.count,
    sum: addSums(total.sum, delta.sum),
    zeroThreshold: zero.threshold,
    zeroCount: zero.count,
  };
  return nativeHistogram(totals, { positive: sideOf(positive), negative: sideOf(negative) });
}

/** A sum that is not told, or is no number, adds nothing: it must not stay for ever. */
function addSums(total: number, delta: number): number {
  if (!Number.isFinite(delta)) return total;
  return Number.isFinite(total) ? total + delta : delta;
}

/** Counts by index. */
type Side = Map<number, number>;

interface Sides {
  readonly positive: Side;
  readonly negative: Side;
}

function mergedSide(schema: number, ...parts: readonly (readonly [Sides, number, keyof Sides])[]): Side {
  const merged: Side = new Map();
  for (const [sides, from, side] of parts) {
    for (const [index, count] of coarser(sides[side], from - schema)) {
      merged.set(index, (merged.get(index) ?? 0) + count);
    }
  }
  return merged;
}

/** Two buckets become one with each step: bucket i ends at base^i, so that i goes to ⌈i / 2⌉. */
function coarser(side: Side, steps: number): Side {
  if (steps === 0) return side;
  const merged: Side = new Map();
  for (const [index, count] of side) {
    const into = Math.ceil(index / 2 ** steps);
    merged.set(into, (merged.get(into) ?? 0) + count);
  }
  return merged;
}

/** Both with one zero bucket: the wider, and as wide as the ordinary buckets that it cuts. */
function widenedZero(
  total: HistogramValue,
  delta: HistogramValue,
): { readonly threshold: number; readonly count: number; readonly total: Sides; readonly delta: Sides } {
  const sides = { total: sidesOf(total), delta: sidesOf(delta) };
  let threshold = Math.max(total.zeroThreshold, delta.zeroThreshold);
  // A bucket that the threshold cuts goes into the zero bucket whole, which may cut one of the other's in turn.
  for (let before = -1; before !== threshold;) {
    before = threshold;
    threshold = Math.max(
      widened(sides.total, total.schema, threshold),
      widened(sides.delta, delta.schema, threshold),
    );
  }
  const count =
    total.zeroCount +
    delta.zeroCount +
    takeBelow(sides.total, total, threshold) +
    takeBelow(sides.delta, delta, threshold);
  return { threshold, count, ...sides };
}

/** The last bucket ends at the largest double, as in Prometheus: one that ended at infinity would widen a zero bucket to it. */
const endOf = (schema: number, index: number): number => {
  const exponent = index * 2 ** -schema;
  return exponent === MAX_EXPONENT ? Number.MAX_VALUE : 2 ** exponent;
};

function widened(sides: Sides, schema: number, threshold: number): number {
  let wide = threshold;
  for (const side of [sides.positive, sides.negative]) {
    for (const [index, count] of side) {
      const end = endOf(schema, index);
      if (count > 0 && endOf(schema, index - 1) < wide && end > wide) wide = end;
    }
  }
  return wide;
}

/** Takes out what lies wholly in the zero bucket; how many observations that was. */
function takeBelow(sides: Sides, { schema, zeroThreshold }: HistogramValue, threshold: number): number {
  if (threshold === zeroThreshold) return 0;
  let taken = 0;
  for (const side of [sides.positive, sides.negative]) {
    for (const [index, count] of side) {
      if (endOf(schema, index) > threshold) continue;
      taken += count;
      side.delete(index);
    }
  }
  return taken;
}

function sidesOf(histogram: HistogramValue): Sides {
  return {
    positive: bucketsOf(histogram.positiveSpans, histogram.positiveCounts),
    negative: bucketsOf(histogram.negativeSpans, histogram.negativeCounts),
  };
}

function bucketsOf(spans: readonly HistogramSpan[], counts: readonly number[]): Side {
  const side: Side = new Map();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let bucket = 0; bucket < length; bucket++, index++, at++) {
      const count = counts[at] ?? 0;
      if (count !== 0) side.set(index, count);
    }
  }
  return side;
}

/** Spans for counts by index; gaps of one or two buckets are filled with zeros, which takes less than a span. */
function sideOf(side: Side): NativeSide {
  const spans: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let next = 0;
  for (const index of [...side.keys()].sort((left, right) => left - right)) {
    const gap = index - next;
    let span = spans.at(-1);
    if (span === undefined || gap > 2) spans.push((span = { offset: gap, length: 0 }));
    else for (; next < index; next++, span.length++) counts.push(0);
    counts.push(side.get(index) ?? 0);
    span.length++;
    next = index + 1;
  }
  return { spans, counts };
}
