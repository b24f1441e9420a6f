import fc from 'fast-check';
import { expect, test } from 'vitest';
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
