import type { Labels } from './label-set.ts';
import { expect, test } from 'vitest';
import { labelsKey } from './labels.ts';

test.each<[string, Labels, Labels, boolean]>([
  ['the order of names does not count', { a: '1', b: '2' }, { b: '2', a: '1' }, true],
  ['empty values do not count', { a: '1', b: '' }, { a: '1' }, true],
  ['values count', { a: '1' }, { a: '2' }, false],
  ['ÿ is a letter like others', { a: '1ÿb\u00FF2' }, { a: '1', b: '2' }, false],
  ['ÿ, and the order of names', { a: 'ÿ', b: '', c: '2' }, { c: '2', a: 'ÿ' }, true],
])('label sets have one key or two: %s', (_, left, right, isSame) => {
  expect(labelsKey(left) === labelsKey(right)).toBe(isSame);
});
