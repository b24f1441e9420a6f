import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.test-support.ts';

const MAX_BYTES = 1_000_000;
let served: TestApi;
beforeAll(async () => {
  served = await startTestApi({
    register: (app) =>
      app.post('/v1/body', { config: { access: ['admin'] }, bodyLimit: MAX_BYTES }, (request) => ({
        characters: JSON.stringify(request.body).length,
      })),
  });
});
afterAll(() => served.close());

function post(payload: string) {
  const headers = { ...served.as('admin'), 'content-type': 'application/json' };
  return served.app.inject({ method: 'POST', url: '/v1/body', headers, payload });
}

it('of large JSON bodies that come at once one is parsed in a turn of the event loop', async () => {
  const body = JSON.stringify('a'.repeat(900_000));
  const { parse } = JSON;
  let [turn, parsed] = [0, 0];
  const turns: number[] = [];
  const count = (): void => void (turn++, (next = setImmediate(count)));
  let next = setImmediate(count);
  JSON.parse = (...args) => {
    if (args[0] === body) turns.push(turn);
    return parse(...args);
  };
  try {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(body)));
    parsed = answers.filter(({ statusCode }) => statusCode === 200).length;
  } finally {
    JSON.parse = parse;
    clearImmediate(next);
  }
  expect(parsed).toBe(8);
  expect(turns).toHaveLength(8);
  expect(new Set(turns).size).toBe(8);
});

it.each([
  ['one that is no JSON', `"${'a'.repeat(90_000)}`, 400, 'malformed_json'],
  ['one with an infinite number', `["${'a'.repeat(90_000)}",1e999]`, 400, 'invalid_request'],
  ['one that forges a prototype', `{"a":"${'a'.repeat(90_000)}","__proto__":{}}`, 400, 'malformed_json'],
  ['one that is nested too deep', `["${'a'.repeat(90_000)}",${'['.repeat(600)}`, 400, 'malformed_json'],
  ['one with too many values', `[${'{},'.repeat(60_000)}{}]`, 413, 'body_too_large'],
  ['one with a name that is too long', `{"${'a'.repeat(90_000)}":1}`, 413, 'body_too_large'],
  ['one that is too large', `"${'a'.repeat(MAX_BYTES)}"`, 413, 'body_too_large'],
])('of large JSON bodies %s is refused, and the next is read', async (_, body, status, error) => {
  const [refused, next] = await Promise.all([post(body), post(`"${'a'.repeat(90_000)}"`)]);
  expect([refused.statusCode, refused.json().error]).toEqual([status, error]);
  expect([next.statusCode, next.json().characters]).toEqual([200, 90_002]);
});
