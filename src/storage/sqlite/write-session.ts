import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { StatementCache } from './statement-cache.ts';
import { isStorageFull } from './sqlite-errors.ts';
import type { SqliteFile, SqliteRows, WriteAheadLog } from './worker-protocol.ts';

interface Write {
  readonly parameters: readonly SQLInputValue[];
  /** Where it fails, the savepoint that it stands in is undone by its release. */
  readonly atCommit?: boolean;
  /** Where another number of rows comes back it has failed. */
  readonly foreseen?: number;
}

const busyTimeoutMs = 5000;
/** The write-ahead log is cut back to this after a checkpoint. */
const maxLogBytes = 64 * 1024 * 1024;

export function openConnection(file: SqliteFile, access: 'read' | 'write'): DatabaseSync {
  const database = new DatabaseSync(file.path, {
    timeout: busyTimeoutMs,
    enableForeignKeyConstraints: true,
    readOnly: access === 'read',
  });
  if (access === 'write') {
    database.exec(
      `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${file.synchronous}; PRAGMA journal_size_limit = ${maxLogBytes}`,
    );
    if (file.maxLogPages !== undefined) database.exec(`PRAGMA wal_autocheckpoint = ${file.maxLogPages}`);
  }
  return database;
}

const SQLITE_ABORT = 4;

/** Another number of rows came back than was foreseen. */
export class RowsDiffer extends Error {}

/** The outer transaction is gone, as after a crash of the thread that had it. */
class TransactionLost extends Error {
  readonly errcode = SQLITE_ABORT;

  constructor() {
    super('the transaction was lost');
  }
}

/**
 * The writing connection: one outer transaction at a time, with savepoints in it one after the other. The first needs none
 * of SQLite, which would keep a copy of each page that it changes: where it is undone, so is all that there is.
 * SQLite rolls a whole transaction back by itself on some errors (disk full, I/O). From then on every call up to
 * and including `commit` fails, so that nothing that believes itself inside runs outside.
 */
export class WriteSession {
  readonly #database: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #logLength: StatementSync;
  #broken: unknown = null;
  /** A statement of the savepoint failed after the work had nothing more to ask. */
  #failedAtCommit = false;
  /** Whether the outer transaction holds what a savepoint before this one has left. */
  #holdsEarlier = false;

  constructor(file: SqliteFile) {
    this.#database = openConnection(file, 'write');
    this.#statements = new StatementCache(this.#database);
    this.#logLength = this.#database.prepare('PRAGMA wal_checkpoint(NOOP)');
  }

  /** @throws what made it impossible, as all that follows does until the next one */
  begin(): void {
    this.#broken = null;
    this.#holdsEarlier = false;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      this.#broken = error;
      throw error;
    }
  }

  savepoint(): void {
    this.#failedAtCommit = false;
    if (this.#holdsEarlier) this.#control('SAVEPOINT work');
  }

  release(): void {
    if (this.#failedAtCommit) return this.undo();
    if (this.#holdsEarlier) return this.#control('RELEASE work');
    this.#holdsEarlier = true;
  }

  undo(): void {
    this.#control(this.#holdsEarlier ? 'ROLLBACK TO work; RELEASE work' : 'ROLLBACK; BEGIN IMMEDIATE');
  }

  write(sql: string, { parameters, atCommit = false, foreseen }: Write): SqliteRows {
    this.#assertInside();
    try {
      const result = this.#statements.run(sql, parameters);
      if (foreseen !== undefined && result.rows.length !== foreseen) throw new RowsDiffer();
      return result;
    } catch (error) {
      if (!this.#database.isTransaction) this.#broken = error;
      this.#failedAtCommit ||= atCommit;
      throw error;
    }
  }

  /** @throws what broke the transaction; then nothing of it is kept */
  commit(): void {
    try {
      this.#assertInside();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (isStorageFull(error)) this.#emptyLog();
      throw error;
    } finally {
      this.#broken = null;
    }
  }

  /** How long the write-ahead log is. To be asked outside of a transaction. */
  log(): WriteAheadLog {
    const { log, checkpointed } = this.#logLength.get() ?? {};
    const pages = Number(log);
    return { pages, waiting: pages - Number(checkpointed) };
  }

  /** Carries over into the database what is in its write-ahead log, without waiting for anybody or holding anybody up. */
  checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  }

  close(): void {
    this.#database.close();
  }

  /** Where the disk has no room left, what is written next takes the place of what the log has had, not a new one. */
  #emptyLog(): void {
    try {
      this.checkpoint();
    } catch {
      // The file itself would have to grow.
    }
  }

  #control(sql: string): void {
    try {
      this.#assertInside();
      this.#database.exec(sql);
    } catch (error) {
      this.#broken ??= error;
      throw error;
    }
  }

  #assertInside(): void {
    if (this.#broken !== null) throw this.#broken;
    if (!this.#database.isTransaction) throw new TransactionLost();
  }
}
