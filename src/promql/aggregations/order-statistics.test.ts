import fc from 'fast-check';
import { expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { numbersFirst, partAt } from './order-statistics.ts';

it('finds what sorting would put at a place, and what is no larger before it', () => {
  const numbers = fc.array(fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 3 })), {
    minLength: 1,
  });
  fc.assert(
    fc.property(numbers, fc.nat(), (list, any) => {
      const place = any % list.length;
      const values = Float64Array.from(list);
      partAt(values, place);
      const sorted = Float64Array.from(list).sort();
      const found = values[place] ?? NaN;
      // Of −0 and 0, which are equal, either may be there.
      expect(found === sorted[place]).toBe(true);
      expect(values.subarray(0, place).every((value) => value <= found)).toBe(true);
      expect(values.subarray(place).every((value) => value >= found)).toBe(true);
      expect([...values.sort()].map(String)).toEqual([...sorted].map(String));
    }),
    { numRuns: propertyRuns(500) },
  );
});

it('moves what is no number to the end', () => {
  const values = Float64Array.from([NaN, 3, NaN, 1, 2]);
  expect(numbersFirst(values)).toBe(3);
  expect([...values]).toEqual([3, 1, 2, NaN, NaN]);
});

it.each<[string, (at: number, count: number) => number]>([
  ['rise', (at) => at],
  ['fall', (at) => -at],
  ['rise and fall', (at, count) => Math.min(at, count - at)],
  ['are all the same', () => 1],
  ['repeat', (at) => at % 10],
])('looks at numbers that %s a few times each', (_, valueAt) => {
  const count = 20_000;
  let looks = 0;
  const values = Float64Array.from({ length: count }, (__, at) => valueAt(at, count));
  const sorted = values.toSorted();
  const watched = new Proxy(values, {
    get(target, key): unknown {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks++;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  partAt(watched, count / 2);
  expect(values[count / 2]).toBe(sorted[count / 2]);
  expect(looks).toBeLessThan(12 * count);
});
