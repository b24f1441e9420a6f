import type { SQLInputValue } from 'node:sqlite';
import type { MessagePort } from 'node:worker_threads';

/** What a SQLite thread is started with. */
export interface SqliteFile {
  readonly path: string;
  /** `full`: a commit is on disk before it is answered. `normal`: never corrupt, the last commits may be lost. */
  readonly synchronous: 'full' | 'normal' | 'off';
  /** Whether other threads go first where CPUs are scarce. */
  readonly background?: boolean;
  /**
   * The commit that makes the write-ahead log longer than this many pages carries it over into the database itself, as far as
   * nobody else has; SQLite's own default (1,000) where absent.
   */
  readonly maxLogPages?: number;
}

/** What the thread is started with, beside its file. */
export interface SqliteWorkerData extends SqliteFile {
  /** Whether it takes the lock before anything else: the thread before it held it. */
  readonly takesLock: boolean;
  /** One number that both threads see: how many commits the thread has begun. */
  readonly commitsBegun: SharedArrayBuffer;
  readonly replyWay: ReplyWay;
}

/** How the thread replies. */
export interface ReplyWay {
  readonly port: MessagePort;
  /** One number that both threads see: how many messages the thread has sent. */
  readonly sent: SharedArrayBuffer;
}

/**
 * A statement: its text, or the number that a text was given when it was sent for the first time. Texts are longer
 * than all that goes with them, and the same few are sent thousands of times a second.
 */
export type StatementText = string | number | { readonly text: string; readonly number: number };

/**
 * What the main thread asks of the thread that owns the database. A message is a list of requests, done in the order
 * in which they were made, and answered by one list of replies. `savepoint` and `release` get no reply: a failure
 * shows at the next request of the transaction.
 */
export type SqliteRequest =
  | { readonly op: 'savepoint' | 'release' }
  | {
      readonly id: number;
      readonly op: 'begin' | 'undo' | 'commit' | 'checkpoint' | 'lock' | 'unlock' | 'close';
    }
  | {
      readonly id: number;
      readonly op: 'write' | 'read';
      readonly sql: StatementText;
      readonly parameters: readonly SQLInputValue[];
      /** Nobody waits for its answer before the `release` is sent: where it fails, that undoes the savepoint. */
      readonly atCommit?: boolean;
      /** Where another number of rows comes back the statement counts as failed. */
      readonly foreseen?: number;
    };

export interface SqliteRows {
  readonly rows: readonly unknown[];
  /** Rows changed; null for statements that return rows. */
  readonly changes: number | null;
  readonly lastInsertRowid: number | null;
}

/** The write-ahead log after a commit, in pages. */
export interface WriteAheadLog {
  readonly pages: number;
  /** Not carried over into the database yet. */
  readonly waiting: number;
}

export interface SqliteFailure {
  readonly message: string;
  /** SQLite's extended result code; null for errors of other kinds. */
  readonly resultCode: number | null;
  /** Another number of rows came back than was foreseen. */
  readonly unforeseen?: true;
  /** The process that holds the lock, where a lock was refused. */
  readonly heldByPid?: number;
}

export type SqliteReply =
  | { readonly id: number; readonly ok: true; readonly result: SqliteRows; readonly log?: WriteAheadLog }
  | { readonly id: number; readonly ok: false; readonly failure: SqliteFailure };
