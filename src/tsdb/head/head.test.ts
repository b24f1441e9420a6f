import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import type { HistogramValue } from '#telemetry';
import { SampleColumns } from '../chunk/sample-columns.ts';
import { ACCEPTED, ALREADY_THERE, DUPLICATE_TIMESTAMP, Head, OUT_OF_ORDER } from './head.ts';
import { HistogramSeries, decodeHistograms } from './histogram-series.ts';

const WINDOW_MS = 60_000;

/** Words of a value's bits. */
function bitsOf(value: number): { high: number; low: number } {
  const words = new Uint32Array(Float64Array.of(value).buffer);
  return { high: (words[1] ?? 0) | 0, low: (words[0] ?? 0) | 0 };
}

/** What a series should be: a map from time to value, and the rules for what is taken. */
class Model {
  readonly samples = new Map<number, number>();
  #newestMs = Number.NEGATIVE_INFINITY;

  append(timestampMs: number, value: number): number {
    const there = this.samples.get(timestampMs);
    if (timestampMs < this.#newestMs - WINDOW_MS) return OUT_OF_ORDER;
    if (there !== undefined) return Object.is(there, value) ? ALREADY_THERE : DUPLICATE_TIMESTAMP;
    this.samples.set(timestampMs, value);
    this.#newestMs = Math.max(this.#newestMs, timestampMs);
    return ACCEPTED;
  }

  read(startMs: number, endMs: number): [number, number][] {
    return [...this.samples].filter(([at]) => at >= startMs && at <= endMs).sort(([a], [b]) => a - b);
  }
}

function read(head: Head, startMs: number, endMs: number): [number, number][] {
  const columns = new SampleColumns();
  head.read(1, startMs, endMs, columns);
  return Array.from({ length: columns.length }, (_, at) => [
    columns.timestampsMs[at] ?? NaN,
    columns.values[at] ?? NaN,
  ]);
}

describe('the head', () => {
  test('does what a map from time to value does, in whatever order samples come', () => {
    const step = fc.record({
      // Mostly forward by a scrape interval; now and then a jump, a late one or a repetition.
      moveMs: fc.oneof(
        { weight: 12, arbitrary: fc.integer({ min: 900, max: 1100 }) },
        { weight: 2, arbitrary: fc.integer({ min: -70_000, max: 0 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 8_000_000 }) },
      ),
      value: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true })),
      stays: fc.boolean(),
    });
    const steps = fc.array(step, { minLength: 1, maxLength: 600, size: 'max' });
    fc.assert(
      fc.property(steps, fc.nat(1000), fc.nat(1000), (moves, from, to) => {
        const head = new Head(WINDOW_MS);
        head.states.reserve(1);
        const model = new Model();
        let nowMs = 1_000_000;
        for (const { moveMs, value, stays } of moves) {
          const timestampMs = nowMs + moveMs;
          if (!stays || moveMs > 0) nowMs = Math.max(nowMs, timestampMs);
          const { high, low } = bitsOf(value);
          expect(head.append(1, timestampMs, high, low)).toBe(model.append(timestampMs, value));
        }
        const span = nowMs - 900_000;
        const startMs = 900_000 + (span * Math.min(from, to)) / 1000;
        const endMs = 900_000 + (span * Math.max(from, to)) / 1000;
        expect(read(head, startMs, endMs)).toEqual(model.read(startMs, endMs));
        head.seal(1);
        expect(read(head, 0, Infinity)).toEqual(model.read(0, Infinity));
      }),
      { numRuns: propertyRuns(200) },
    );
  });

  test('late samples meet what is there in a series of many chunks, too', () => {
    const head = new Head(WINDOW_MS);
    head.states.reserve(1);
    const model = new Model();
    const append = (timestampMs: number, value: number): void => {
      const { high, low } = bitsOf(value);
      expect(head.append(1, timestampMs, high, low)).toBe(model.append(timestampMs, value));
    };
    const startMs = 1_000_000;
    for (let at = 0; at < 5000; at++) append(startMs + at * 10, at);
    expect(head.sealed.table.live).toBeGreaterThan(40);
    // One third is there with this value, one third is new, and one third is there with another value.
    for (let at = 4998; at > 0; at--)
      append(startMs + at * 10 + (at % 3 === 1 ? 5 : 0), at % 3 === 2 ? -at : at);
    expect(read(head, 0, Infinity)).toEqual(model.read(0, Infinity));
    head.dropChunksBefore(1, startMs + 25_000);
    const left = read(head, 0, Infinity);
    for (const [timestampMs = 0, value = 0] of left.slice(0, -1).toReversed()) {
      const { high, low } = bitsOf(value);
      expect(head.append(1, timestampMs, high, low)).toBe(ALREADY_THERE);
    }
    expect(read(head, 0, Infinity)).toEqual(left);
  });

  test('a series whose memory went may begin again', () => {
    const head = new Head(WINDOW_MS);
    head.states.reserve(1);
    for (let at = 0; at < 500; at++) head.append(1, at * 1000, 0, at);
    head.dropChunksBefore(1, 300_000);
    expect(read(head, 0, Infinity)[0]?.[0]).toBeGreaterThan(100_000);
    head.forget(1);
    expect(read(head, 0, Infinity)).toEqual([]);
    expect(head.sealed.table.live).toBe(0);
    expect(head.sealed).toMatchObject({ bytes: 0, samples: 0 });
    head.states.reserve(1);
    head.append(1, 5, 0, 0);
    expect(read(head, 0, Infinity)).toEqual([[5, 0]]);
  });
});

test('native histograms come back as they were, whole or fractional, with any layout', () => {
  const counts = (length: number) =>
    fc.array(fc.oneof(fc.nat(1_000_000), fc.double({ min: 0, max: 1e9, noNaN: true })), {
      minLength: length,
      maxLength: length,
    });
  const histograms = fc.integer({ min: 0, max: 4 }).chain((length) =>
    fc.record({
      schema: fc.constantFrom(0, 3),
      count: fc.nat(),
      sum: fc.double(),
      zeroThreshold: fc.constantFrom(0, 0.001),
      zeroCount: fc.nat(),
      positiveSpans: fc.constant([{ offset: -2, length }]),
      positiveCounts: counts(length),
      negativeSpans: fc.constant([]),
      negativeCounts: fc.constant([]),
      customBounds: fc.constant([]),
      counterReset: fc.constantFrom<HistogramValue['counterReset']>('unknown', 'gauge'),
    }),
  );
  fc.assert(
    fc.property(fc.array(histograms, { minLength: 1, maxLength: 30 }), fc.nat(20), (values, repeats) => {
      const series = new HistogramSeries();
      const expected = values.flatMap((value) => Array.from({ length: repeats + 1 }, () => value));
      expected.forEach((value, at) => series.append(at * 15_000, value));
      expect(series.read(0, Infinity).map(({ histogram }) => histogram)).toEqual(expected);
      expect(series.read(15_000, 30_000).map(({ timestampMs }) => timestampMs)).toEqual(
        [15_000, 30_000].filter((at) => at < expected.length * 15_000),
      );
    }),
  );
});

test('damaged histogram bytes never give more samples than the chunk says', () => {
  const series = new HistogramSeries();
  const layout: HistogramValue = {
    schema: 0,
    count: 1,
    sum: 1,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: 1 }],
    positiveCounts: [1],
    negativeSpans: [],
    negativeCounts: [],
    customBounds: [],
    counterReset: 'unknown',
  };
  series.append(0, layout);
  const [chunk] = series.chunks;
  if (!chunk) throw new Error('no chunk');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(300), (bytes, count) => {
      expect(decodeHistograms({ ...chunk, bytes, byteLength: bytes.length, count })).toHaveLength(count);
    }),
  );
});
