import { expect, test } from 'vitest';
import { ChunkPage } from '../chunk/chunk-table.ts';
import { StatePage } from '../head/series-states.ts';
import { PageMemory } from './page-memory.ts';
import { PAGE_ROWS } from './row-allocator.ts';

/** What `scripts/launch.mjs` has glibc take from the system, and give back, piece by piece. */
const OWN_PIECE_BYTES = 131_072;

test('columns lie one after the other in one piece of memory', () => {
  const memory = new PageMemory(19);
  const columns = [
    memory.floats(1),
    memory.words(1),
    memory.signedWords(1),
    memory.halfWords(1),
    memory.bytes(1),
  ];
  expect(new Set(columns.map(({ buffer }) => buffer)).size).toBe(1);
  expect(columns.map(({ byteOffset }) => byteOffset)).toEqual([0, 8, 12, 16, 18]);
  expect(() => memory.bytes(1)).toThrow(RangeError);
});

test.each([
  ['states', new StatePage(PAGE_ROWS)],
  ['chunks', new ChunkPage(PAGE_ROWS)],
])('a page of %s is one piece, used up, that goes back to the system when it is freed', (_name, page) => {
  const columns = Object.values(page).filter((column): column is Uint8Array => ArrayBuffer.isView(column));
  const buffers = new Set(columns.map(({ buffer }) => buffer));
  expect(buffers.size).toBe(1);
  const [buffer] = buffers;
  expect(buffer?.byteLength).toBeGreaterThanOrEqual(OWN_PIECE_BYTES);
  expect(Math.max(...columns.map(({ byteOffset, byteLength }) => byteOffset + byteLength))).toBe(
    buffer?.byteLength,
  );
});
