import { expect, it } from 'vitest';
import { gatherRows, type Reading } from './gather-rows.ts';

function listOf(ids: string, asked: string[]): Reading<{ readonly id: string }> {
  return (limit) => {
    asked.push(ids);
    return Promise.resolve(
      ids
        .split('')
        .slice(0, limit)
        .map((id) => ({ id })),
    );
  };
}

it.each([
  { lists: ['ab', 'bcd'], limit: 3, rows: 'abc', asked: ['ab', 'bcd'] },
  { lists: ['ab', 'bcd'], limit: 2, rows: 'ab', asked: ['ab'] },
  { lists: ['', 'a', 'ab'], limit: 9, rows: 'ab', asked: ['', 'a', 'ab'] },
  { lists: [], limit: 9, rows: '', asked: [] },
])('$lists to at most $limit are $rows', async ({ lists, limit, rows, asked }) => {
  const read: string[] = [];
  const readings = lists.map((ids) => listOf(ids, read));
  const found = await gatherRows(readings, { limit, idOf: ({ id }) => id });
  expect(found.map(({ id }) => id).join('')).toBe(rows);
  expect(read).toEqual(asked);
});
