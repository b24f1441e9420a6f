import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignKeys, type KnownRule, type RuleTraits } from './rule-identity.ts';
import { unpaced } from './unpaced.test-support.ts';

/** `name expression labels file options`, where what follows the name may be left out from behind. */
function traitsOf(text: string): RuleTraits {
  const [name = '', expr = '', labels = '', file = 'a.yml', options = ''] = text.split(' ');
  return {
    id: `g/${name.replace(':', '')}`,
    kind: name.endsWith(':') ? 'recording' : 'alerting',
    file,
    expr,
    labels: `{${labels}}`,
    hash: [name, expr, labels, options].join(' '),
  };
}

/** Loads one set of rules after the other. @returns for each rule of the last, which rule of the first it is */
function recognized(first: readonly string[], ...later: readonly (readonly string[])[]): readonly string[] {
  let known: readonly KnownRule[] = [];
  const names = new Map<string, string>();
  for (const rules of [first, ...later]) {
    const traits = rules.map(traitsOf);
    const keys = unpaced(assignKeys(traits, known));
    if (rules === first) keys.forEach((key, place) => names.set(key, rules[place] ?? ''));
    known = traits.map((rule, place) => ({ ...rule, key: keys[place] ?? '' }));
  }
  return known.map(({ key }) => names.get(key) ?? 'new');
}

describe('a rule is recognized', () => {
  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['as it was', ['A 1'], ['A 1'], ['A 1']],
    ['beside a second of its name', ['A 1 s=w'], ['A 1 s=w', 'A 2 s=c'], ['A 1 s=w', 'new']],
    ['behind a second of its name', ['A 1 s=w'], ['A 2 s=c', 'A 1 s=w'], ['new', 'A 1 s=w']],
    ['behind a second of its name and labels', ['A 1'], ['A 2', 'A 1'], ['new', 'A 1']],
    ['when the second is gone', ['A 1 s=w', 'A 2 s=c'], ['A 2 s=c'], ['A 2 s=c']],
    [
      'in another order',
      ['A 1 s=w', 'A 2 s=c', 'A 3'],
      ['A 3', 'A 1 s=w', 'A 2 s=c'],
      ['A 3', 'A 1 s=w', 'A 2 s=c'],
    ],
    [
      'in another file',
      ['A 1 s a.yml', 'A 2 s a.yml'],
      ['A 2 s b.yml', 'A 1 s b.yml'],
      ['A 2 s a.yml', 'A 1 s a.yml'],
    ],
    [
      'with other options, though others have its name',
      ['A 1 w f 1m', 'A 1 c f 1m'],
      ['A 1 c f 2m', 'A 1 w f 2m'],
      ['A 1 c f 1m', 'A 1 w f 1m'],
    ],
    ['with another expression, by its labels', ['A 1 w', 'A 2 c'], ['A 9 c', 'A 1 w'], ['A 2 c', 'A 1 w']],
    ['with other labels, by its expression', ['A 1 w', 'A 2 c'], ['A 2 x', 'A 1 y'], ['A 2 c', 'A 1 w']],
    ['with nothing but its name, where it is alone', ['A 1 w'], ['A 2 c'], ['A 1 w']],
    ['and not by its name, where others share it', ['A 1 w', 'A 2 x'], ['A 3 y', 'A 4 z'], ['new', 'new']],
    ['by its kind too', ['A 1'], ['A: 1', 'A 1'], ['new', 'A 1']],
    [
      'by its file, where two are alike',
      ['A 1 s a.yml', 'A 1 s b.yml'],
      ['A 1 s b.yml', 'A 1 s a.yml'],
      ['A 1 s b.yml', 'A 1 s a.yml'],
    ],
  ])('%s', (_name, before, after, expected) => {
    expect(recognized(before, after)).toEqual(expected);
  });

  it('over a load in between that had others of its name', () => {
    expect(recognized(['A 1'], ['A 2', 'A 1', 'A 3'], ['A 1'])).toEqual(['A 1']);
  });

  it('where the rows of before say nothing of labels', () => {
    const old = ['A 1 s=w', 'A 2 s=c'].map((text, place) => ({
      ...traitsOf(text),
      labels: null,
      key: `old ${place}`,
    }));
    expect(unpaced(assignKeys(['A 2 s=c', 'A 1 s=w'].map(traitsOf), old))).toEqual(['old 1', 'old 0']);
    expect(unpaced(assignKeys(['A 2 s=c f 2m', 'A 1 s=w f 2m'].map(traitsOf), old))).toEqual([
      'old 1',
      'old 0',
    ]);
  });

  it('whatever is loaded beside it and in whatever order; no two have one key', () => {
    const rule = fc.tuple(
      fc.constantFrom('A', 'A:', 'B'),
      fc.constantFrom('1', '2'),
      fc.constantFrom('', 'w', 'c'),
    );
    const texts = fc.uniqueArray(
      rule.map((parts) => parts.join(' ')),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(texts, texts, fc.nat(), (stays, others, turn) => {
        const before = unpaced(assignKeys(stays.map(traitsOf), []));
        const known = stays.map((text, place) => ({ ...traitsOf(text), key: before[place] ?? '' }));
        const mixed = [...new Set([...others, ...stays])];
        const after = [
          ...mixed.slice(turn % (mixed.length + 1)),
          ...mixed.slice(0, turn % (mixed.length + 1)),
        ];
        const keys = unpaced(assignKeys(after.map(traitsOf), known));
        expect(new Set(keys).size).toBe(keys.length);
        for (const [place, text] of stays.entries()) expect(keys[after.indexOf(text)]).toBe(before[place]);
      }),
    );
  });
});

it('a new rule gets no key that is in use', () => {
  const rule = traitsOf('A 1 s=w');
  expect(unpaced(assignKeys([rule], [], ['g/A']))).toEqual(['g/A{s=w}']);
  const [key] = unpaced(assignKeys([rule], [], ['g/A', 'g/A{s=w}']));
  expect(unpaced(assignKeys([rule], [], ['g/A', 'g/A{s=w}', key ?? '']))).toEqual([`${key}.2`]);
});
