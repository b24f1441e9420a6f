import { expect, it } from 'vitest';
import { createMatcher } from '#telemetry';
import { TriedExpressions } from './tried-expressions.ts';

const ANYTHING = { kind: 'prefix', prefix: 'v', nonEmptyRest: false } as const;

it('forgets what was not asked for the longest where all that matches is more than it may keep', () => {
  const end = 1_000_001;
  const tried = new TriedExpressions({ end: () => end, textOf: (number) => (number === 0 ? '' : 'v') });
  const expressions = Array.from({ length: 12 }, (_, at) => `v.*|${at}`);
  for (const expression of expressions) {
    expect(tried.matching(createMatcher('pod', '=~', expression), ANYTHING)).toHaveLength(end - 1);
  }
  const remembered = expressions.filter((expression) => tried.untriedBy(expression) === 0);
  // Eight million, and what the newest has added.
  expect(remembered).toEqual(expressions.slice(-9));
});

it('remembers an expression that matches more than that alone', () => {
  const end = 9_000_000;
  const tried = new TriedExpressions({ end: () => end, textOf: () => 'v' });
  tried.matching(createMatcher('pod', '=~', 'v.*'), ANYTHING);
  expect(tried.untriedBy('v.*')).toBe(0);
  expect(tried.matching(createMatcher('pod', '=~', 'v.*'), ANYTHING)).toHaveLength(end);
});
