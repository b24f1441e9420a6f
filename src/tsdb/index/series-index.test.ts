import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createMatcher,
  type Labels,
  matchesAll,
  type MatchOperator,
  Stretch,
  VirtualClock,
} from '#telemetry';
import { DEFAULT_LIMITS } from '../limits.ts';
import { SeriesIndex } from './series-index.ts';
import { shapeOf } from './regex-shape.ts';

/** Each look at it is late, so that there is a pause at each. */
class LateClock extends VirtualClock {
  #looks = 0;

  override monotonicMs(): number {
    return ++this.#looks * 1000;
  }
}

const VALUES = ['', 'a', 'ab', 'abc', 'b', 'a|b', 'a.b', 'x\ny', 'é', '𝄞'];
const PATTERNS = [
  '',
  '.*',
  '.+',
  'a',
  'a|b',
  '(a|ab)',
  '(?:a|é)',
  'a\\|b',
  'a\\.b',
  'a.b',
  'a.*',
  'a.+',
  'ab?',
  'a|.*c',
  '(?i)A',
  '[ab]+',
  'x.y',
  '.*b',
  'a{1,2}',
  '𝄞?',
  '|a',
  '(a|)',
  'abc?|b',
  '(a)(b)',
  '^a$',
  '\\x61',
  'a(b|c)',
];

const labelSets = fc.array(
  fc.record({
    x: fc.constantFrom(...VALUES),
    y: fc.constantFrom(...VALUES),
    constructor: fc.constantFrom('', '1'),
  }),
  { minLength: 1, maxLength: 40 },
);
const matcherSpecs = fc.array(
  fc.record({
    name: fc.constantFrom('x', 'y', 'constructor', '__proto__', 'absent', '__name__'),
    operator: fc.constantFrom<MatchOperator>('=', '!=', '=~', '!~'),
    text: fc.constantFrom(...VALUES),
    pattern: fc.constantFrom(...PATTERNS),
  }),
  { maxLength: 4 },
);

function withoutEmpty(labels: Labels): Labels {
  return Object.assign(
    Object.create(null) as Labels,
    Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== '')),
  );
}

describe('the index', () => {
  test('finds what trying each series finds, also after series went', () => {
    fc.assert(
      fc.property(labelSets, matcherSpecs, fc.integer({ min: 1, max: 5 }), (sets, specs, every) => {
        const prepares = every % 2 === 0;
        const index = new SeriesIndex(DEFAULT_LIMITS);
        const known = new Map<number, Labels>();
        for (const set of sets) {
          const labels = { __name__: 'm', ...set };
          known.set(index.findOrAdd(labels), withoutEmpty(labels));
        }
        const matchers = specs.map(({ name, operator, text, pattern }) =>
          createMatcher(name, operator, operator.includes('~') ? pattern : text),
        );
        const expected = (): number[] =>
          [...known].filter(([, labels]) => matchesAll(matchers, labels)).map(([ref]) => ref);
        if (prepares) while (!index.prepare(matchers, 2));
        expect([...index.select(matchers)]).toEqual(expected());
        const gone = new Set([...known.keys()].filter((ref) => ref % every === 0));
        index.remove([...gone]);
        for (const ref of gone) known.delete(ref);
        expect([...index.select(matchers)]).toEqual(expected());
        const back = index.findOrAdd({ __name__: 'm', x: 'a', y: 'é' });
        known.set(back, withoutEmpty({ __name__: 'm', x: 'a', y: 'é' }));
        expect([...index.select(matchers)]).toEqual(expected());
        expect(index.seriesCount).toBe(known.size);
      }),
      { numRuns: 500 },
    );
  });

  test('finds the same in slices, and all that stays while series come and go in between', async () => {
    await fc.assert(
      fc.asyncProperty(labelSets, matcherSpecs, fc.nat(3), async (sets, specs, every) => {
        const index = new SeriesIndex(DEFAULT_LIMITS);
        const refs = new Set(sets.map((set) => index.findOrAdd({ __name__: 'm', ...set })));
        const matchers = specs.map(({ name, operator, text, pattern }) =>
          createMatcher(name, operator, operator.includes('~') ? pattern : text),
        );
        const before = [...index.select(matchers)];
        const gone = new Set([...refs].filter((ref) => every > 0 && ref % every === 0));
        const selecting = index.selectInSlices(matchers, new Stretch(new LateClock()));
        index.remove([...gone]);
        for (const x of VALUES) index.findOrAdd({ __name__: 'm', x, y: 'later' });
        const found = [...(await selecting)];
        expect(found.filter((ref) => refs.has(ref) && !gone.has(ref))).toEqual(
          before.filter((ref) => !gone.has(ref)),
        );
        expect(found).toEqual(found.toSorted((a, b) => a - b));
        const now = [...index.select(matchers)];
        for (const ref of found) expect(gone.has(ref) || now.includes(ref)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('equal label sets are one series, whatever their order and empty labels', () => {
    const index = new SeriesIndex(DEFAULT_LIMITS);
    const ref = index.findOrAdd({ __name__: 'm', a: '1', b: '2' });
    expect(index.findOrAdd({ b: '2', a: '1', __name__: 'm', c: '' })).toBe(ref);
    expect(index.findOrAdd({ __name__: 'm', a: '2', b: '1' })).not.toBe(ref);
    expect(index.labelsOf(ref)).toEqual({ __name__: 'm', a: '1', b: '2' });
  });

  test('many series: names, values and counts', () => {
    const index = new SeriesIndex(DEFAULT_LIMITS);
    for (let at = 0; at < 20_000; at++) {
      index.findOrAdd({ __name__: `m${at % 10}`, unique: String(at), half: at % 2 ? 'odd' : 'even' });
    }
    expect(index.select([createMatcher('unique', '=~', '1999[0-9]|5')])).toHaveLength(11);
    expect(
      index.select([createMatcher('half', '=', 'odd'), createMatcher('__name__', '!=', 'm1')]),
    ).toHaveLength(8000);
    expect(index.labelPairCount).toBe(20_012);
    expect(index.seriesOfMetric('m3')).toBe(2000);
  });
});

test.each([
  ['a|b', { kind: 'literals', values: ['a', 'b'] }],
  ['(a|b\\.c)', { kind: 'literals', values: ['a', 'b.c'] }],
  ['', { kind: 'literals', values: [''] }],
  ['abc.*', { kind: 'prefix', prefix: 'abc', nonEmptyRest: false }],
  ['.+', { kind: 'prefix', prefix: '', nonEmptyRest: true }],
  ['abc?', { kind: 'general', prefix: 'ab' }],
  ['𝄞*', { kind: 'general', prefix: '' }],
  ['abc[0-9]', { kind: 'general', prefix: 'abc' }],
  ['ab|c.*', { kind: 'general', prefix: '' }],
  ['(?i)a', { kind: 'general', prefix: '' }],
])('the shape of %s', (pattern, shape) => {
  expect(shapeOf(pattern)).toEqual(shape);
});
