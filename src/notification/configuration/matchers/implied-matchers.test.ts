import { describe, expect, it } from 'vitest';
import { contradictedLabel, ImpliedMatchers, maxComparedSets, parseMatchers } from './index.ts';

const matchers = (text: string) => parseMatchers(text, { mode: 'fallback' });

describe('a contradiction', () => {
  it.each([
    ['{a="1", a="2"}', 'a'],
    ['{a="1", a!="1"}', 'a'],
    ['{a="1", a!~"1|2"}', 'a'],
    ['{a=~"1|2", a=~"3|4"}', 'a'],
    ['{a=~"1|2", a!~"[12]"}', 'a'],
    ['{b="x", a="", a=~".+"}', 'a'],
    ['{a="1", a=~"1|2"}', null],
    ['{a="", b="1"}', null],
    ['{a!="1", a!="2"}', null],
    // It is one, and is not seen: expressions are not compared with each other.
    ['{a=~"x.*", a=~"y.*"}', null],
  ])('of %s: %s', (text, label) => {
    expect(contradictedLabel(matchers(text))).toBe(label);
  });
});

describe('what is implied', () => {
  it.each([
    ['{a="1"}', '{a="1"}', true],
    ['{a="1", b="2"}', '{a="1"}', true],
    ['{a="1"}', '{}', true],
    ['{}', '{a="1"}', false],
    ['{a="1"}', '{a=~"1|2"}', true],
    ['{a=~"1|2"}', '{a=~"[0-9]"}', true],
    ['{a=~"1|2"}', '{a="1"}', false],
    ['{a="1"}', '{a!="2"}', true],
    ['{a="1"}', '{a!="1"}', false],
    ['{a=~"x.*", b="1"}', '{a=~"x.*"}', true],
    ['{a=~"x.*"}', '{a=~"x.*", b="1"}', false],
    ['{a=""}', '{a=~".*"}', true],
  ])('%s implies %s: %s', (text, implied, expected) => {
    const sets = new ImpliedMatchers<string>();
    sets.add('it', matchers(implied));
    expect(sets.find(matchers(text))).toEqual(expected ? ['it'] : []);
  });

  it(`looks at ${maxComparedSets} sets that begin alike`, () => {
    const sets = new ImpliedMatchers<number>();
    for (let at = 0; at <= maxComparedSets; at++) sets.add(at, matchers(`{a=~"x.*", b="${at}"}`));
    const found = (at: number) => sets.find(matchers(`{a=~"x.*", b="${at}"}`));
    expect(found(maxComparedSets - 1)).toEqual([maxComparedSets - 1]);
    expect(found(maxComparedSets)).toEqual([]);
  });
});
