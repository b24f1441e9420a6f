import type { HistogramSpan, HistogramValue } from '#telemetry';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addHistograms, subtractHistograms } from './arithmetic.ts';
import { bucketsOf } from './bucket-walk.ts';
import { equalHistograms } from './equality.ts';
import { nativeFraction, nativeQuantile } from './native-quantiles.ts';
import { isCounterReset } from './reset-detection.ts';
import { exponentialBound } from './schema.ts';
import { HistogramMean, HistogramTotal } from './totals.ts';
import { trimHistogram } from './trimming.ts';

const count = fc.integer({ min: 0, max: 50 });

function side(): fc.Arbitrary<{ spans: readonly HistogramSpan[]; counts: readonly number[] }> {
  const span = fc.record({
    gap: fc.integer({ min: 1, max: 5 }),
    counts: fc.array(count, { minLength: 1, maxLength: 4 }),
  });
  return fc
    .tuple(fc.integer({ min: -20, max: 20 }), fc.array(span, { maxLength: 3 }))
    .map(([first, parts]) => ({
      spans: parts.map(({ gap, counts }, at) => ({ offset: at === 0 ? first : gap, length: counts.length })),
      counts: parts.flatMap(({ counts }) => counts),
    }));
}

/** Histograms of every resolution, their zero bucket ending on a bucket's bound, below the first that is counted. */
const exponential: fc.Arbitrary<HistogramValue> = fc
  .record({
    schema: fc.integer({ min: -4, max: 8 }),
    zeroIndex: fc.integer({ min: -40, max: -21 }),
    zeroCount: count,
    sum: fc.integer({ min: -1000, max: 1000 }),
    positive: side(),
    negative: side(),
  })
  .map(({ schema, zeroIndex, zeroCount, sum, positive, negative }) => ({
    schema,
    zeroThreshold: exponentialBound(zeroIndex, schema),
    zeroCount,
    sum,
    count: [zeroCount, ...positive.counts, ...negative.counts].reduce((a, b) => a + b, 0),
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
    customBounds: [],
    counterReset: 'unknown' as const,
  }));

const custom: fc.Arbitrary<HistogramValue> = fc
  .uniqueArray(fc.integer({ min: -5, max: 20 }), { maxLength: 6 })
  .chain((bounds) =>
    fc.array(count, { minLength: bounds.length + 1, maxLength: bounds.length + 1 }).map((counts) => ({
      schema: -53,
      zeroThreshold: 0,
      zeroCount: 0,
      sum: 1,
      count: counts.reduce((a, b) => a + b, 0),
      positiveSpans: [{ offset: 0, length: counts.length }],
      positiveCounts: counts,
      negativeSpans: [],
      negativeCounts: [],
      customBounds: bounds.sort((a, b) => a - b),
      counterReset: 'unknown' as const,
    })),
  );

const pair = fc.oneof(fc.tuple(exponential, exponential), fc.tuple(custom, custom));

function observations(histogram: HistogramValue): number {
  return bucketsOf(histogram).reduce((sum, bucket) => sum + bucket.count, 0);
}

describe('histograms', () => {
  it('neither lose nor gain observations when they are added, whatever their layouts', () => {
    fc.assert(
      fc.property(pair, ([left, right]) => {
        const sum = addHistograms(left, right)?.histogram;
        expect(sum?.count).toBe(left.count + right.count);
        expect(sum && observations(sum)).toBe(left.count + right.count);
      }),
    );
  });

  it('are the same in either order', () => {
    fc.assert(
      fc.property(pair, ([left, right]) => {
        const there = addHistograms(left, right)?.histogram;
        const back = addHistograms(right, left)?.histogram;
        expect(there && back && equalHistograms(there, back)).toBe(true);
      }),
    );
  });

  it('come back when what was added is taken away again', () => {
    fc.assert(
      fc.property(exponential, (left) => {
        const sum = addHistograms(left, left)?.histogram ?? left;
        const back = subtractHistograms(sum, left)?.histogram ?? left;
        expect(bucketsOf(back)).toEqual(bucketsOf(left).filter((bucket) => bucket.count !== 0));
      }),
    );
  });

  it('do not look reset when they have only grown', () => {
    fc.assert(
      fc.property(pair, ([left, right]) => {
        const grown = addHistograms(left, right)?.histogram ?? left;
        expect(isCounterReset(grown, left)).toBe(false);
        if (right.count > 0) expect(isCounterReset(left, grown)).toBe(true);
      }),
    );
  });

  it('of the two kinds do not go together', () => {
    fc.assert(
      fc.property(exponential, custom, (left, right) => {
        expect(addHistograms(left, right)).toBeNull();
        expect(subtractHistograms(right, left)).toBeNull();
        const total = new HistogramTotal();
        expect([total.add(left), total.add(right)]).toEqual([true, false]);
      }),
    );
  });

  it('have a total and a mean that agree with adding one by one', () => {
    const many = fc.oneof(
      fc.array(exponential, { minLength: 1, maxLength: 5 }),
      fc.array(custom, { minLength: 1, maxLength: 5 }),
    );
    fc.assert(
      fc.property(many, (histograms) => {
        const total = new HistogramTotal();
        const mean = new HistogramMean();
        for (const histogram of histograms) {
          total.add(histogram);
          mean.add(histogram);
        }
        const [first, ...others] = histograms;
        const added = others.reduce(
          (sum, next) => (sum && addHistograms(sum, next)?.histogram) ?? sum,
          first,
        );
        expect(bucketsOf(total.result())).toEqual(
          bucketsOf(added ?? total.result()).filter((b) => b.count !== 0),
        );
        expect(mean.result().count).toBeCloseTo(total.result().count / histograms.length, 9);
      }),
    );
  });

  it('have quantiles and fractions that are each other’s inverse', () => {
    fc.assert(
      fc.property(exponential, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (histogram, phi) => {
        fc.pre(histogram.count > 0);
        const { value } = nativeQuantile(phi, histogram);
        const { value: share } = nativeFraction(-Infinity, value, histogram);
        // Within a bucket without observations every value has the same share.
        expect(Math.abs(share - phi)).toBeLessThan(1e-6);
      }),
    );
  });

  it('are cut in two parts that make the whole', () => {
    fc.assert(
      fc.property(exponential, fc.double({ min: -10, max: 10, noNaN: true }), (histogram, at) => {
        const below = trimHistogram(histogram, at, 'above');
        const above = trimHistogram(histogram, at, 'below');
        expect(observations(below) + observations(above)).toBeCloseTo(histogram.count, 6);
      }),
    );
  });
});
