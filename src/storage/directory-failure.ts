import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, OmoiError } from '#telemetry';

/**
 * Does something in the data directory.
 * @throws OmoiError `data_directory_unusable`, which names what is in the way and says what to do; `storage_full`
 */
export async function inDataDirectory<Done>(directory: string, work: () => Promise<Done>): Promise<Done> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof OmoiError ? thrown : await failureOf(directory, thrown);
  }
}

async function failureOf(directory: string, thrown: unknown): Promise<OmoiError> {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new OmoiError('storage_full', `the disk of ${directory} is full`, { path: directory }, thrown);
  }
  const reason =
    (await obstacleTo(directory)) ?? (await whatTheSystemSays(directory, code)) ?? messageOf(thrown);
  return new OmoiError(
    'data_directory_unusable',
    `data_directory: ${directory} can’t be used: ${reason}`,
    { path: directory },
    thrown,
  );
}

/** What stands where the directory or one above it would be; null where nothing does. */
async function obstacleTo(directory: string): Promise<string | null> {
  const nearest = await lstat(directory).catch(() => null);
  const above = dirname(directory);
  if (nearest === null) return above === directory ? null : obstacleTo(above);
  if (nearest.isDirectory()) return null;
  const behind = await stat(directory).catch(() => null);
  if (behind?.isDirectory()) return null;
  if (!nearest.isSymbolicLink()) return `${directory} is a file; move it away`;
  const target = await readlink(directory);
  return behind === null
    ? `${directory} is a link to ${target}, which is not there; make that directory, or remove the link`
    : `${directory} is a link to ${target}, which is a file; remove the link`;
}

async function whatTheSystemSays(directory: string, code: unknown): Promise<string | null> {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `this user may not write there; as one who may, type: mkdir -p ${directory} && chown ${userName()} ${directory}`;
    case 'EROFS':
      return 'it is on a file system that is mounted read-only';
    case 'ENOENT':
      return `nothing can be made in ${await nearestAbove(directory)}; name a directory on a disk`;
    case 'ENAMETOOLONG':
      return 'its name is too long';
    default:
      return null;
  }
}

/** The first one above that is there. */
async function nearestAbove(directory: string): Promise<string> {
  const above = dirname(directory);
  const found = await lstat(above).catch(() => null);
  return found !== null || above === directory ? above : nearestAbove(above);
}

/** By number: an account need not have a name. */
function userName(): string {
  return String(process.getuid?.() ?? '');
}
