import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TopCounts } from './top-counts.ts';

test('keeps the largest counts, however many were offered', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(50), { maxLength: 200 }),
      fc.integer({ min: 1, max: 30 }),
      (values, limit) => {
        const top = new TopCounts(limit);
        values.forEach((value, at) => top.offer(`name ${at}`, value));
        const largest = values
          .filter((value) => value > 0)
          .sort((a, b) => b - a)
          .slice(0, limit);
        expect(top.list().map(({ value }) => value)).toEqual(largest);
        for (const { name, value } of top.list()) expect(values[Number(name.slice(5))]).toBe(value);
      },
    ),
  );
});

test('names equal counts in order', () => {
  const top = new TopCounts(5);
  for (const name of ['c', 'a', 'd', 'b']) top.offer(name, 7);
  top.offer('first', 8);
  expect(top.list().map(({ name }) => name)).toEqual(['first', 'a', 'b', 'c', 'd']);
});
