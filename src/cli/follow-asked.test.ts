import { OmoiError } from '#telemetry';
import { expect, it } from 'vitest';
import { followAsked } from './follow-asked.ts';

interface Row {
  readonly id: string;
  readonly value: number;
}

/** Follows the answers, one after the other, until they are over. An error is thrown instead of an answer. */
async function follow(
  answers: readonly (readonly Row[] | OmoiError)[],
  stateOf?: (row: Row) => unknown,
): Promise<readonly string[]> {
  const said: string[] = [];
  const ending = new AbortController();
  const left = [...answers];
  await followAsked<Row>({
    async readAll() {
      const answer = left.shift();
      if (left.length === 0) ending.abort();
      if (answer instanceof OmoiError) throw answer;
      return answer ?? [];
    },
    idOf: ({ id }) => id,
    ...(stateOf && { stateOf }),
    printAll: (rows) => said.push(`all: ${rows.map(({ id }) => id).join(' ')}`),
    print: ({ id, value }) => said.push(`${id} is ${value}`),
    gone: (id) => said.push(`${id} is gone`),
    everyMs: 1,
    signal: ending.signal,
  });
  return said;
}

it('prints what there is, then what is new, what has changed and what is gone', async () => {
  const [a, b] = [
    { id: 'a', value: 1 },
    { id: 'b', value: 1 },
  ];
  expect(await follow([[a], [a], [a, b], [{ ...a, value: 2 }, b], [b]])).toEqual([
    'all: a',
    'b is 1',
    'a is 2',
    'a is gone',
  ]);
});

it('waits for a server that has gone, and not for one that refuses', async () => {
  const a = { id: 'a', value: 1 };
  const gone = new OmoiError('not_found', 'no server runs');
  expect(await follow([[a], gone, gone, [{ ...a, value: 3 }]])).toEqual(['all: a', 'a is 3']);
  await expect(follow([[a], new OmoiError('forbidden', 'not yours'), [a]])).rejects.toThrow('not yours');
});

it('prints a row again only where what counts of it has changed', async () => {
  const rows = [10, 11, 20].map((value) => [{ id: 'a', value }]);
  expect(await follow(rows, ({ value }) => Math.floor(value / 10))).toEqual(['all: a', 'a is 20']);
});
