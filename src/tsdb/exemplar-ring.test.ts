import { expect, test } from 'vitest';
import { ExemplarRing } from './exemplar-ring.ts';

const exemplar = (id: string, timestampMs: number, value = 1) => ({
  labels: { trace_id: id },
  timestampMs,
  value,
});
const idsIn = (ring: ExemplarRing) =>
  Array.from(ring.entries(), ({ ref, exemplar: { labels } }) => `${ref}${labels['trace_id']}`);

test('the oldest make room, and each is there once', () => {
  const ring = new ExemplarRing(3);
  const offers: readonly (readonly [number, ReturnType<typeof exemplar>, boolean])[] = [
    [1, exemplar('a', 1), true],
    [1, exemplar('b', 2), true],
    [1, exemplar('a', 1), false],
    [1, exemplar('b', 2), false],
    [2, exemplar('a', 1), true],
    [1, exemplar('c', 1), true],
    [1, exemplar('a', 1), true],
    [1, exemplar('a', 1, 2), true],
    [1, exemplar('a', 1, NaN), true],
    [1, exemplar('a', 1, NaN), false],
  ];
  for (const [ref, offered, isTaken] of offers) expect(ring.add(ref, offered)).toBe(isTaken);
  expect(idsIn(ring)).toEqual(['1a', '1a', '1a']);
  expect(ring.size).toBe(3);
});

test('a ring without room takes none', () => {
  const ring = new ExemplarRing(0);
  expect(ring.add(1, exemplar('a', 1))).toBe(false);
  expect(idsIn(ring)).toEqual([]);
});
