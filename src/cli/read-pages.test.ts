import { describe, expect, it } from 'vitest';
import { behindLast, readPages } from './read-pages.ts';

/** Reads a list of so many rows by pages of at most ten. */
async function read(count: number, limit: number) {
  const all = Array.from({ length: count }, (_, at) => `row-${at}`);
  const asked: string[] = [];
  const call = async (_method: string, path: string): Promise<unknown> => {
    asked.push(path);
    const { searchParams } = new URL(path, 'http://omoi');
    const after = searchParams.get('after');
    const start = after === null ? 0 : all.indexOf(after) + 1;
    return all.slice(start, start + Number(searchParams.get('limit')));
  };
  const pages = {
    path: '/rows',
    query: {},
    maxRows: 10,
    read(answer: unknown, size: number) {
      const rows = answer as readonly string[];
      return { rows, next: behindLast({ rows, asked: size }, 'after', (row) => row) };
    },
  };
  const { rows, more } = await readPages({ call }, pages, limit);
  return { rows: rows.length, more, calls: asked.length };
}

describe('a list that is read by pages', () => {
  it.each([
    ['an empty one', 0, 100, { rows: 0, more: false, calls: 1 }],
    ['less than a page', 3, 100, { rows: 3, more: false, calls: 1 }],
    ['a page and some', 13, 100, { rows: 13, more: false, calls: 2 }],
    ['as many as are wanted', 5, 5, { rows: 5, more: false, calls: 1 }],
    ['one more than is wanted', 6, 5, { rows: 5, more: true, calls: 1 }],
    [
      'only full pages: whether there is another is only told by asking',
      20,
      100,
      { rows: 20, more: false, calls: 3 },
    ],
  ])('%s', async (_what, count, limit, expected) => {
    expect(await read(count, limit)).toEqual(expected);
  });
});
