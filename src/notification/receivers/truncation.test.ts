import { expect, it } from 'vitest';

import { truncateBytes, truncateCharacters } from './truncation.ts';

it.each([
  ['abcde', 5, 'abcde'],
  ['abcdef', 5, 'abcd…'],
  ['😀😀😀😀😀', 5, '😀😀😀😀😀'],
  ['😀😀😀😀😀😀', 5, '😀😀😀😀…'],
  ['abcdef', 3, 'abc'],
  ['', 0, ''],
])('%j of at most %i characters is %j', (text, max, expected) => {
  expect(truncateCharacters(text, max)).toBe(expected);
});

it.each([
  ['abcde', 5, 'abcde'],
  ['abcdef', 5, 'ab…'],
  ['äöü', 5, 'ä…'],
  ['a😀b😀', 8, 'a😀…'],
  ['a😀b😀', 7, 'a…'],
  ['abcdef', 3, '…'],
  ['abcdef', 2, '..'],
])('%j of at most %i bytes is %j', (text, max, expected) => {
  expect(truncateBytes(text, max)).toBe(expected);
  expect(Buffer.byteLength(truncateBytes(text, max))).toBeLessThanOrEqual(max);
});
