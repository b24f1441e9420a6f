import { expect, test } from 'vitest';
import { createMatcher } from '#telemetry';
import { readMatcherLists } from './matcher-lists.ts';
import { Parameters } from './parameters.ts';

/** Each text as a matcher of one label. */
const parts = { selectorMatchers: (text: string) => [createMatcher('a', '=~', text)] };
const read = (...texts: readonly string[]) => readMatcherLists(new Parameters({ 'match[]': texts }), parts);

test('the selectors of a request have so many characters at most, together', () => {
  const half = 'x'.repeat(32_768);
  expect(read(half, half)).toHaveLength(2);
  expect(() => read(half, half, 'y')).toThrow(
    expect.objectContaining({
      code: 'query_limit',
      message: 'the match[] have 65537 characters: more than maxSelectorsLength (65536)',
    }),
  );
});

test('a request has a hundred selectors at most: each is looked up by itself', () => {
  expect(read(...Array<string>(100).fill('x'))).toHaveLength(100);
  expect(() => read(...Array<string>(101).fill('x'))).toThrow(
    expect.objectContaining({
      code: 'query_limit',
      message: expect.stringContaining('match[]: 101 selectors are more than maxSelectors (100)'),
      details: { limit: 'maxSelectors', value: 100 },
    }),
  );
});

test('their regular expressions have so large a size at most, together', () => {
  const half = 'x{1000}'.repeat(5);
  expect(read(half, half, 'plain|texts')).toHaveLength(3);
  expect(() => read(half, half, '[ab]')).toThrow(
    expect.objectContaining({
      code: 'query_limit',
      message:
        'match[]: the regular expression "[ab]" is too large: size 10001, more than maxRegexSize (10000)',
    }),
  );
});
