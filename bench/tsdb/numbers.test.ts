import { describe, expect, it } from 'vitest';
import { percentile } from './numbers.ts';

/** 1, 2, … n, in no order. */
const upTo = (count: number): number[] =>
  Array.from({ length: count }, (_, at) => ((at * 7 + 3) % count) + 1);

describe('a percentile', () => {
  it.each([
    [100, 0.99, 99],
    [100, 0.5, 50],
    [100, 0.07, 7],
    [100, 1, 100],
    [100, 0, 1],
    [101, 0.99, 100],
    [1000, 0.999, 999],
    [10, 0.99, 10],
    [3, 0.5, 2],
    [4, 0.5, 2],
    [1, 0.99, 1],
  ])('of %i values: of the share %f it is the %i-th', (count, share, expected) => {
    expect(upTo(count).toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
    expect(percentile(upTo(count), share)).toBe(expected);
  });

  it('of none is no number', () => {
    expect(percentile([], 0.99)).toBeNaN();
  });
});
