import { request } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rowsBehind, sendPagedList } from './paged-list.ts';

let app: FastifyInstance;
let read = 0;
beforeEach(() => {
  app = Fastify();
  read = 0;
});
afterEach(() => app.close());

/** A route that sends what is read in pages, and counts how many have been read. */
function route(pages: readonly (readonly unknown[])[], failsAt = Infinity): void {
  const reading = async (at: number | null) => {
    if (read >= failsAt) throw new Error('the disk is gone');
    read++;
    const page = at ?? 0;
    return { rows: pages[page] ?? [], next: page + 1 < pages.length ? page + 1 : null };
  };
  const list = { name: 'rows', after: null, limit: 1000, read: reading, view: (row: unknown) => ({ row }) };
  app.get('/', (_request, reply) => sendPagedList(reply, list));
}

const large = 'é'.repeat(100_000);

test.each([
  ['no page', []],
  ['an empty page', [[]]],
  ['a few rows', [[1, 'é'], [null]]],
  ['large rows', [[large, large], [large], [], [large, 1]]],
])('%s arrive as a list', async (_, pages) => {
  route(pages);
  const answer = await app.inject('/');
  expect(answer.headers['content-type']).toContain('application/json');
  expect(answer.json()).toEqual({ rows: pages.flat().map((row) => ({ row })) });
});

test('a first page that cannot be read is answered as a failure', async () => {
  route([[1]], 0);
  expect((await app.inject('/')).statusCode).toBe(500);
});

test('pages are read as the client takes them', async () => {
  route(Array.from({ length: 400 }, () => [large]));
  const address = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  const waiting = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    request(address, resolve).on('error', reject).end();
  });
  // Some pages fit in the buffers of the connection; without taking more, no more are read.
  let seen = -1;
  while (seen !== read) {
    seen = read;
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(read).toBeLessThan(200);
  let length = 0;
  for await (const chunk of waiting) length += Buffer.byteLength(chunk);
  expect(read).toBe(400);
  expect(length).toBeGreaterThan(400 * 200_000);
});

test.each([
  ['no rows', 0, 100, 1, [[5, 0]]],
  [
    'a few small rows',
    8,
    100,
    1,
    [
      [5, 5],
      [25, 3],
    ],
  ],
  [
    'many small rows',
    100,
    60,
    1,
    [
      [5, 5],
      [25, 25],
      [25, 25],
      [5, 5],
    ],
  ],
  [
    'as many rows as are asked for',
    30,
    30,
    1,
    [
      [5, 5],
      [25, 25],
    ],
  ],
  ['fewer than are read at first', 30, 2, 1, [[2, 2]]],
  [
    'large rows',
    100,
    10,
    100_000,
    [
      [5, 5],
      [2, 2],
      [2, 2],
      [1, 1],
    ],
  ],
  [
    'rows larger than what is read at once',
    100,
    8,
    300_000,
    [
      [5, 5],
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  ],
])('%s: of %i, %i are read a few at a time', async (_, rows, limit, characters, reads) => {
  const asked: (readonly number[])[] = [];
  const read = async (after: number | null, count: number) => {
    const start = after ?? 0;
    const page = Array.from({ length: Math.min(count, rows - start) }, (_row, at) => start + at + 1);
    asked.push([count, page.length]);
    return rowsBehind(page, count, (row) => row);
  };
  const view = (row: number) => ({ row, text: 'x'.repeat(characters) });
  app.get('/', (_request, reply) => sendPagedList(reply, { name: null, after: null, limit, read, view }));
  const answer: readonly { readonly row: number }[] = (await app.inject('/')).json();
  expect(asked).toEqual(reads);
  expect(answer.map(({ row }) => row)).toEqual(
    Array.from({ length: Math.min(rows, limit) }, (_row, at) => at + 1),
  );
});

test('rows that grow are read fewer at a time from then on', async () => {
  const asked: number[] = [];
  const read = async (after: number | null, count: number) => {
    asked.push(count);
    const start = after ?? 0;
    const rows = Array.from({ length: count }, (_, at) => start + at + 1);
    return rowsBehind(rows, count, (row) => row);
  };
  const view = (row: number) => 'x'.repeat(row > 30 ? 200_000 : 10);
  app.get('/', (_request, reply) => sendPagedList(reply, { name: null, after: null, limit: 60, read, view }));
  expect((await app.inject('/')).json()).toHaveLength(60);
  expect(asked).toEqual([5, 25, 25, 1, 1, 1, 1, 1]);
});

test('a list may be all of an answer, begin behind a row, or have its cursor behind it', async () => {
  const read = async (after: number | null, count: number) => {
    const rows = [1, 2, 3].filter((row) => row > (after ?? 0)).slice(0, Math.min(count, 2));
    return { rows, next: rows.at(-1) === 3 ? null : (rows.at(-1) ?? null) };
  };
  const list = { limit: 10, read, view: (row: number) => row };
  app.get('/alone', (_, reply) => sendPagedList(reply, { ...list, name: null, after: null }));
  app.get('/behind', (_, reply) => sendPagedList(reply, { ...list, name: null, after: 2 }));
  app.get('/with', (_, reply) =>
    sendPagedList(reply, { ...list, name: 'rows', after: null, nextCursor: () => 'c"3' }),
  );
  expect((await app.inject('/alone')).json()).toEqual([1, 2, 3]);
  expect((await app.inject('/behind')).json()).toEqual([3]);
  expect((await app.inject('/with')).json()).toEqual({ rows: [1, 2, 3], next_cursor: 'c"3' });
});
