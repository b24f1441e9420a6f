import { expect, it } from 'vitest';
import { nearestWord } from './known-keys.ts';

it.each([
  ['one letter is missing', 'restrt', ['stop', 'restart'], 'restart'],
  ['two are exchanged', 'haelth', ['generation', 'health'], 'health'],
  ['the case differs', 'MaxTasks', ['maxtasks'], 'maxtasks'],
  ['of two that are as near the first', 'cat', ['bat', 'hat'], 'bat'],
  ['a nearer one that comes later', 'weight', ['height', 'weights', 'weight'], 'weight'],
  ['of a longer before a shorter word', 'abcd', ['abcdefg', 'abc'], 'abc'],
  ['of a shorter before a longer word', 'abcd', ['ab', 'abcde'], 'abcde'],
  ['four letters differ', 'abcdefgh', ['abcd', 'efghabcd'], null],
  ['half of a short word differs', 'xyz', ['abc'], null],
  ['nothing is known', 'word', [], null],
])('the word that was meant, where %s', (_what, word, candidates, meant) => {
  expect(nearestWord(word, candidates)).toBe(meant);
});
