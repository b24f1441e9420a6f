import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock, OmoiError, silentLogger, type Logger } from '#telemetry';
import { openStateDatabase, openTelemetryDatabase } from './open.ts';
import { checkDataDirectory, makeDataDirectoryPrivate } from './private-directory.ts';

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'omoi-private-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function make(path: string, mode: number, content: string | null = null): string {
  const full = join(root, path);
  if (content === null) mkdirSync(full, { recursive: true });
  else writeFileSync(full, content);
  chmodSync(full, mode);
  return full;
}

function link(target: string): string {
  const path = join(root, 'link');
  symlinkSync(target, path);
  return path;
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

async function codeFrom(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    if (!(error instanceof OmoiError)) throw error;
    return error.code;
  }
}

describe('a data directory', () => {
  it('that existed with 0755 and open files is closed, its files too, and links lead nowhere', async () => {
    const data = make('data', 0o755);
    make('data/state.sqlite', 0o644, '');
    make('data/state.sqlite-wal', 0o664, '');
    make('data/omoi.log.1', 0o644, '');
    make('data/agents', 0o755);
    make('data/agents/pb-1', 0o755);
    const output = make('data/agents/pb-1/1.stdout.log', 0o644, '');
    const foreign = make('foreign', 0o644, '');
    symlinkSync(foreign, join(data, 'agents/link'));
    expect(await makeDataDirectoryPrivate(data)).toBe(7);
    expect(modeOf(data)).toBe('700');
    expect(modeOf(join(data, 'state.sqlite'))).toBe('600');
    expect(modeOf(join(data, 'state.sqlite-wal'))).toBe('600');
    expect(modeOf(join(data, 'omoi.log.1'))).toBe('600');
    expect(modeOf(join(data, 'agents/pb-1'))).toBe('700');
    expect(modeOf(output)).toBe('600');
    expect(modeOf(foreign)).toBe('644');
    expect(await makeDataDirectoryPrivate(data)).toBe(0);
  });

  it('keeps the modes of what is not Omoi’s, behind its own', async () => {
    const data = make('data', 0o755);
    make('data/state.sqlite', 0o600, '');
    const script = make('data/start.sh', 0o755, '');
    await makeDataDirectoryPrivate(data);
    expect(modeOf(data)).toBe('700');
    expect(modeOf(script)).toBe('755');
  });

  it.each([
    ['full of other things', 0o755, 'notes.txt'],
    ['in which everybody makes files', 0o1777, 'state.sqlite'],
  ])('%s is refused and left as it is', async (_, mode, entry) => {
    const data = make('data', mode);
    make(`data/${entry}`, 0o644, '');
    expect(await codeFrom(makeDataDirectoryPrivate(data))).toBe('data_directory_exposed');
    expect(statSync(data).mode & 0o7777).toBe(mode);
    expect(modeOf(join(data, entry))).toBe('644');
  });

  it.each<[string, () => string, string]>([
    ['that is a file', () => make('file', 0o600, ''), 'file is a file; move it away'],
    ['below a file', () => join(make('file', 0o600, ''), 'a/b'), 'file is a file; move it away'],
    ['that is a link to nothing', () => link('nowhere'), 'which is not there; make that directory'],
    ['below a link to nothing', () => join(link('nowhere'), 'a'), 'which is not there; make that directory'],
    ['that is a link to a file', () => link(make('file', 0o600, '')), 'which is a file; remove the link'],
    ['whose links lead in a circle', () => link(join(root, 'link')), 'which is not there'],
    [
      'in which nothing can be made',
      () => '/proc/omoi/data',
      'nothing can be made in /proc; name a directory on a disk',
    ],
    ['whose name is too long', () => join(root, 'n'.repeat(300)), 'its name is too long'],
  ])('%s is refused with what is in the way and what to do', async (_, made, says) => {
    const refusal = makeDataDirectoryPrivate(made());
    await expect(refusal).rejects.toMatchObject({ code: 'data_directory_unusable' });
    await expect(refusal).rejects.toThrow(says);
  });

  it.skipIf(process.getuid?.() === 0)('that this user may not write to is refused', async () => {
    const data = make('data', 0o500);
    await expect(makeDataDirectoryPrivate(data)).rejects.toThrow('this user may not write there');
    await expect(makeDataDirectoryPrivate(join(data, 'a'))).rejects.toMatchObject({
      code: 'data_directory_unusable',
    });
  });

  it('with other things is used where it is closed', async () => {
    const data = make('data', 0o700);
    make('data/notes.txt', 0o644, '');
    expect(await makeDataDirectoryPrivate(data)).toBe(0);
  });

  it('holds databases that only their owner reads, with their logs, under any umask', async () => {
    const data = make('data', 0o755);
    const warnings: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (_, text) => void warnings.push(text) };
    const options = { directory: data, clock: createSystemClock(), logger, role: 'server' } as const;
    const telemetry = await openTelemetryDatabase(options);
    const state = await openStateDatabase(options);
    try {
      const modes = readdirSync(data).map((name) => [name, modeOf(join(data, name))]);
      expect(modes.map(([name]) => name)).toEqual(
        expect.arrayContaining([
          'state.sqlite',
          'state.sqlite-wal',
          'state.sqlite-shm',
          'telemetry.sqlite-wal',
        ]),
      );
      expect(modes.filter(([, mode]) => mode !== '600')).toEqual([]);
      expect(modeOf(data)).toBe('700');
      expect(warnings).toEqual([expect.stringContaining('Others could read the data directory')]);
    } finally {
      await state.close();
      await telemetry.close();
    }
  });
});

/** Each in a folder of its own. */
const DIRECTORIES: readonly (readonly [string, () => string])[] = [
  ['one that is there', () => make('data', 0o700)],
  [
    'one of Omoi that others may enter',
    () => (make('data', 0o755), make('data/state.sqlite', 0o644, ''), join(root, 'data')),
  ],
  ['one to be made, two steps down', () => join(root, 'a/b')],
  ['a file', () => make('file', 0o600, '')],
  ['what is below a file', () => join(make('file', 0o600, ''), 'a/b')],
  ['a link to nothing', () => link(join(root, 'gone'))],
  ['a name that is too long', () => join(root, 'd'.repeat(300))],
  ['what is below a name that is too long', () => join(root, 'd'.repeat(300), 'a')],
  [
    'a directory of others',
    () => (make('full', 0o755), make('full/letter.txt', 0o644, ''), join(root, 'full')),
  ],
  ['a directory that everybody uses', () => make('all', 0o1777)],
];

it.each(DIRECTORIES)('a look at %s says what a start says, and changes nothing', async (_, prepare) => {
  const directory = prepare();
  const before = readdirSync(root, { recursive: true })
    .map(String)
    .toSorted((a, b) => a.localeCompare(b));
  const said = await checkDataDirectory(directory).then(() => null, String);
  expect(
    readdirSync(root, { recursive: true })
      .map(String)
      .toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(before);
  expect(said).toEqual(await makeDataDirectoryPrivate(directory).then(() => null, String));
});
