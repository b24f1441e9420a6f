import { expect, it } from 'vitest';
import { RulePace } from './rule-pace.ts';

/** What is expected after evaluations that took so many ms each. */
function sizeAfter(...costsMs: readonly number[]): string {
  const pace = new RulePace();
  for (const [at, costMs] of costsMs.entries()) {
    pace.starts(0);
    pace.ended(costMs, at * 1000);
  }
  return pace.size;
}

it.each([
  ['nothing', [], 'large'],
  ['a first one that took long', [8], 'large'],
  ['small ones', [0.5, 0.5], 'small'],
  ['one that a collection interrupted', [0.5, 0.5, 8], 'small'],
  ['two that took long', [0.5, 0.5, 8, 8], 'large'],
  ['a few that took too long for one slice', [3, 3, 3, 3, 3, 3, 3, 3, 3, 3], 'large'],
])('after %s the next evaluation is taken for what it will be', (_, costsMs, size) => {
  expect(sizeAfter(...costsMs)).toBe(size);
});
