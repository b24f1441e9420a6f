import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { PostingList, sortRows } from './postings.ts';

const distinctRefs = fc.uniqueArray(fc.integer({ min: 1, max: 5000 }), { maxLength: 3000, size: 'max' });

test('a list loses what is removed and keeps the rest in order', () => {
  fc.assert(
    fc.property(
      distinctRefs,
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 3 }),
      (given, every, step) => {
        const refs = given.toSorted((a, b) => a - b);
        const list = new PostingList();
        for (const ref of refs) list.add(ref);
        const removed = refs.filter((ref) => ref % every === 0);
        // Now and then one that was never there.
        list.remove([...removed, ...given.map((ref) => ref * 10_000 * step)].sort((a, b) => a - b));
        expect([...list.view()]).toEqual(refs.filter((ref) => ref % every !== 0));
        list.add(1e9);
        expect(list.view().at(-1)).toBe(1e9);
      },
    ),
    { numRuns: propertyRuns(50) },
  );
});

test('rows that come back out of order are found in their places', () => {
  fc.assert(
    fc.property(
      distinctRefs,
      fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 12 }),
      (given, sizes) => {
        const list = new PostingList();
        const expected = new Set<number>();
        let at = 0;
        for (const size of sizes) {
          for (const row of given.slice(at, at + size)) {
            list.add(row);
            expected.add(row);
          }
          at += size;
          expect([...list.view()]).toEqual([...expected].sort((a, b) => a - b));
          const gone = [...expected].filter((row) => row % (size + 1) === 0).sort((a, b) => a - b);
          list.remove(gone);
          for (const row of gone) expected.delete(row);
          expect(list.length).toBe(expected.size);
        }
        expect([...list.view()]).toEqual([...expected].sort((a, b) => a - b));
      },
    ),
    { numRuns: propertyRuns(50) },
  );
});

test('a long list says when it is time to tidy it, and is the same before and after', () => {
  const rows = Array.from({ length: 40_000 }, (_, at) => at + 1);
  const listWithout = (count: number) => {
    const list = new PostingList();
    for (const row of rows) list.add(row);
    return { list, isUntidy: list.remove(rows.slice(100, 100 + count)), left: rows.toSpliced(100, count) };
  };
  expect(listWithout(9000).isUntidy).toBe(false);
  // Nobody has tidied it: it does so itself.
  expect(listWithout(20_000).isUntidy).toBe(false);
  const { list, isUntidy, left } = listWithout(10_000);
  expect(isUntidy).toBe(true);
  expect(list.length).toBe(left.length);
  list.tidy();
  expect(list.length).toBe(left.length);
  expect([...list.view()]).toEqual(left);
});

test('references are sorted, few or many, near each other or far apart', () => {
  fc.assert(
    fc.property(distinctRefs, fc.constantFrom(1, 1000, 800_000), (given, factor) => {
      const refs = given.map((ref) => ref * factor);
      expect([...sortRows(Uint32Array.from(refs))]).toEqual(refs.toSorted((a, b) => a - b));
    }),
    { numRuns: propertyRuns(50) },
  );
});

test('a long list makes room without being copied in one go', () => {
  const copies = vi.spyOn(Uint32Array.prototype, 'set');
  const list = new PostingList();
  for (let row = 1; row <= 300_000; row++) list.add(row);
  const lengths = copies.mock.calls.map(([rows]) => rows.length);
  copies.mockRestore();
  expect(lengths.reduce((sum, length) => sum + length)).toBeGreaterThan(262_144);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(16_384);
  expect(list.view()).toEqual(Uint32Array.from({ length: 300_000 }, (_, at) => at + 1));
});

test.each([
  ['rows come back out of order', 61_000, 1_000, 7_000],
  ['most go', 20_000, 40_000, 70_000],
  ['some go', 62_000, 62_010, 64_000],
])('a long list that is making room stays as it is to be when %s', (_, from, to, end) => {
  const list = new PostingList();
  const expected = new Set<number>();
  const add = (row: number): void => {
    list.add(row);
    expected.add(row);
  };
  const check = (): void => {
    const rows = list.view();
    expect(rows.length).toBe(expected.size);
    expect(rows).toEqual(Uint32Array.from(expected).sort());
  };
  for (let row = 1; row <= 62_500; row++) if (row % 2 === 0 || row > 10) add(row * 2);
  const [first, last] = [Math.min(from, to), Math.max(from, to)];
  const gone = [...expected].filter((row) => row > first && row < last);
  list.remove(gone);
  for (const row of gone) expected.delete(row);
  check();
  for (const row of gone.slice(0, 300)) add(row);
  for (let row = 62_501; row <= 63_500; row++) add(row * 2);
  check();
  for (let row = 1; row <= end; row++) add(row * 2 + 1);
  check();
  for (let row = 70_000; row <= 80_000; row++) add(row * 2);
  check();
});
