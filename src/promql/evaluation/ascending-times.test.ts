import fc from 'fast-check';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { firstAfter } from './ascending-times.ts';

test('finds the first time after another, near or far', () => {
  const distances = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 500, size: 'max' });
  fc.assert(
    fc.property(distances, fc.nat(500), fc.integer({ min: -5, max: 1600 }), (given, start, timeMs) => {
      let atMs = 0;
      const times = Float64Array.from(given, (distance) => (atMs += distance));
      const from = Math.min(start, times.length);
      const found = times.findIndex((time, at) => at >= from && time > timeMs);
      expect(firstAfter(times, from, timeMs)).toBe(found === -1 ? times.length : found);
    }),
    { numRuns: propertyRuns(1000) },
  );
});
