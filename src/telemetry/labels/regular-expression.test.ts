import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { createMatcher } from './matcher.ts';
import { compileRegex, maxRegexSize, RegexTooLarge, regexSize } from './regular-expression.ts';

const piece = fc.constantFrom(
  ...'a é . \\. \\d \\pL \\p{Greek} \\x{41} \\b ^ | ( (?: (?i: (?P<n> ) * +? ? {3} {2,} {0,4} {,5}'.split(
    ' ',
  ),
  ...'[a-z] []a] [^\\]\\pL] [[:alpha:]_] \\Qa*\\E [ { \\'.split(' '),
);

test('the size of an expression covers the program that it becomes', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const expression = pieces.join('');
      let program = 0;
      try {
        program = RE2JS.compile(expression, RE2JS.DOTALL).programSize();
      } catch {
        // What is broken has a size all the same.
      }
      expect(program).toBeLessThanOrEqual(2 * regexSize(expression) + 4);
    }),
    { numRuns: propertyRuns(3000) },
  );
});

test.each([
  ['[a-b]', 1],
  ['a{1000}', 1000],
  ['(?:ab){50}', 200],
  ['\\pL', 32],
  ['\\pL{20}', 640],
])('the largest expression of %s is compiled, and one more is refused by name', (unit, size) => {
  const count = Math.floor(maxRegexSize / size);
  expect(regexSize(unit.repeat(count))).toBe(size * count);
  expect(compileRegex(unit.repeat(count), 'any').matches('x')).toBe(false);
  const refused = unit.repeat(count + 1);
  expect(() => compileRegex(refused, 'any')).toThrow(RegexTooLarge);
  expect(() => createMatcher('l', '=~', refused)).toThrow(
    `is too large: size ${regexSize(refused)}, more than maxRegexSize (${maxRegexSize})`,
  );
  expect(() => createMatcher('l', '=~', refused)).toThrow(JSON.stringify(refused.slice(0, 60)).slice(0, -1));
});

test('plain texts side by side are no program, however many', () => {
  const words = Array.from({ length: 3000 }, (_, at) => `10\\.0\\.${at >> 8}\\.${at & 255}:9100`).join('|');
  const matcher = createMatcher('l', '=~', `(${words})`);
  expect(matcher.matches('10.0.3.7:9100')).toBe(true);
  expect(matcher.matches('10.0.3.7x9100')).toBe(false);
});
