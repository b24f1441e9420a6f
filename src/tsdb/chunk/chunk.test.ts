import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { BitReader, viewOf } from './bits.ts';
import { SampleColumns } from './sample-columns.ts';
import { decodeSealed, encodeSealed } from './sealed-chunk.ts';

function columnsOf(samples: readonly (readonly [timestampMs: number, value: number])[]): SampleColumns {
  const columns = new SampleColumns();
  columns.reserve(samples.length);
  for (const [timestampMs, value] of samples) {
    columns.timestampsMs[columns.length] = timestampMs;
    columns.values[columns.length] = value;
    columns.length++;
  }
  return columns;
}

function roundTrip(columns: SampleColumns): { bytes: number; decoded: SampleColumns } {
  const bytes = encodeSealed(columns).slice();
  const decoded = new SampleColumns();
  decodeSealed(new BitReader(viewOf(bytes)), columns.length, columns.timestampsMs[0] ?? 0, decoded);
  return { bytes: bytes.length, decoded };
}

function expectSame(columns: SampleColumns, decoded: SampleColumns): void {
  expect(decoded.length).toBe(columns.length);
  expect(decoded.timestampsMs.subarray(0, decoded.length)).toEqual(
    columns.timestampsMs.subarray(0, columns.length),
  );
  expect(decoded.words.subarray(0, 2 * decoded.length)).toEqual(
    columns.words.subarray(0, 2 * columns.length),
  );
}

const START_MS = 1_780_000_000_000;
const evenly = (valueAt: (place: number) => number) =>
  columnsOf(Array.from({ length: 120 }, (_, place) => [START_MS + place * 15_000, valueAt(place)] as const));
const wave = (place: number): number => Math.sin(place * 12.9898) * 43_758.5453;
const noise = (place: number): number => wave(place) - Math.floor(wave(place)) - 0.5;

describe('sealed chunks', () => {
  test.each([
    ['a constant', evenly(() => 42), 12],
    ['a counter of events', evenly((place) => 1000 * place + Math.round(40 * noise(place))), 120 * 1.2],
    ['a whole gauge with noise', evenly((place) => 200 + Math.round(20 * noise(place))), 120],
    ['a gauge of two decimals', evenly((place) => Math.round(5000 + 200 * noise(place)) / 100), 120 * 1.3],
  ])('%s takes few bytes', (_, columns, maxBytes) => {
    const { bytes, decoded } = roundTrip(columns);
    expectSame(columns, decoded);
    expect(bytes).toBeLessThanOrEqual(maxBytes);
  });

  test('timestamps that jitter about a grid take few bits', () => {
    const columns = evenly(() => 42);
    for (let at = 0; at < 120; at += 3) columns.timestampsMs[at] = (columns.timestampsMs[at] ?? 0) + (at % 4);
    const { bytes, decoded } = roundTrip(columns);
    expectSame(columns, decoded);
    expect(bytes).toBeLessThan(50);
  });

  test('bits are kept: NaN, the staleness marker, infinities, negative zero', () => {
    const columns = evenly(
      (place) => [Number.NaN, Infinity, -Infinity, -0, 0, 1e300, 5e-324][place % 7] ?? 0,
    );
    columns.words[2 * 119] = 2;
    columns.words[2 * 119 + 1] = 0x7ff00000;
    expectSame(columns, roundTrip(columns).decoded);
  });

  test('any samples come back bit for bit', () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.integer({ min: -10_000, max: 10_000 }).map((integer) => integer / 100),
    );
    const distance = fc.oneof(
      fc.constant(15_000),
      fc.integer({ min: 1, max: 40_000 }),
      fc.integer({ min: 1, max: 2 ** 45 }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(distance, value), { minLength: 1, maxLength: 200 }), (steps) => {
        let timestampMs = -(2 ** 40);
        const columns = columnsOf(steps.map(([step, sample]) => [(timestampMs += step), sample] as const));
        expectSame(columns, roundTrip(columns).decoded);
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  test('damaged bytes never give more samples than asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 1024 }), (bytes, count) => {
        const decoded = new SampleColumns();
        decodeSealed(new BitReader(viewOf(bytes)), count, START_MS, decoded);
        expect(decoded.length).toBe(count);
      }),
    );
  });
});
