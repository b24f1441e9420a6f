import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Labels, matchesAll } from '#telemetry';
import { propertyRuns } from '../../../../tests/property-runs.ts';
import { createAlertMatcher, MatcherIndex, parseMatchers } from './index.ts';
import { maxIndexedWords } from './matcher-index.ts';

function indexOf(...sets: readonly string[]): MatcherIndex<string> {
  const index = new MatcherIndex<string>();
  for (const set of sets) index.add(set, parseMatchers(set));
  return index;
}

test.each<[string, Labels, boolean]>([
  ['a=1', { a: '1' }, true],
  ['a=1', { a: '2' }, false],
  ['a=1', {}, false],
  ['a=1,b!=2', { a: '1' }, true],
  ['a=1,b!=2', { a: '1', b: '2' }, false],
  ['a=~"1|2"', { a: '2' }, true],
  ['a=~"1|"', {}, true],
  ['a=~"1.*"', { a: '12' }, true],
  ['a!=""', { a: '1' }, true],
  ['a!=""', { b: '1' }, false],
  ['a!=1', {}, true],
  ['a=""', { b: '1' }, true],
  ['a="",b=1', { b: '1' }, true],
  ['{}', { a: '1' }, true],
])('%s stands for %o: %s', (set, labels, expected) => {
  expect(indexOf('other=x', set, 'b=~".+"').find(labels).includes(set)).toBe(expected);
});

test('a thing that stands for a label set in several ways is found once, and not any more when it is gone', () => {
  const index = new MatcherIndex<number>();
  for (const set of ['a=1', 'b=~"x.*"', 'c!=1']) index.add(7, parseMatchers(set));
  expect(index.find({ a: '1', b: 'xy' })).toEqual([7]);
  expect(index.unvalued).toBe(2);
  index.delete(7);
  index.delete(7);
  expect([index.find({ a: '1', b: 'xy' }), index.unvalued]).toEqual([[], 0]);
});

test.each([
  [maxIndexedWords, 0],
  [maxIndexedWords + 1, 1],
])(`of %i words, of which ${maxIndexedWords} are indexed, %i lie apart`, (count, apart) => {
  const words = Array.from({ length: count }, (_, at) => `w${at}`);
  const index = indexOf(`a=~"${words.join('|')}"`);
  expect(index.unvalued).toBe(apart);
  for (const word of words) expect(index.find({ a: word })).toHaveLength(1);
  expect(index.find({ a: 'other' })).toEqual([]);
});

const names = fc.constantFrom('a', 'b', 'c');
const values = fc.constantFrom('', '1', '2', '1|2', '1.*', '|1');
const matcher = fc
  .tuple(names, fc.constantFrom('=' as const, '!=' as const, '=~' as const, '!~' as const), values)
  .map(([name, operator, value]) => createAlertMatcher(name, operator, value));
const labels = fc.dictionary(names, fc.constantFrom('1', '2', '12'), { maxKeys: 3 });

test('it finds what each set of matchers finds by itself', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.array(matcher, { maxLength: 3 })), {
        maxLength: 12,
      }),
      fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
      fc.array(labels, { minLength: 1, maxLength: 4 }),
      (sets, gone, asked) => {
        const index = new MatcherIndex<number>();
        for (const [item, matchers] of sets) index.add(item, matchers);
        for (const item of gone) index.delete(item);
        for (const one of asked) {
          const fitting = sets.filter(
            ([item, matchers]) => !gone.includes(item) && matchesAll(matchers, one),
          );
          const found = index.find(one);
          expect(new Set(found)).toEqual(new Set(fitting.map(([item]) => item)));
          expect(new Set(found).size).toBe(found.length);
        }
      },
    ),
    { numRuns: propertyRuns(1500) },
  );
});
