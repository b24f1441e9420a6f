import { expect, it } from 'vitest';
import { attemptOf } from './remediations.ts';

it.each([
  ['before the first attempt begins', 0, '-'],
  ['the first', 1, '1/3'],
  ['the last', 3, '3/3'],
])('the attempt of a repair, %s', (_which, attempts, shown) => {
  expect(attemptOf({ attempts, max_attempts: 3 })).toBe(shown);
});
