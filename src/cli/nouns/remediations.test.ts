import { expect, it } from 'vitest';
import { attemptOf, noneListed } from './remediations.ts';

it.each([
  ['before the first attempt begins', 0, '-'],
  ['the first', 1, '1/3'],
  ['the last', 3, '3/3'],
])('the attempt of a repair, %s', (_which, attempts, shown) => {
  expect(attemptOf({ attempts, max_attempts: 3 })).toBe(shown);
});

it.each([
  [{}, 'no repair was needed'],
  [{ state: 'escalated' }, 'no repair is escalated'],
  [{ state: 'escalated', policy: 'p', target: 'w-1' }, 'no repair by p of w-1 is escalated'],
  [{ target: 'w-1' }, 'no repair of w-1 is known'],
])('an empty list of %j says: %s', (chosen, said) => {
  expect(noneListed(chosen)).toBe(said);
});
