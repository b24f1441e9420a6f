import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { readOrEmpty } from './read-or-empty.ts';

/** As whom a unit runs, and what it may not. */
export interface Confinement {
  /** A name of `/etc/passwd`, or a number; null: as the server. */
  readonly user: string | null;
  /** A name of `/etc/group`, or a number; null: the user's own group. */
  readonly group: string | null;
  /** No program that it starts gains rights by its file's mode (`sudo`). */
  readonly noNewPrivileges: boolean;
  /** Private memory of each process (RLIMIT_DATA: heaps and anonymous maps, not what a runtime only reserves). */
  readonly maxMemoryBytes: number | null;
  /** Processes and threads of the user, wherever they were started (RLIMIT_NPROC). */
  readonly maxProcesses: number | null;
  /** Files that a process has open (RLIMIT_NOFILE). */
  readonly maxOpenFiles: number | null;
}

/** What confining needs of the machine. */
export interface ConfiningMachine {
  /** The server's own user; null where the system has no such numbers. */
  readonly uid: number | null;
  /** `/etc/passwd` and `/etc/group`, or an empty text. */
  passwd(): string;
  group(): string;
  /** Where a program is; null where it is not, or may not be executed. */
  find(program: string, environment: Readonly<Record<string, string>>, cwd: string | null): string | null;
}

export type Confined =
  | {
      readonly kind: 'confined';
      readonly command: readonly string[];
      /** For `spawn`, which then drops all supplementary groups too. */
      readonly identity: { readonly uid: number; readonly gid: number } | null;
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'refused'; readonly error: string };

interface Account {
  readonly name: string | null;
  readonly uid: number;
  readonly gid: number | null;
  readonly home: string | null;
}

const ROOT = 0;

/** The machine that this process runs on. */
export function thisMachine(): ConfiningMachine {
  return {
    uid: process.getuid?.() ?? null,
    passwd: () => readOrEmpty('/etc/passwd'),
    group: () => readOrEmpty('/etc/group'),
    find: findProgram,
  };
}

/**
 * What is wanted of a pool and not to be had here, each with the reason: the pool runs without it.
 * A user that can't be had is no such thing: without it nothing is started.
 */
export function notEnforced(wanted: Confinement, machine: ConfiningMachine): readonly string[] {
  const missing: string[] = [];
  const limits = limitsOf(wanted);
  if (limits.length > 0 && toolPath(machine, 'prlimit') === null) {
    missing.push(`${limits.map(({ key }) => key).join(', ')}: there is no prlimit (package util-linux)`);
  }
  if (wanted.noNewPrivileges && toolPath(machine, 'setpriv') === null) {
    missing.push('no_new_privileges: there is no setpriv (package util-linux)');
  }
  const runsAsRoot = wanted.user === null ? machine.uid === ROOT : uidOf(wanted.user, machine) === ROOT;
  if (wanted.maxProcesses !== null && runsAsRoot) {
    missing.push('max_processes: it does not bind root; give the pool a user');
  }
  return missing;
}

/**
 * The command that runs a unit's command confined: `prlimit … -- setpriv … -- COMMAND`, each becoming the next, so that
 * the process stays the same (util-linux, prlimit(1) and setpriv(1)).
 */
export function confine(
  unit: {
    readonly command: readonly string[];
    readonly cwd: string | null;
    readonly env: Readonly<Record<string, string>>;
  },
  wanted: Confinement,
  machine: ConfiningMachine,
): Confined {
  const identity = identityOf(wanted, machine);
  if ('error' in identity) return { kind: 'refused', error: identity.error };
  const limits = limitsOf(wanted).map(({ option, value }) => `--${option}=${value}:${value}`);
  const prlimit = limits.length > 0 ? toolPath(machine, 'prlimit') : null;
  const setpriv = wanted.noNewPrivileges ? toolPath(machine, 'setpriv') : null;
  const prefix = [
    ...(prlimit === null ? [] : [prlimit, ...limits, '--']),
    ...(setpriv === null ? [] : [setpriv, '--no-new-privs', '--']),
  ];
  const [program = ''] = unit.command;
  // What the tools can't start they say in the output; who asked for the start is told here.
  if (prefix.length > 0 && machine.find(program, unit.env, unit.cwd) === null) {
    const place = unit.cwd === null ? '' : ` in the directory ${unit.cwd}`;
    return {
      kind: 'refused',
      error: `the command "${program}" was not found${place}, or may not be executed`,
    };
  }
  const { account } = identity;
  return {
    kind: 'confined',
    command: [...prefix, ...unit.command],
    identity: account && { uid: account.uid, gid: account.gid },
    env: {
      ...(typeof account?.home === 'string' && { HOME: account.home }),
      ...(typeof account?.name === 'string' && { USER: account.name, LOGNAME: account.name }),
      ...unit.env,
    },
  };
}

type Identity =
  | { readonly account: (Account & { readonly gid: number }) | null }
  | { readonly error: string };

function identityOf({ user, group }: Confinement, machine: ConfiningMachine): Identity {
  if (user === null && group === null) return { account: null };
  if (machine.uid !== ROOT) {
    const wanted = user === null ? `group ${group ?? ''}` : `user ${user}`;
    return {
      error: `the server runs as uid ${machine.uid ?? 'unknown'} and can't start agents as ${wanted}; start it as root, or leave user and group out`,
    };
  }
  const account: Account | null =
    user === null ? { name: null, uid: ROOT, gid: ROOT, home: null } : accountOf(user, machine);
  if (account === null) return { error: `user: there is no user ${user ?? ''} in /etc/passwd` };
  const gid = group === null ? account.gid : gidOf(group, machine);
  if (gid !== null) return { account: { ...account, gid } };
  if (group !== null) return { error: `group: there is no group ${group} in /etc/group` };
  return { error: `user: ${account.uid} is not in /etc/passwd, so that its group is unknown; name a group` };
}

/** A line of `/etc/passwd` is `name:password:uid:gid:comment:home:shell` (passwd(5)). */
function accountOf(user: string, machine: ConfiningMachine): Account | null {
  const isNumber = NUMBER.test(user);
  for (const line of machine.passwd().split('\n')) {
    const [name = '', , uid = '', gid = '', , home = ''] = line.split(':');
    if (name === '' || !NUMBER.test(uid) || !NUMBER.test(gid)) continue;
    if (isNumber ? uid === user : name === user) {
      return { name, uid: Number(uid), gid: Number(gid), home: home === '' ? null : home };
    }
  }
  return isNumber ? { name: null, uid: Number(user), gid: null, home: null } : null;
}

function uidOf(user: string, machine: ConfiningMachine): number | null {
  return accountOf(user, machine)?.uid ?? null;
}

/** A line of `/etc/group` is `name:password:gid:members` (group(5)). */
function gidOf(group: string, machine: ConfiningMachine): number | null {
  if (NUMBER.test(group)) return Number(group);
  for (const line of machine.group().split('\n')) {
    const [name, , gid = ''] = line.split(':');
    if (name === group && NUMBER.test(gid)) return Number(gid);
  }
  return null;
}

const NUMBER = /^\d{1,10}$/;

function limitsOf({ maxMemoryBytes, maxProcesses, maxOpenFiles }: Confinement): readonly {
  readonly key: string;
  readonly option: string;
  readonly value: number;
}[] {
  return [
    { key: 'max_memory_bytes', option: 'data', value: maxMemoryBytes },
    { key: 'max_processes', option: 'nproc', value: maxProcesses },
    { key: 'max_open_files', option: 'nofile', value: maxOpenFiles },
  ].flatMap(({ value, ...limit }) => (value === null ? [] : [{ ...limit, value }]));
}

/** The tools are searched where a system keeps its own, not where a pool's environment says. */
function toolPath(machine: ConfiningMachine, tool: 'prlimit' | 'setpriv'): string | null {
  return machine.find(tool, {}, null);
}

const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** As `execvp` looks for it in a directory (null: the present one); null where it would not start. */
export function findProgram(
  program: string,
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string | null,
): string | null {
  const from = cwd ?? '.';
  if (program.includes('/')) return isProgram(resolve(from, program)) ? resolve(from, program) : null;
  for (const directory of (environment['PATH'] ?? USUAL_PATH).split(delimiter)) {
    const path = resolve(from, join(directory, program));
    if (isProgram(path)) return path;
  }
  return null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
