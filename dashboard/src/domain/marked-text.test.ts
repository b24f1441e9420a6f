import { expect, it } from 'vitest';
import { textParts } from './marked-text.ts';

it.each([
  ['Nothing to type.', ['Nothing to type.']],
  ['`omoi status` says it.', [['omoi status'], ' says it.']],
  ['Type `a`, or `b c`.', ['Type ', ['a'], ', or ', ['b c'], '.']],
  ['`a``b`', [['a'], ['b']]],
  ['A lone ` stays, as `` does.', ['A lone ` stays, as `` does.']],
  ['', []],
])('reads %j', (text, parts) => {
  expect(textParts(text)).toEqual(
    parts.map((part) =>
      typeof part === 'string' ? { text: part, isCode: false } : { text: part[0], isCode: true },
    ),
  );
});
