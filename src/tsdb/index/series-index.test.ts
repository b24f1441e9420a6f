import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import {
  createMatcher,
  type Labels,
  matchesAll,
  type MatchOperator,
  Stretch,
  VirtualClock,
} from '#telemetry';
import { DEFAULT_LIMITS } from '../limits.ts';
import { PAGE_ROWS } from '../rows/row-allocator.ts';
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
          [...known]
            .filter(([, labels]) => matchesAll(matchers, labels))
            .map(([row]) => row)
            .sort((a, b) => a - b);
        expect([...index.select(matchers)]).toEqual(expected());
        const refs = new Map([...known.keys()].map((row) => [row, index.refOf(row)]));
        // Rows and the numbers of values are given to others in each round.
        for (let round = 0; round < 3; round++) {
          const gone = [...known.keys()].filter((row) => row % every === 0).sort((a, b) => a - b);
          index.remove(gone);
          for (const row of gone) known.delete(row);
          expect([...index.select(matchers)]).toEqual(expected());
          for (const x of ['a', 'é', 'abc', `round ${round}`]) {
            const labels = { __name__: 'm', x, y: VALUES[round] ?? '' };
            known.set(index.findOrAdd(labels), withoutEmpty(labels));
          }
          expect([...index.select(matchers)]).toEqual(expected());
          expect(index.seriesCount).toBe(known.size);
          for (const row of gone) expect(index.rowOf(refs.get(row) ?? 0)).toBe(0);
          for (const row of known.keys()) expect(index.rowOf(index.refOf(row))).toBe(row);
        }
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  test('finds the same in slices, and all that stays while series come and go in between', async () => {
    await fc.assert(
      fc.asyncProperty(labelSets, matcherSpecs, fc.nat(3), async (sets, specs, every) => {
        const index = new SeriesIndex(DEFAULT_LIMITS);
        const rows = new Set(sets.map((set) => index.findOrAdd({ __name__: 'm', ...set })));
        const matchers = specs.map(({ name, operator, text, pattern }) =>
          createMatcher(name, operator, operator.includes('~') ? pattern : text),
        );
        const before = [...index.select(matchers)];
        const gone = new Set([...rows].filter((row) => every > 0 && row % every === 0));
        const { epoch } = index;
        const selecting = index.selectInSlices(matchers, new Stretch(new LateClock()));
        index.remove([...gone].sort((a, b) => a - b));
        // They get the rows, and the numbers of the values, of those that went.
        for (const x of VALUES) index.findOrAdd({ __name__: 'm', x, y: 'later' });
        const found = [...(await selecting)];
        expect(found.filter((row) => index.isFrom(row, epoch))).toEqual(
          before.filter((row) => !gone.has(row)),
        );
        expect(found).toEqual(found.toSorted((a, b) => a - b));
      }),
      { numRuns: propertyRuns(300) },
    );
  });

  test('equal label sets are one series, whatever their order and empty labels', () => {
    const index = new SeriesIndex(DEFAULT_LIMITS);
    const ref = index.findOrAdd({ __name__: 'm', a: '1', b: '2' });
    expect(index.findOrAdd({ b: '2', a: '1', __name__: 'm', c: '' })).toBe(ref);
    expect(index.findOrAdd({ __name__: 'm', a: '2', b: '1' })).not.toBe(ref);
    expect(index.labelsOf(ref)).toEqual({ __name__: 'm', a: '1', b: '2' });
  });

  test('what series took is given back when they are gone, and stays bounded while they come and go', () => {
    const index = new SeriesIndex(DEFAULT_LIMITS);
    const stays = index.findOrAdd({ __name__: 'm', unique: 'stays' });
    const found = () => index.select([createMatcher('unique', '=~', '.*[05]')]).length;
    for (let wave = 0; wave < 10; wave++) {
      const rows: number[] = [];
      for (let at = 0; at < 5000; at++)
        rows.push(index.findOrAdd({ __name__: 'm', unique: `${wave} ${at}` }));
      expect(found()).toBe(1000);
      expect(index.rowsEnd).toBeLessThanOrEqual(PAGE_ROWS);
      index.remove(rows.sort((a, b) => a - b));
      expect(found()).toBe(0);
    }
    expect(index.rowsEnd).toBe(PAGE_ROWS);
    expect([...index.names()].map(({ valueCount }) => valueCount)).toEqual([1, 1]);
    index.remove([stays]);
    expect(index.rowsEnd).toBe(0);
    expect([...index.names()]).toEqual([]);
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

test('senders whose series are gone, or who sent nothing that was taken, leave nothing', () => {
  const index = new SeriesIndex(DEFAULT_LIMITS);
  const numbers = new Set<number>();
  const stays = index.findOrAdd({ __name__: 'stays', agent_id: 'w' });
  index.senders.restore(stays, 'token:stays');
  for (let at = 0; at < 500; at++) {
    const row = index.findOrAdd({ __name__: 'load', agent_id: `w-${at}` });
    for (const sender of ['anonymous', 'token:t', `agent:w-${at}`]) {
      const number = index.senders.begin(sender);
      expect(index.senders.maySend(row, number)).toBe(true);
      index.senders.setOwner(row, number, { untilMs: at, lastMs: at });
      index.senders.end(number);
      numbers.add(index.senders.numberOf(row));
    }
    expect(index.senders.textOf(row)).toBe(`agent:w-${at}\n${at},${at}\ntoken:t\n${at},${at}\nanonymous`);
    const refused = index.senders.begin(`token:refused-${at}`);
    index.senders.end(refused);
    index.remove([row]);
    // What it was is nobody's, also where its row comes too late.
    index.senders.restore(row, `token:late-${at}`);
  }
  expect(numbers.size).toBeLessThan(10);
  expect(index.senders.textOf(stays)).toBe('token:stays');
});
