import { request } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pagesBehind, sendPagedList } from './paged-list.ts';

let app: FastifyInstance;
let read = 0;
beforeEach(() => {
  app = Fastify();
  read = 0;
});
afterEach(() => app.close());

/** A route that sends pages of rows, and counts how many have been read. */
function route(pages: readonly (readonly unknown[])[], failsAt = Infinity): void {
  async function* reading(): AsyncGenerator<readonly unknown[], void, void> {
    for (const page of pages) {
      if (read++ >= failsAt) throw new Error('the disk is gone');
      yield page;
    }
  }
  app.get('/', (_request, reply) =>
    sendPagedList(reply, { name: 'rows', pages: reading(), view: (row) => ({ row }) }),
  );
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
  [0, 100, [0]],
  [10, 100, [10]],
  [60, 100, [25, 25, 10]],
  [50, 50, [25, 25]],
  [1000, 60, [25, 25, 10]],
])('of %i rows %i are read a few at a time', async (rows, limit, sizes) => {
  const read = async (after: number | null, count: number) => {
    const start = after ?? 0;
    const page = Array.from({ length: Math.min(count, rows - start) }, (_, at) => start + at + 1);
    return { rows: page, next: page.at(-1) ?? null };
  };
  const pages: (readonly number[])[] = [];
  for await (const page of pagesBehind({ after: null, limit }, read)) pages.push(page);
  expect(pages.map(({ length }) => length)).toEqual(sizes);
  expect(pages.flat()).toEqual(Array.from({ length: Math.min(rows, limit) }, (_, at) => at + 1));
});

test('a list may be all of an answer, or have its cursor behind it', async () => {
  async function* reading(): AsyncGenerator<readonly number[], void, void> {
    yield [1, 2];
    yield [3];
  }
  const view = (row: number) => row;
  app.get('/alone', (_, reply) => sendPagedList(reply, { name: null, pages: reading(), view }));
  app.get('/with', (_, reply) =>
    sendPagedList(reply, { name: 'rows', pages: reading(), view, nextCursor: () => 'c"3' }),
  );
  expect((await app.inject('/alone')).json()).toEqual([1, 2, 3]);
  expect((await app.inject('/with')).json()).toEqual({ rows: [1, 2, 3], next_cursor: 'c"3' });
});
