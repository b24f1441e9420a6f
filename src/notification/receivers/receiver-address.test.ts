import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { settingRoles } from '../configuration/setting-schemas.ts';
import { addressOf } from './receiver-address.ts';
import { RECEIVER_KINDS } from './receiver-kinds.ts';

/** Secrets that say who calls, or proves it, and not whom the messages reach. */
const PROOFS: Readonly<Record<string, readonly string[]>> = {
  email: ['auth_password', 'auth_password_file', 'auth_secret', 'auth_secret_file'],
  wechat: ['api_secret', 'api_secret_file'],
};

/** The keys of a kind, with the role of each; null for what is neither a secret nor a file. */
function rolesOf(settings: z.ZodType): readonly (readonly [string, string | null])[] {
  const { shape } = [...withinReader(settings)].find((one) => 'shape' in one) as z.ZodObject;
  return Object.entries(shape).map(([key, schema]) => [key, roleOf(schema)] as const);
}

function roleOf(schema: z.core.$ZodType): string | null {
  const roles = [...withinReader(schema)].map((one) => settingRoles.get(one as z.ZodType)?.role);
  return roles.find((role) => role !== undefined) ?? null;
}

/** A schema, and those that it wraps: what is optional, what is transformed. */
function* withinReader(schema: z.core.$ZodType): Generator<z.core.$ZodType, void> {
  yield schema;
  const { innerType, in: from } = schema._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType };
  const inner = innerType ?? from;
  if (inner) yield* withinReader(inner);
}

describe.each(
  RECEIVER_KINDS.map(({ type, settings, addressKeys }) => ({
    type,
    settings,
    addressKeys: addressKeys as readonly string[],
  })),
)('the address of $type', ({ type, settings, addressKeys }) => {
  const makesAddress = new Set(addressKeys);
  const keys = rolesOf(settings);
  const base = Object.fromEntries(addressKeys.map((key) => [key, `the ${key}`]));
  const address = addressOf(type, base);

  it('is made of keys that it has', () => {
    expect(keys.length).toBeGreaterThan(2);
    expect([...makesAddress].filter((key) => keys.every(([known]) => known !== key))).toEqual([]);
    expect(address).not.toBeNull();
  });

  it.each(keys.map(([key]) => key))('changes with %s where that is in it, and not else', (key) => {
    const changed = addressOf(type, { ...base, [key]: 'another' });
    expect(changed === address).toBe(!makesAddress.has(key));
  });

  it('has each secret of it in it, or says that it proves who calls', () => {
    const secrets = keys.filter(([, role]) => role !== null).map(([key]) => key);
    expect(secrets.filter((key) => !makesAddress.has(key))).toEqual(PROOFS[type] ?? []);
  });

  it('is the same where a newer version knows a setting more, also one that would be in it', () => {
    const newer = { ...base, a_new_one: 'with a default', http_config: { a_new_one: true } };
    expect(addressOf(type, newer)).toBe(address);
    for (const key of addressKeys) {
      const { [key]: _, ...before } = base;
      for (const unwritten of [undefined, null, '', 0, []]) {
        expect(addressOf(type, { ...before, [key]: unwritten })).toBe(addressOf(type, before));
      }
    }
  });

  it('holds nothing of what is secret', () => {
    for (const key of addressKeys) expect(address).not.toContain(key);
  });
});

it.each([
  [
    { basic_auth: { username: 'ada', password: 'x' } },
    { basic_auth: { username: 'lin', password: 'x' } },
    false,
  ],
  [
    { basic_auth: { username: 'ada', password: 'x' } },
    { basic_auth: { username: 'ada', password: 'y' } },
    true,
  ],
  [{ authorization: { credentials: 'x' } }, { authorization: { credentials: 'y' } }, false],
  [{ oauth2: { client_id: 'x' } }, { oauth2: { client_id: 'y' } }, false],
  [{ follow_redirects: true }, { follow_redirects: false, tls_config: { server_name: 'a' } }, true],
])('who calls by http_config counts, and how does not: %j and %j', (before, after, isSame) => {
  const of = (http_config: unknown) => addressOf('webhook', { url: 'https://a.example', http_config });
  expect(of(before) === of(after)).toBe(isSame);
});

it('is another one of another kind, and none of the log', () => {
  const settings = { webhook_url: 'https://a.example' };
  expect(addressOf('discord', settings)).not.toBe(addressOf('msteamsv2', settings));
  expect([addressOf('log', {}), addressOf('webhook', null), addressOf('webhook', {})]).toEqual([
    null,
    null,
    null,
  ]);
});

it('is documented for every kind', () => {
  const page = readFileSync(new URL('../../../docs/alerting/receivers.md', import.meta.url), 'utf8');
  const [, section = ''] = page.split('### The same address\n');
  const documented = section
    .split('\n## ')[0]
    ?.split('\n')
    .map((line) => /^\| `(\w+)_configs` \| (.+) \|$/.exec(line))
    .filter((row) => row !== null)
    .map(([, type, keys = '']) => [type, [...keys.matchAll(/`(\w+)`/g)].map(([, key]) => key)]);
  const files = (keys: readonly string[]) => keys.filter((key) => !key.endsWith('_file'));
  expect(documented).toEqual(RECEIVER_KINDS.map(({ type, addressKeys }) => [type, files(addressKeys)]));
});
