import { expect, it } from 'vitest';
import { gatherRows, type Reading } from './gather-rows.ts';

/** A list whose rows are letters; its cursors are the letters after which pages begin. */
function listOf(ids: string, asked: string[]): Reading<{ readonly id: string }> {
  return ({ limit, cursor }) => {
    const from = cursor === null ? 0 : ids.indexOf(cursor) + 1;
    const page = ids.slice(from, from + limit);
    asked.push(page);
    return Promise.resolve({
      rows: page.split('').map((id) => ({ id })),
      nextCursor: from + limit < ids.length ? (page.at(-1) ?? null) : null,
    });
  };
}

it.each([
  { lists: ['ab', 'bcd'], limit: 3, rows: 'abc', asked: ['ab', 'bcd'] },
  { lists: ['ab', 'bcd'], limit: 2, rows: 'ab', asked: ['ab'] },
  { lists: ['', 'a', 'ab'], limit: 9, rows: 'ab', asked: ['', 'a', 'ab'] },
  { lists: [], limit: 9, rows: '', asked: [] },
  { lists: ['abcdefgh'], limit: 9, rows: 'abcdefgh', asked: ['abc', 'def', 'gh'] },
  { lists: ['abcdefgh'], limit: 6, rows: 'abcdef', asked: ['abc', 'def'] },
  { lists: ['abcd', 'abcdefg'], limit: 6, rows: 'abcdef', asked: ['abc', 'd', 'abc', 'def'] },
])('$lists to at most $limit are $rows', async ({ lists, limit, rows, asked }) => {
  const read: string[] = [];
  const readings = lists.map((ids) => listOf(ids, read));
  const found = await gatherRows(readings, { limit, maxPageRows: 3, idOf: ({ id }) => id });
  expect(found.map(({ id }) => id).join('')).toBe(rows);
  expect(read).toEqual(asked);
});
