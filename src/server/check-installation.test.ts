import { describe, expect, it } from 'vitest';
import { definePool, type PoolDefinition } from '#telemetry';
import { checkInstallation, type CheckedMachine } from './check-installation.ts';
import { configSchema } from './config/schema.ts';

const ROOT: CheckedMachine = {
  confining: {
    uid: 0,
    passwd: () => 'build:x:1001:1001::/home/build:/bin/sh\n',
    group: () => '',
    find: (program) => `/usr/bin/${program}`,
  },
  user: { uid: 0, name: 'root' },
  modeOf: () => 0o40700,
  refusalOf: () => Promise.resolve(null),
};

async function findings(
  pool: Partial<PoolDefinition>,
  machine: Partial<CheckedMachine> = {},
): Promise<readonly string[]> {
  const config = configSchema.parse({});
  const pools = [definePool({ id: 'coders', command: ['worker'], desired: 1, max: 1, ...pool })];
  const checked = await checkInstallation(
    { ...config, fleet: { ...config.fleet, pools } },
    { ...ROOT, ...machine },
  );
  return checked.map(({ severity, key, message }) => `${severity} ${key}: ${message}`);
}

describe('a check of the installation', () => {
  it('has nothing to say of pools apart, in a closed directory', async () => {
    expect(await findings({ user: 'build' })).toEqual([]);
  });

  it.each<[string, Partial<PoolDefinition>, Partial<CheckedMachine>, RegExp]>([
    [
      'a directory that others may enter',
      { user: 'build' },
      { modeOf: () => 0o40755 },
      /^warning data_directory: .*mode 0755.*chmod 700/,
    ],
    [
      'the server’s own user',
      {},
      {},
      /^warning fleet.pools: agents of coders run as the server's own user.*owner_socket: off/,
    ],
    [
      'a user that is not there',
      { user: 'ghost' },
      {},
      /^error fleet.pools.coders: user: there is no user ghost/,
    ],
    [
      'a server that may not switch',
      { user: 'build' },
      { confining: { ...ROOT.confining, uid: 1000 } },
      /^error fleet.pools.coders: the server runs as uid 1000/,
    ],
    [
      'a missing tool',
      { user: 'build', noNewPrivileges: true },
      { confining: { ...ROOT.confining, find: () => null } },
      /^warning fleet.pools.coders: no_new_privileges: there is no setpriv/,
    ],
    [
      'a directory that a start would refuse',
      { user: 'build' },
      { modeOf: () => 0o40755, refusalOf: () => Promise.resolve('data_directory: /srv can’t be used') },
      /^error data_directory: \/srv can’t be used$/,
    ],
  ])('names %s', async (_, pool, machine, expected) => {
    expect(await findings(pool, machine)).toEqual([expect.stringMatching(expected)]);
  });
});
