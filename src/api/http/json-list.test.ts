import { expect, it } from 'vitest';
import { isJsonList, piecesOfList } from './json-list.ts';

async function parse(
  text: string,
): Promise<{ readonly values: readonly unknown[]; readonly pieces: number }> {
  const values: unknown[] = [];
  let pieces = 0;
  for await (const piece of piecesOfList(Buffer.from(text))) {
    values.push(...(JSON.parse(`[${piece.toString()}]`) as unknown[]));
    pieces++;
  }
  return { values, pieces };
}

const element = (number: number) => ({
  labels: { a: `],{"\\ ü ${number}`, b: 'x'.repeat(300) },
  list: [number, [1]],
});

it.each(['[]', ' [ ] ', '[1]', '[{"a":[1,2]},"],",[[]]]\n'])('reads %s as it stands', async (text) => {
  expect((await parse(text)).values).toEqual(JSON.parse(text));
});

it.each([0, 2])('reads a long list in pieces (indented by %i)', async (indent) => {
  const list = Array.from({ length: 5_000 }, (_, number) => element(number));
  const { values, pieces } = await parse(JSON.stringify(list, null, indent));
  expect(values).toEqual(list);
  expect(pieces).toBeGreaterThan(20);
});

const LONG = `[${JSON.stringify('x'.repeat(70_000))}`;

it.each([
  ['[1', 'does not end'],
  ['[{"a":"]}', 'does not end'],
  ['[1}', 'brace'],
  ['[1] 2', 'follows the list'],
  [`${LONG}, ]`, 'nothing follows'],
])('refuses %.20s', async (text, why) => {
  await expect(parse(text)).rejects.toThrow(why);
});

it.each(['[1,]', '[,1]', '[1,,2]', '[1 2]', `${LONG},,1]`, '[{]]'])(
  'leaves %.20s to the parser',
  async (text) => {
    await expect(parse(text)).rejects.toThrow(SyntaxError);
  },
);

it('knows what is a list', () => {
  expect(['[1]', '\n [', '{}', '', '"["'].map((text) => isJsonList(Buffer.from(text)))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
