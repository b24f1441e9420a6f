import { request } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sendPieces } from './pieces.ts';

const CHUNK_BYTES = 64 * 1024;

let app: FastifyInstance;
beforeEach(() => {
  app = Fastify();
});
afterEach(() => app.close());

/** A route that sends these pieces as text. */
function route(pieces: () => Iterable<string>): void {
  app.get('/', (_request, reply) => sendPieces(reply.type('text/plain'), pieces()));
}

test.each([
  ['nothing', []],
  ['one piece', ['ein Stück']],
  ['thousands of empty pieces', Array.from({ length: 10_000 }, (_, at) => (at % 3000 === 0 ? 'x' : ''))],
  ['pieces of any length', ['a', '', 'é€😀'.repeat(10), 'b'.repeat(3000), '€'.repeat(200_000), 'end']],
])('%s arrives as it is', async (_name, pieces) => {
  route(() => pieces);
  const answer = await app.inject('/');
  expect(answer.headers['content-type']).toContain('text/plain');
  expect(answer.body).toBe(pieces.join(''));
});

test('a small answer tells its length', async () => {
  route(() => ['small', ' answer']);
  expect((await app.inject('/')).headers).toMatchObject({ 'content-length': '12' });
});

test('the event loop has a turn after every 64 KiB', async () => {
  const piece = 'x'.repeat(1000);
  let turns = 0;
  let atLastTurn = 0;
  let most = 0;
  let sent = 0;
  let isDone = false;
  const turn = (): void => {
    turns++;
    atLastTurn = sent;
    if (!isDone) setImmediate(turn);
  };
  route(function* () {
    setImmediate(turn);
    for (let number = 0; number < 2000; number++) {
      sent += piece.length;
      most = Math.max(most, sent - atLastTurn);
      yield piece;
    }
    isDone = true;
  });
  expect((await app.inject('/')).body).toHaveLength(2_000_000);
  expect(turns).toBeGreaterThan(20);
  // What makes an answer a large one is made before the first turn.
  expect(most).toBeLessThan(4 * CHUNK_BYTES);
});

test('the event loop has turns while pieces are empty', async () => {
  let madeSinceTurn = 0;
  let most = 0;
  const turn = (): void => {
    madeSinceTurn = 0;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  route(function* () {
    for (let number = 0; number < 100_000; number++) {
      most = Math.max(most, ++madeSinceTurn);
      yield '';
    }
  });
  expect((await app.inject('/')).body).toBe('');
  clearImmediate(next);
  expect(most).toBeLessThan(10_000);
});

test('what nobody reads any more is not made', async () => {
  const ended = Promise.withResolvers<void>();
  route(function* () {
    try {
      for (;;) yield 'without end '.repeat(100);
    } finally {
      ended.resolve();
    }
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const asking = request(url, (answer) => answer.once('data', () => asking.destroy()));
  asking.on('error', () => undefined);
  asking.end();
  await ended.promise;
});
