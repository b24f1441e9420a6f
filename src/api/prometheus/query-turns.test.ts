import { expect, test } from 'vitest';
import { QueryTurns } from './query-turns.ts';

/** A query that ends when it is told to. */
function heldQuery() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const query = {
    hasBegun: false,
    end: resolve,
    run(): Promise<void> {
      query.hasBegun = true;
      return promise;
    },
  };
  return query;
}

const staying = new AbortController().signal;

test('few queries run at once, and the others follow in order', async () => {
  const turns = new QueryTurns();
  const queries = Array.from({ length: 7 }, heldQuery);
  const begun = () => queries.map(({ hasBegun }) => (hasBegun ? 1 : 0)).join('');
  const results = queries.map((query) => turns.run(staying, () => query.run()));
  expect(begun()).toBe('1111000');
  queries[2]?.end();
  await results[2];
  expect(begun()).toBe('1111100');
  for (const query of queries) query.end();
  await Promise.all(results);
  expect(begun()).toBe('1111111');
});

test('who goes away while waiting gives the place up', async () => {
  const turns = new QueryTurns();
  const running = Array.from({ length: 4 }, heldQuery);
  const results = running.map((query) => turns.run(staying, () => query.run()));
  const [gone, next] = [heldQuery(), heldQuery()];
  const leaving = new AbortController();
  const left = turns.run(leaving.signal, () => gone.run());
  const taken = turns.run(staying, () => next.run());
  leaving.abort();
  await expect(left).rejects.toMatchObject({ code: 'query_timeout', details: { limit: 'signal' } });
  await expect(turns.run(leaving.signal, () => gone.run())).rejects.toMatchObject({ code: 'query_timeout' });
  for (const query of [...running, next]) query.end();
  await Promise.all([...results, taken]);
  expect([gone.hasBegun, next.hasBegun]).toEqual([false, true]);
});

test('a query that fails gives its place on', async () => {
  const turns = new QueryTurns();
  const failing = () => Promise.reject(new Error('no'));
  for (let round = 0; round < 9; round++) await expect(turns.run(staying, failing)).rejects.toThrow('no');
  await expect(turns.run(staying, async () => 'yes')).resolves.toBe('yes');
});

test('too many that wait are refused', async () => {
  const turns = new QueryTurns();
  const query = heldQuery();
  const waiting = Array.from({ length: 204 }, () => turns.run(staying, () => query.run()));
  await expect(turns.run(staying, () => query.run())).rejects.toMatchObject({ code: 'too_many_queries' });
  query.end();
  await Promise.all(waiting);
});
