import { describe, expect, it } from 'vitest';
import { confine, notEnforced, type Confinement, type ConfiningMachine } from './confinement.ts';

const NOTHING: Confinement = {
  user: null,
  group: null,
  noNewPrivileges: false,
  maxMemoryBytes: null,
  maxProcesses: null,
  maxOpenFiles: null,
};

function machine(more: Partial<ConfiningMachine> = {}): ConfiningMachine {
  return {
    uid: 0,
    passwd: () => 'root:x:0:0:root:/root:/bin/sh\nbuild:x:1001:2001:a builder:/home/build:/bin/sh\n',
    group: () => 'root:x:0:\nbuilders:x:2001:build\ndocs:x:2002:\n',
    find: (program) => (program === 'nowhere' ? null : `/usr/bin/${program}`),
    ...more,
  };
}

const UNIT = { command: ['worker', '-v'], cwd: null, env: { PATH: '/bin', HOME: '/kept' } };

describe('a confined command', () => {
  it.each<[string, Partial<Confinement>, readonly string[], object | null]>([
    ['nothing wanted', {}, ['worker', '-v'], null],
    ['a user by name', { user: 'build' }, ['worker', '-v'], { uid: 1001, gid: 2001 }],
    ['a user by number', { user: '1001' }, ['worker', '-v'], { uid: 1001, gid: 2001 }],
    [
      'a user and another group',
      { user: 'build', group: 'docs' },
      ['worker', '-v'],
      { uid: 1001, gid: 2002 },
    ],
    ['numbers that no file knows', { user: '7', group: '8' }, ['worker', '-v'], { uid: 7, gid: 8 }],
    [
      'limits before rights, both before the command',
      { noNewPrivileges: true, maxMemoryBytes: 4096, maxProcesses: 5, maxOpenFiles: 6 },
      [
        '/usr/bin/prlimit',
        '--data=4096:4096',
        '--nproc=5:5',
        '--nofile=6:6',
        '--',
        '/usr/bin/setpriv',
        '--no-new-privs',
        '--',
        'worker',
        '-v',
      ],
      null,
    ],
  ])('for %s', (_, wanted, command, identity) => {
    expect(confine(UNIT, { ...NOTHING, ...wanted }, machine())).toMatchObject({
      kind: 'confined',
      command,
      identity,
    });
  });

  it('finds its user’s home and name, but for what the pool itself says', () => {
    const wanted = { ...NOTHING, user: 'build' };
    expect(confine(UNIT, wanted, machine())).toMatchObject({
      env: { HOME: '/kept', USER: 'build', LOGNAME: 'build', PATH: '/bin' },
    });
    expect(confine({ ...UNIT, env: {} }, wanted, machine())).toMatchObject({ env: { HOME: '/home/build' } });
  });

  it.each<[string, Partial<Confinement>, Partial<ConfiningMachine>, RegExp]>([
    ['a user that is not there', { user: 'ghost' }, {}, /no user ghost/],
    ['a group that is not there', { group: 'ghosts' }, {}, /no group ghosts/],
    ['a number without a group', { user: '77' }, {}, /name a group/],
    [
      'a server that may not switch',
      { user: 'build' },
      { uid: 1000 },
      /uid 1000 and can't start agents as user build/,
    ],
    [
      'no command to be found',
      { noNewPrivileges: true },
      { find: (name) => (name === 'worker' ? null : name) },
      /not found/,
    ],
  ])('is refused for %s', (_, wanted, more, error) => {
    const confined = confine(UNIT, { ...NOTHING, ...wanted }, machine(more));
    expect(confined).toMatchObject({ kind: 'refused', error: expect.stringMatching(error) as string });
  });

  it('runs without what the machine does not have, which is named', () => {
    const bare = machine({ find: (name) => (name === 'worker' ? '/bin/worker' : null) });
    const wanted = { ...NOTHING, noNewPrivileges: true, maxOpenFiles: 64, maxProcesses: 9 };
    expect(confine(UNIT, wanted, bare)).toMatchObject({ command: UNIT.command });
    expect(notEnforced(wanted, bare)).toEqual([
      'max_processes, max_open_files: there is no prlimit (package util-linux)',
      'no_new_privileges: there is no setpriv (package util-linux)',
      'max_processes: it does not bind root; give the pool a user',
    ]);
    expect(notEnforced({ ...wanted, user: 'build' }, machine())).toEqual([]);
    expect(notEnforced(NOTHING, bare)).toEqual([]);
  });
});
