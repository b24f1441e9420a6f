import { expect, it } from 'vitest';
import { RulePace } from './rule-pace.ts';

/** What is expected after evaluations that took so many ms each. */
function sizeAfter(...costsMs: readonly number[]): string {
  const pace = new RulePace();
  for (const [at, costMs] of costsMs.entries()) {
    pace.starts(at * 1000, at * 1000);
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

it.each([
  ['a cheap one', { costMs: 0.1, endsAtMs: 1 }, 6],
  ['a dear one', { costMs: 10, endsAtMs: 10 }, 200],
  ['one that waited for the database', { costMs: 10, endsAtMs: 150 }, 200],
  ['one that waited for the database for long', { costMs: 10, endsAtMs: 500 }, 505],
])('after %s the next one begins when twenty times its cost have passed since it began', (_, one, atMs) => {
  const pace = new RulePace();
  for (let round = 0; round < 100; round++) {
    pace.starts(round * 1000, round * 1000);
    pace.ended(one.costMs, round * 1000 + one.endsAtMs);
  }
  expect(pace.notBeforeMs - 99_000).toBeCloseTo(atMs);
});
