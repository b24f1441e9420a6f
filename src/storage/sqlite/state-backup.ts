import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, OmoiError } from '#telemetry';

/** How long it waits where the database is locked, as it is for a moment when a server opens or closes it. */
const busyTimeoutMs = 10_000;

/**
 * Copies the state of a data directory, as it is at one moment, into a new file; also while a server runs on it, which waits
 * for nothing. The file is there when it is whole and on disk. It is the caller's alone.
 * @returns its size in bytes
 * @throws OmoiError `backup_failed` where there is no state in SQLite, the file exists, or it cannot be written
 */
export function backUpState(directory: string, file: string): number {
  const source = join(directory, 'state.sqlite');
  if (!existsSync(source)) {
    throw refused(`there is no state in ${directory}; where it is in PostgreSQL, pg_dump backs it up`);
  }
  if (existsSync(file)) throw refused(`${file} is there already`);
  const unfinished = `${file}.unfinished`;
  const umask = process.umask(0o077);
  try {
    rmSync(unfinished, { force: true });
    const database = new DatabaseSync(source, { readOnly: true, timeout: busyTimeoutMs });
    try {
      database.prepare('VACUUM INTO ?').run(unfinished);
    } finally {
      database.close();
    }
    sync(unfinished);
    renameSync(unfinished, file);
    sync(dirname(file));
    return statSync(file).size;
  } catch (thrown) {
    rmSync(unfinished, { force: true });
    throw refused(`${file} could not be written: ${messageOf(thrown)}`);
  } finally {
    process.umask(umask);
  }
}

function refused(reason: string): OmoiError {
  return new OmoiError('backup_failed', `nothing was backed up: ${reason}`);
}

function sync(path: string): void {
  const opened = openSync(path, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
