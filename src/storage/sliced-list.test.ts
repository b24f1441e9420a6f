import { expect, test } from 'vitest';
import { listInSlices, type ListSlice } from './sliced-list.ts';

/** Numbers from 1, of which some fit; every look at them is noted, and `grow` adds numbers while the list is read. */
function numbers(count: number, fits: (value: number) => boolean) {
  const looks: number[] = [];
  return {
    looks,
    end: (after: number | null, rows: number): Promise<number | null> => {
      const end = (after ?? 0) + rows;
      return Promise.resolve(end <= count ? end : null);
    },
    find: ({ after, until, rows, limit }: ListSlice<number>): Promise<number[]> => {
      const first = (after ?? 0) + 1;
      const last = Math.min(until ?? count, first + rows - 1);
      looks.push(last - first + 1);
      const all = Array.from({ length: last - first + 1 }, (_, at) => first + at);
      return Promise.resolve(all.filter(fits).slice(0, limit));
    },
  };
}

test.each([
  ['what is rare', 10_500, (value: number) => value % 5000 === 0, 10, [5000, 10_000]],
  ['nothing', 3000, () => false, 10, []],
  ['the first of many', 5000, () => true, 3, [1, 2, 3]],
  ['nothing of an empty list', 0, () => true, 3, []],
])('finds %s, and looks at a thousand at a time', async (_, count, fits, limit, expected) => {
  const list = numbers(count, fits);
  expect(await listInSlices(list, { after: null, limit })).toEqual(expected);
  expect(Math.max(...list.looks)).toBeLessThanOrEqual(1000);
});

test('goes on behind a place, and stops when the page is full', async () => {
  const list = numbers(100_000, (value) => value % 2 === 0);
  expect(await listInSlices(list, { after: 50, limit: 2 })).toEqual([52, 54]);
  expect(list.looks).toEqual([1000]);
});
