import fc from 'fast-check';
import { expect, test } from 'vitest';
import { heavyPropertyRuns } from '../../../tests/property-runs.ts';
import { PAGE_ROWS, RowAllocator, pageOfRow } from './row-allocator.ts';

test('the lowest free row is given out, and each to one owner at a time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -2 * PAGE_ROWS, max: 2 * PAGE_ROWS }), { maxLength: 20 }),
      (moves) => {
        const allocator = new RowAllocator();
        const taken = new Set<number>();
        for (const move of moves) {
          const rows = Array.from({ length: Math.max(0, move) }, () => allocator.take());
          expect(rows.filter((row) => row <= 0 || taken.has(row))).toEqual([]);
          expect(new Set(rows).size).toBe(rows.length);
          for (const row of rows) taken.add(row);
          for (const row of [...taken].slice(0, Math.max(0, -move))) {
            allocator.release(row);
            taken.delete(row);
          }
          expect(allocator.live).toBe(taken.size);
        }
        const lowest = allocator.take();
        let expected = 1;
        while (taken.has(expected)) expected++;
        expect(lowest).toBe(expected);
      },
    ),
    { numRuns: heavyPropertyRuns(50) },
  );
});

test('a page that nobody uses is told of, once', () => {
  const allocator = new RowAllocator();
  const rows = Array.from({ length: 4.5 * PAGE_ROWS }, () => allocator.take());
  const freed = rows.filter((row) => allocator.release(row));
  expect(freed.map(pageOfRow)).toEqual([0, 1, 2, 3, 4].slice(0, freed.length));
  expect(freed).toHaveLength(5);
  expect(allocator).toMatchObject({ live: 0, end: 0 });
});
