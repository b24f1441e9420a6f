import { OmoiError } from '#telemetry';
import type { SqliteReply, SqliteRequest } from './worker-protocol.ts';

/** A request but for its id; `savepoint` and `release` are not answered. */
export type SqliteQuestion =
  Extract<SqliteRequest, { id: number }> extends infer Request
    ? Request extends unknown
      ? Omit<Request, 'id'>
      : never
    : never;
export type SqliteNote = Exclude<SqliteRequest, { id: number }>;

/** Whatever does SQLite's work. Requests are done in the order in which they are made. */
export interface SqliteAccess {
  /** @throws OmoiError `database_failed` when the thread died, `shutting_down` once it is closed */
  ask(question: SqliteQuestion): Promise<SqliteReply>;
  tell(note: SqliteNote): void;
  /** Closes the database behind what was asked before. */
  close(): Promise<void>;
}

export function closedError(what: string): OmoiError {
  return new OmoiError('shutting_down', `the database ${what} is closed`);
}
