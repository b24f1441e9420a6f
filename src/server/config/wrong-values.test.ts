import { expect, it } from 'vitest';
import { poolConfiguration } from '#telemetry';
import { keysOf } from '../../schema-tables.test-support.ts';
import { configSchema } from './schema.ts';

/** What people write where something else is meant. */
const TEXTS = ['', ' ', 'a b', 'nope', '5s', '\u0000', '\ud800', 'x'.repeat(10_000)];
const NUMBERS = [-1, 0, 1.5, 1e21, Number.NaN, Number.POSITIVE_INFINITY];
const LISTS = [[], [''], [null], [-1], ['a', 'a']];
const MAPPINGS: readonly object[] = [{}, { a: null }, { a: -1 }, { __proto__: null, constructor: 1 }];
const WRONG: readonly unknown[] = [null, true, ...TEXTS, ...NUMBERS, ...LISTS, ...MAPPINGS];

const RIGHT_POOL = { id: 'coders', command: ['work', 'hard'], desired: 1, max: 2 };

/** `a.b` with a value, as a document has it. */
const nested = (key: string, value: unknown): object =>
  key.split('.').reduceRight((inner: unknown, part) => ({ [part]: inner }), value) as object;

it.each([...keysOf(configSchema)].map(({ name }) => name))('a wrong value of %s is told of', (key) => {
  for (const value of WRONG) expect(() => configSchema.safeParse(nested(key, value))).not.toThrow();
});

it.each([...keysOf(poolConfiguration)].map(({ name }) => name))(
  'a wrong value of a pool’s %s is told of',
  (key) => {
    const wrong = WRONG.filter((value) => {
      const pools = [RIGHT_POOL, { ...RIGHT_POOL, id: 'testers', ...nested(key, value) }];
      const { error } = configSchema.safeParse({ fleet: { pools } });
      expect((error?.issues ?? []).every(({ path }) => path.join('.').startsWith('fleet.pools.1.'))).toBe(
        true,
      );
      return error !== undefined;
    });
    expect(wrong.length).toBeGreaterThan(3);
  },
);
