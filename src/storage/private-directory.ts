import type { Dirent, Stats } from 'node:fs';
import { access, chmod, constants, lstat, open, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, OmoiError } from '#telemetry';
import { inDataDirectory } from './directory-failure.ts';
import { makeDirectory } from './make-directory.ts';

/** Permission bits of the group and of everybody. */
const OTHERS = 0o077;
const PERMISSIONS = 0o777;
/** Set where everybody may make files, as in `/tmp`. */
const STICKY = 0o1000;

const DATABASE = /^(?:state|telemetry)\.sqlite(?:$|[.-])/;
/** What Omoi keeps in its directory; what else lies there is not its own, and is only behind the directory's mode. */
const OWN = [DATABASE, /^server\.json/, /^omoi\.log/, /^omoi\.sock$/, /^(?:tsdb|agents|logs|demo)$/] as const;

/**
 * Makes the data directory with mode 0700, or gives it that mode, and takes all rights of others away from what Omoi
 * keeps inside: databases and their logs, the log of samples, output of agents, the owner's socket. Links are not
 * followed, and nothing is looked for behind a folder that is closed already: there may be 30,000 files.
 * @returns how many modes were changed
 * @throws OmoiError `data_directory_exposed` where others' rights can't be taken away, or where it is no directory of
 *   Omoi's: one that everybody uses, or full of other things; `data_directory_unusable` where there can be none, or
 *   this user may not write to it; `storage_full`
 */
export function makeDataDirectoryPrivate(directory: string): Promise<number> {
  return inDataDirectory(directory, () => makePrivateDirectory(directory));
}

/**
 * Makes the data directory where there is none: what can't be used is said before anything is written.
 * @throws OmoiError `data_directory_unusable`, `storage_full`
 */
export function makeDataDirectory(directory: string): Promise<void> {
  return inDataDirectory(directory, async () => {
    makeDirectory(directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  });
}

/**
 * What would keep a start from using the data directory, as far as can be seen. Changes nothing.
 * @throws OmoiError as `makeDataDirectoryPrivate`
 */
export function checkDataDirectory(directory: string): Promise<void> {
  return inDataDirectory(directory, async () => {
    const found = await stat(directory).catch(nullWhereMissing);
    if (found === null) return assertPossible(directory);
    if (!found.isDirectory()) throw failureWith('ENOTDIR', directory);
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    if (process.platform === 'win32' || !isOpen(found)) return;
    assertOwnDirectory(directory, found, await readdir(directory, { withFileTypes: true }));
  });
}

/** @throws Error where no directory can be made there, by what is above it */
async function assertPossible(directory: string): Promise<void> {
  // A link to what is not there, and names that are too long for the file system.
  if ((await lstat(directory).catch(nullWhereMissing)) !== null) throw failureWith('ENOTDIR', directory);
  const above = dirname(directory);
  const found = await stat(above).catch(nullWhereMissing);
  if (found === null) return assertPossible(above);
  if (!found.isDirectory()) throw failureWith('ENOTDIR', above);
  await access(above, constants.W_OK | constants.X_OK);
}

function nullWhereMissing(thrown: unknown): null {
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
  throw thrown;
}

function failureWith(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

async function makePrivateDirectory(directory: string): Promise<number> {
  await makeDataDirectory(directory);
  // Windows has no such modes.
  if (process.platform === 'win32') return 0;
  const entries = await readdir(directory, { withFileTypes: true });
  const top = await lstat(`${directory}/.`);
  if (isOpen(top)) assertOwnDirectory(directory, top, entries);
  let changed = await takeRightsOfOthers(directory, directory);
  for (const { name } of entries) {
    if (isOwn(name)) changed += await makePrivate(join(directory, name), directory);
  }
  return changed;
}

/**
 * Makes an empty file that only its owner may read, where there is none: SQLite gives its own files the same mode.
 * @throws OmoiError `data_directory_unusable`, `storage_full`
 */
export async function makePrivateFile(path: string): Promise<void> {
  await inDataDirectory(dirname(path), async () => {
    try {
      await (await open(path, 'wx', 0o600)).close();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  });
}

function isOwn(name: string): boolean {
  return OWN.some((pattern) => pattern.test(name));
}

function isOpen({ mode }: Stats): boolean {
  return (mode & OTHERS) !== 0;
}

/** To close a directory in which others work would stop them. */
function assertOwnDirectory(directory: string, top: Stats, entries: readonly Dirent[]): void {
  const isOurs = entries.some(({ name }) => DATABASE.test(name)) || entries.every(({ name }) => isOwn(name));
  if (isOurs && (top.mode & STICKY) === 0) return;
  throw new OmoiError(
    'data_directory_exposed',
    `data_directory: others may enter ${directory} (mode ${modeText(top)}), and it holds other things than Omoi's; ` +
      `name a directory of Omoi's own, or type: chmod 700 ${directory}`,
    { path: directory },
  );
}

async function makePrivate(path: string, directory: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (found === null || found.isSymbolicLink() || !isOpen(found)) return 0;
  let changed = 0;
  if (found.isDirectory()) {
    for (const name of await readdir(path)) changed += await makePrivate(join(path, name), directory);
  }
  // The folder comes last: where this is interrupted, the next start goes on.
  return changed + (await takeRightsOfOthers(path, directory));
}

/** @returns 1 where the mode was changed, 0 where others had no rights */
async function takeRightsOfOthers(path: string, directory: string): Promise<number> {
  const before = await lstat(path === directory ? `${path}/.` : path);
  if (!isOpen(before)) return 0;
  const failure = await chmod(path, before.mode & PERMISSIONS & ~OTHERS).then(() => null, messageOf);
  // Some file systems take a new mode without an error, and keep the old one.
  const after = await lstat(path === directory ? `${path}/.` : path);
  if (!isOpen(after)) return 1;
  throw new OmoiError(
    'data_directory_exposed',
    `data_directory: others may read ${path} (mode ${modeText(after)}${failure === null ? '' : `; ${failure}`}), and it may ` +
      `hold secrets; as its owner type: chmod -R go-rwx ${directory} - or choose a directory on a file system that ` +
      'keeps modes.',
    { path },
  );
}

function modeText({ mode }: Stats): string {
  return (mode & PERMISSIONS).toString(8).padStart(4, '0');
}
