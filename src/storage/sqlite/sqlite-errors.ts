import { OmoiError } from '#telemetry';
import { UnforeseenRows } from '../database.ts';
import type { SqliteFailure } from './worker-protocol.ts';

/** Primary result codes: https://sqlite.org/rescode.html */
const SQLITE_FULL = 13;
/** What the machine did, not the statement: repeating it later may succeed. */
const MACHINE_FAILURES: ReadonlySet<number> = new Set([
  4, // ABORT
  5, // BUSY
  6, // LOCKED
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  11, // CORRUPT
  14, // CANTOPEN
  15, // PROTOCOL
  26, // NOTADB
]);

/** Whether SQLite itself says that there is no room. */
export function isStorageFull(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && primaryOf(Number(error.errcode)) === SQLITE_FULL;
}

const primaryOf = (resultCode: number): number => resultCode & 0xff;

/**
 * The error that a caller sees: `storage_full`, `database_failed`, `UnforeseenRows`, or (a broken constraint, wrong SQL) a plain
 * Error with SQLite's words, which is the programmer's to prevent.
 */
export function errorOf(failure: SqliteFailure, path: string): Error {
  const { message, resultCode, unforeseen } = failure;
  if (unforeseen) return new UnforeseenRows();
  if (resultCode === null) return new Error(message);
  const primary = primaryOf(resultCode);
  if (primary === SQLITE_FULL) {
    return new OmoiError('storage_full', `the disk of ${path} is full`, { resultCode });
  }
  if (MACHINE_FAILURES.has(primary)) {
    return new OmoiError('database_failed', `${path}: ${message}`, { resultCode });
  }
  return new Error(message);
}
