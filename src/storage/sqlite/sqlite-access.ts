import type { SQLInputValue } from 'node:sqlite';
import { OmoiError } from '#telemetry';
import type { SqliteReply, SqliteRequest } from './worker-protocol.ts';

/** A request but for its id, with its text whole; `savepoint` and `release` are not answered. */
export type SqliteQuestion =
  | { readonly op: 'begin' | 'undo' | 'commit' | 'checkpoint' | 'lock' | 'unlock' | 'close' }
  | {
      readonly op: 'write' | 'read';
      readonly sql: string;
      readonly parameters: readonly SQLInputValue[];
      /** Nobody waits for its answer before the commit: where it fails, the transaction is not kept. */
      readonly atCommit?: boolean;
      readonly foreseen?: number;
    };
export type SqliteNote = Exclude<SqliteRequest, { id: number }>;

/** Whatever does SQLite's work. Requests are done in the order in which they are made. */
export interface SqliteAccess {
  /**
   * @throws OmoiError `database_failed` when the thread died, `commit_unknown` for a commit that it died within,
   * `shutting_down` once it is closed
   */
  ask(question: SqliteQuestion): Promise<SqliteReply>;
  tell(note: SqliteNote): void;
  /** Closes the database behind what was asked before. */
  close(): Promise<void>;
}

/** Whether an error says that nobody can tell if a commit is on disk. */
export function isCommitUnknown(error: Error | null): error is OmoiError {
  return error instanceof OmoiError && error.code === 'commit_unknown';
}

export function closedError(what: string): OmoiError {
  return new OmoiError('shutting_down', `the database ${what} is closed`);
}
