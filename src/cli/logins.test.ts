import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginFile, readLogins, writeLogins, type Environment } from './logins.ts';
import { serverOf } from './server-client.ts';

const HERE = process.cwd();
let home: string;
let env: Environment;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'omoi-logins-'));
  env = { XDG_CONFIG_HOME: home };
  process.chdir(home);
});
afterEach(() => {
  process.chdir(HERE);
  rmSync(home, { recursive: true });
});

const LOGINS = { current: 'http://far:4600', tokens: { 'http://far:4600': 'secret' } };

describe('the file of logins', () => {
  it('is its owner’s alone', () => {
    const file = writeLogins(LOGINS, env);
    expect(file).toBe(join(home, 'omoi', 'logins.json'));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'omoi')).mode & 0o777).toBe(0o700);
    expect(readLogins(env)).toEqual(LOGINS);
  });

  it('is refused where others may read it', () => {
    chmodSync(writeLogins(LOGINS, env), 0o640);
    expect(() => readLogins(env)).toThrow(/others may read it: chmod 600/);
  });

  it('is refused where it is none', () => {
    writeFileSync(writeLogins(LOGINS, env), '{', { mode: 0o600 });
    expect(() => readLogins(env)).toThrow(/log in again/);
  });

  it.each([
    ['a pipe', (file: string) => execFileSync('mkfifo', ['-m', '600', file])],
    ['a directory', (file: string) => mkdirSync(file, 0o700)],
  ])('is refused where it is %s', (_what, make) => {
    const file = writeLogins(LOGINS, env);
    rmSync(file);
    make(file);
    expect(() => readLogins(env)).toThrow(/can't be read: remove it and log in again/);
  });

  it('is none where nobody has logged in', () => {
    expect(readLogins(env)).toEqual({ current: null, tokens: {} });
  });

  it('lies below the home where XDG says nothing absolute', () => {
    expect(loginFile({ HOME: '/home/ann', XDG_CONFIG_HOME: 'relative' })).toBe(
      '/home/ann/.config/omoi/logins.json',
    );
  });

  it.each([[''], ['relative'], [undefined]])('never lies where a command happens to run: HOME=%s', (HOME) => {
    expect(loginFile({ HOME })).toBe(join(userInfo().homedir, '.config/omoi/logins.json'));
  });

  it('that can’t be written is said in one line', () => {
    writeFileSync(join(home, 'file'), '');
    expect(() => writeLogins(LOGINS, { XDG_CONFIG_HOME: join(home, 'file') })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringMatching(/logins\.json can't be written: .*\$OMOI_TOKEN/) as string,
      }),
    );
  });
});

describe('the server that is meant', () => {
  const far = (url: string, token: string | null) => ({ kind: 'remote', url, token });
  const local = (dataDirectory: string) => ({ kind: 'local', dataDirectory });

  it.each([
    ['an option', { url: 'http://a' }, { OMOI_URL: 'http://b', OMOI_TOKEN: 't' }, far('http://a', 't')],
    ['the directory of an option', { dataDirectory: 'd' }, { OMOI_URL: 'http://b' }, local('d')],
    ['$OMOI_URL', {}, { OMOI_URL: 'http://b', OMOI_DATA_DIRECTORY: 'e' }, far('http://b', null)],
    ['$OMOI_DATA_DIRECTORY', {}, { OMOI_DATA_DIRECTORY: 'e' }, local('e')],
    ['the last login', {}, {}, far('http://far:4600', 'secret')],
    ['the login of an address', { url: 'http://far:4600/' }, {}, far('http://far:4600/', 'secret')],
    [
      '$OMOI_TOKEN before a login',
      { url: 'http://far:4600' },
      { OMOI_TOKEN: 't' },
      far('http://far:4600', 't'),
    ],
    [
      'a login where $OMOI_TOKEN is empty',
      { url: 'http://far:4600' },
      { OMOI_TOKEN: ' ' },
      far('http://far:4600', 'secret'),
    ],
    ['$OMOI_TOKEN as a file ends it', { url: 'http://a' }, { OMOI_TOKEN: 't\n' }, far('http://a', 't')],
  ])('is that of %s', (_, flags, more, server) => {
    writeLogins(LOGINS, env);
    expect(serverOf(flags, { ...env, ...more })).toEqual(server);
  });

  it('is the one that runs here where nobody says anything', () => {
    expect(serverOf({}, env)).toEqual(local('.omoi'));
  });
});
