import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { createMatcher } from './matcher.ts';

const text = fc.string({
  unit: fc.constantFrom('a', 'b', '|', 'ü', '-', '\n', '.', '*', '\\', '(', ')', '?', ':'),
  maxLength: 6,
});

test('a regular expression accepts what RE2 accepts, written as words or not', () => {
  fc.assert(
    fc.property(text, text, (expression, candidate) => {
      const accepts = (): boolean => RE2JS.compile(expression, RE2JS.DOTALL).matches(candidate);
      let expected: boolean | null = null;
      try {
        expected = accepts();
      } catch {
        expect(() => createMatcher('l', '=~', expression)).toThrow(/./);
        return;
      }
      expect(createMatcher('l', '=~', expression).matches(candidate)).toBe(expected);
      expect(createMatcher('l', '!~', expression).matches(candidate)).toBe(!expected);
    }),
    { numRuns: propertyRuns(3000) },
  );
});

test.each([
  ['a|b', 'b', true],
  ['a|b', 'a|b', false],
  ['a|', '', true],
  ['', '', true],
  ['', 'a', false],
  ['a.|b', 'ax', true],
  ['a\\.b|c', 'a.b', true],
])('%j accepts %j: %s', (expression, candidate, expected) => {
  expect(createMatcher('l', '=~', expression).matches(candidate)).toBe(expected);
});
