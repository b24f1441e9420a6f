import { chmodSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { readTextFile } from '#server';
import { makeDirectory } from '#storage';
import { messageOf, OmoiError } from '#telemetry';
import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

const logins = z.object({
  /** The address of the server of the last login. */
  current: z.string().nullable(),
  /** By the origin of their addresses: `http://host:4600`. */
  tokens: z.record(z.string(), z.string()),
});

/** The servers that this user has logged in to with `omoi login`. */
export type Logins = z.output<typeof logins>;

const NOBODY: Logins = { current: null, tokens: {} };
/** What others than the owner may do with a file. */
const OTHERS = 0o077;

/** `$XDG_CONFIG_HOME/omoi/logins.json`, else below `~/.config`. */
export function loginFile(env: Environment): string {
  // A relative path is to be ignored (XDG Base Directory Specification).
  const given = env['XDG_CONFIG_HOME'] ?? '';
  return join(given.startsWith('/') ? given : join(homeOf(env), '.config'), 'omoi', 'logins.json');
}

/** Never the directory in which a command happens to run, where a token would lie among a project's files. */
function homeOf({ HOME: home = '' }: Environment): string {
  return home.startsWith('/') ? home : userInfo().homedir;
}

/** @throws OmoiError `config_invalid` where others may read the file, or it is none of Omoi's */
export function readLogins(env: Environment): Logins {
  const file = loginFile(env);
  let text: string;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) throw unreadable(file);
    if ((stat.mode & OTHERS) !== 0) {
      throw new OmoiError('config_invalid', `${file} holds tokens and others may read it: chmod 600 ${file}`);
    }
    text = readTextFile(file);
  } catch (thrown) {
    if (thrown instanceof OmoiError) throw thrown;
    return NOBODY;
  }
  try {
    return logins.parse(JSON.parse(text));
  } catch {
    throw unreadable(file);
  }
}

function unreadable(file: string): OmoiError {
  return new OmoiError('config_invalid', `${file} can't be read: remove it and log in again (omoi login)`);
}

/** The token of the login to the server at an address; null where there is none. */
export function tokenFor(url: string, env: Environment): string | null {
  return URL.canParse(url) ? (readLogins(env).tokens[new URL(url).origin] ?? null) : null;
}

/** Its owner's alone, whole or not at all. @returns the file @throws OmoiError `config_invalid` where it can't be written */
export function writeLogins(changed: Logins, env: Environment): string {
  const file = loginFile(env);
  try {
    makeDirectory(dirname(file));
    const next = `${file}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(changed)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, file);
  } catch (thrown) {
    throw new OmoiError(
      'config_invalid',
      `${file} can't be written: ${messageOf(thrown)}; set $XDG_CONFIG_HOME to a directory of yours, or put the token into $OMOI_TOKEN`,
    );
  }
  return file;
}
