import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { poolConfiguration } from '#telemetry';
import { loadConfig } from './load.ts';
import { configSchema } from './schema.ts';

const PAGE = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'omoi-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

interface Row {
  readonly key: string;
  /** As YAML; `required`, and `none` where there is no value. */
  readonly standard: string;
}

function rowsUnder(heading: string): readonly Row[] {
  const [section = ''] = (PAGE.split(`\n## ${heading}\n`)[1] ?? '').split('\n## ');
  return [...section.matchAll(/^\| `([\w.]+)` \| (\S+) \|/gm)].map(([, key = '', standard = '']) => ({
    key,
    standard: standard.replaceAll('`', ''),
  }));
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

function keysOf(schema: JsonSchema, prefix = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) =>
    inner.properties ? keysOf(inner, `${prefix}${key}.`) : [`${prefix}${key}`],
  );
}

/** JSON Schema is what zod makes of it; only what is above is read. */
const keysOfSchema = (schema: z.ZodType): readonly string[] =>
  keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema);

function load(text: string): unknown {
  const file = join(directory, 'omoi.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, environment: {} });
}

/** `a.b` as YAML in braces. */
const nested = (key: string, value: string): string =>
  key.split('.').reduceRight((inner, part) => `{ ${part}: ${inner} }`, value);

describe('docs/configuration.md', () => {
  const keys = rowsUnder('Keys');
  const poolKeys = rowsUnder('Pools');

  it('lists every key, and no other', () => {
    expect(keys.map(({ key }) => key).toSorted()).toEqual(keysOfSchema(configSchema).toSorted());
  });

  it('lists every key of a pool, and no other', () => {
    expect(poolKeys.map(({ key }) => key).toSorted()).toEqual(keysOfSchema(poolConfiguration).toSorted());
  });

  it.each(keys)('$key is $standard where it is left out', ({ key, standard }) => {
    const bare = load('');
    if (standard !== 'none') return expect(load(nested(key, standard))).toEqual(bare);
    const value = key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], bare);
    expect(value).toBeUndefined();
  });

  const UNSET_DURATIONS = ['heartbeat_interval', 'heartbeat_ttl', 'stall_after'];
  const REQUIRED: Readonly<Record<string, string>> = { id: 'p', command: '[a]', desired: '1', max: '2' };
  const loadPool = (pool: Readonly<Record<string, string>>): unknown =>
    load(
      `fleet: { pools: [{ ${Object.entries(pool)
        .map(([key, value]) => `${key}: ${value}`)
        .join(', ')} }] }`,
    );

  it.each(poolKeys)('$key of a pool is $standard where it is left out', ({ key, standard }) => {
    if (standard === 'required') {
      const { [key]: _, ...others } = REQUIRED;
      return expect(() => loadPool(others)).toThrow(key);
    }
    const bare = loadPool(REQUIRED);
    // Of a duration, which is a text, `null` can't be written.
    if (UNSET_DURATIONS.includes(key)) {
      expect(standard).toBe('none');
      return expect(bare).toMatchObject({
        fleet: { pools: [{ heartbeatIntervalMs: null, heartbeatTtlMs: null, stallAfterMs: null }] },
      });
    }
    return expect(loadPool({ ...REQUIRED, [key]: standard === 'none' ? 'null' : standard })).toEqual(bare);
  });
});
