import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { formatDuration, poolConfiguration } from '#telemetry';
import { keysOf, tableRow, withTable, yamlOf, type DocumentedKey } from '../../schema-tables.test-support.ts';
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

const sectionOf = (heading: string): string =>
  (PAGE.split(`\n## ${heading}\n`)[1] ?? '').split('\n## ')[0] ?? '';

function rowsUnder(heading: string): readonly Row[] {
  return [...sectionOf(heading).matchAll(/^\| `([\w.]+)` \| (\S+) \|/gm)].map(
    ([, key = '', standard = '']) => ({ key, standard: standard.replaceAll('`', '') }),
  );
}

/** Where more is told of a key, and of those of a pool under `pool.`. */
const MORE: Readonly<Record<string, string>> = {
  'http.max_body_bytes': '#what-a-body-may-hold',
  'otlp.port': '#a-port-in-use',
  'access.owner_socket': 'isolation.md#what-keeps-agents-and-server-apart',
  'fleet.pools': '#pools',
  'fleet.starts_per_second': 'integration.md#how-fast-processes-are-started',
  'fleet.forget_after': 'integration.md#when-an-external-agent-has-failed',
  'fleet.output.reserve_bytes': 'operations.md#the-disk-is-full',
  'monitor.watch': 'monitoring/metrics.md#anomalies',
  'alerting.rule_files': '#rules-and-policies-of-your-own',
  'fleet.expected': 'alerting/rules.md#the-shipped-rules',
  'alerting.groups': 'alerting/rules.md#when-a-rule-is-evaluated',
  'watchdog.policy_files': '#rules-and-policies-of-your-own',
  'watchdog.mode': 'watchdog/policies.md',
  'pool.max_unavailable': 'integration.md#when-the-definition-changes',
  'pool.heartbeat': 'integration.md#any-command',
  'pool.stall_after': 'integration.md#any-program-omoi-run',
  'pool.provider': 'watchdog/judgement.md#failure-domains',
};

/** The table of a section as the keys of a schema give it. */
function tableOf(keys: readonly DocumentedKey[], prefix = ''): string {
  const rows = keys.map(({ name, standard, type, meaning }) => {
    const more = MORE[prefix + name];
    return tableRow([
      `\`${name}\``,
      standard === null || standard === 'required' ? (standard ?? 'none') : `\`${standard}\``,
      type,
      more === undefined ? meaning : `${meaning} [More](${more})`,
    ]);
  });
  return [tableRow(['key', 'default', 'type', 'meaning']), '|---|---|---|---|', ...rows].join('\n');
}

function load(text: string): unknown {
  const file = join(directory, 'omoi.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, environment: {} });
}

/** `a.b` as YAML in braces. */
const nested = (key: string, value: string): string =>
  key.split('.').reduceRight((inner, part) => `{ ${part}: ${inner} }`, value);

/** What a pool has of which only the keys that must be given are. */
const barePool = poolConfiguration.parse({ id: 'p', command: ['a'], desired: 1, max: 2 });

/** A key of a pool has its default in the definition, where its name and its unit are other ones. */
function poolDefault({ name }: DocumentedKey): string | null {
  const values = barePool as unknown as Readonly<Record<string, unknown>>;
  const property = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const durationMs = values[`${property}Ms`];
  const value =
    typeof durationMs === 'number' ? formatDuration(durationMs) : (values[property] ?? durationMs);
  return value === null || value === undefined ? null : yamlOf(value);
}

describe('docs/configuration.md', () => {
  const keys = rowsUnder('Keys');
  const poolKeys = rowsUnder('Pools');
  const ofFile = keysOf(configSchema);
  const ofPool = keysOf(poolConfiguration).map((key) =>
    key.standard === 'required' ? key : { ...key, standard: poolDefault(key) },
  );

  /** `npm run unit -- src/server/config/configuration-page -u` writes its tables anew. */
  it('lists every key as its schema has it', async () => {
    let page = withTable(PAGE, '## Keys', tableOf(ofFile));
    page = withTable(page, '## Pools', tableOf(ofPool, 'pool.'));
    await expect(page).toMatchFileSnapshot('../../../docs/configuration.md');
  });

  it.each([...ofFile, ...ofPool])('says what $name is for', ({ meaning }) => {
    expect(meaning).toMatch(/^[^a-z].*\.$/);
  });

  it('tells more of keys that there are', () => {
    const names = [...ofFile.map(({ name }) => name), ...ofPool.map(({ name }) => `pool.${name}`)];
    expect(Object.keys(MORE).filter((name) => !names.includes(name))).toEqual([]);
    expect([keys.length, poolKeys.length]).toEqual([ofFile.length, ofPool.length]);
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
