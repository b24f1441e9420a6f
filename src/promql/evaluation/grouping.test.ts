import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { labelsKey, type Labels } from '#telemetry';
import { Grouping, NumbersByOthers } from './grouping.ts';
import { HashNumbers } from './hash-numbers.ts';

const name = fc.constantFrom('__name__', 'a', 'b', '10', '9', 'constructor', '__proto__');
const value = fc.constantFrom('', '1', '2', 'ÿ', 'constructor');
const labelSet = fc.array(fc.tuple(name, value), { maxLength: 5 }).map((pairs): Labels => {
  const labels = Object.create(null) as Record<string, string>;
  for (const [key, text] of pairs) labels[key] = text;
  return labels;
});

/** The numbers that equal texts get, in the order in which they come. */
function numbered(texts: readonly string[]): readonly number[] {
  const known = [...new Set(texts)];
  return texts.map((text) => known.indexOf(text));
}

describe('a grouping', () => {
  it.each(['only', 'except'] as const)('numbers what is left of label sets (%s some)', (mode) => {
    fc.assert(
      fc.property(fc.array(labelSet), fc.array(name, { maxLength: 3 }), (sets, names) => {
        const grouping = new Grouping(names, mode);
        const keys = sets.map((labels) => labelsKey(grouping.labelsOf(labels)));
        expect(sets.map((labels) => grouping.groupOf(labels))).toEqual(numbered(keys));
        expect(grouping.count).toBe(new Set(keys).size);
      }),
      { numRuns: propertyRuns(300) },
    );
  });

  it.each(['only', 'except'] as const)('tells label sets apart whose hashes are equal (%s some)', (mode) => {
    // Of so many hashes of 32 bits some are equal: n² / 2³³, here ten.
    const SETS = 300_000;
    const grouping = new Grouping(mode === 'only' ? ['a', 'b'] : ['x'], mode);
    const setOf = (at: number, x: string): Labels => ({ a: `v${at % 600}`, b: `w${(at / 600) | 0}`, x });
    let wrong = 0;
    for (const x of ['first', 'again']) {
      for (let at = 0; at < SETS; at++) if (grouping.groupOf(setOf(at, x)) !== at) wrong++;
    }
    expect([wrong, grouping.count]).toEqual([0, SETS]);
  });

  it('takes an object literal for its own labels alone', () => {
    const grouping = new Grouping(['constructor', '__proto__'], 'only');
    expect(grouping.groupOf({})).toBe(grouping.groupOf({ a: '1' }));
  });
});

it('whole label sets are numbered by what they have, in any order', () => {
  fc.assert(
    fc.property(fc.array(labelSet), (sets) => {
      const numbers = new NumbersByOthers(new Set());
      expect(sets.map((labels) => numbers.numberOf(labels))).toEqual(numbered(sets.map(labelsKey)));
    }),
    { numRuns: propertyRuns(300) },
  );
});

it('things of one hash have numbers of their own', () => {
  const things: string[] = [];
  const numbers = new HashNumbers();
  for (let at = 0; at < 1000; at++) {
    const thing = `thing ${at}`;
    // Slots wrap around: −1 is the last one.
    expect(numbers.find(-1, (number) => things[number] === thing)).toBe(-1);
    expect(numbers.add(-1)).toBe(at);
    things.push(thing);
  }
  expect(numbers.find(-1, (number) => things[number] === 'thing 998')).toBe(998);
  expect(numbers.find(-2, () => true)).toBe(-1);
});
