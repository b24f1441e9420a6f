import { OmoiError, type Clock, type Logger } from '#telemetry';
import type { Database, DatabaseTransaction } from '../database.ts';
import { Checkpoints, maxLogPages, type LogLength } from './checkpoints.ts';
import { CommitQueue, type CommitQueueOptions } from './commit-queue.ts';
import { createReader, createWriter, ThreadConnection } from './sqlite-dialect.ts';
import { errorOf } from './sqlite-errors.ts';
import { InlineSqlite } from './inline-sqlite.ts';
import { ReaderAsNeeded } from './reader-as-needed.ts';
import { closedError, type SqliteAccess } from './sqlite-access.ts';
import { SqliteThread } from './sqlite-thread.ts';
import type { SqliteFile } from './worker-protocol.ts';

export interface SqliteDatabaseOptions {
  readonly file: SqliteFile;
  /**
   * `two`: reads never wait for writes nor hold them up, at the price of a second thread (some 13 MB). `as_needed`: the
   * second one is there while reads and writes meet. `one` does both, in the order in which they come. `none`: in the
   * thread of the caller, for tests and simulations.
   */
  readonly threads: 'two' | 'as_needed' | 'one' | 'none';
  /**
   * Whether what is committed is carried over into the file in a thread of its own while much is written, which no commit
   * waits for; else by the writer.
   */
  readonly checkpointsBeside?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Called when the writing thread has died within a commit. Callers had `commit_unknown`, and no effect of theirs was
   * run; nothing is written any more. Memory may differ from what is on disk, so that the process has to end.
   */
  readonly onCommitUnknown?: (error: OmoiError) => void;
}

/** A SQLite database, with the lock that tells servers on one directory apart. */
export interface SqliteDatabase<Tables> extends Database<Tables> {
  readonly dialect: 'sqlite';
  /** @throws OmoiError `database_busy` naming the process that holds the lock */
  lock(): Promise<void>;
  unlock(): Promise<void>;
}

/** A thread that nobody asks only takes memory. */
const endIdleAfterMs = 30_000;
/** A calm database has a checkpoint now and then; while much is written, one follows another. */
const endIdleCheckpointsAfterMs = 5000;

interface Threads {
  readonly writer: SqliteAccess;
  readonly readerThread: SqliteAccess;
  /** Null where the writer sees to it. */
  readonly checkpoints: Checkpoints | null;
}

function openThreads(
  { file, clock, logger, threads, checkpointsBeside = false }: SqliteDatabaseOptions,
  isUrgent: () => boolean,
): Threads {
  if (threads === 'none') {
    const inline = new InlineSqlite(file);
    return { writer: inline, readerThread: inline, checkpoints: null };
  }
  const checkpoints = checkpointsBeside
    ? // Not in the background: while others had the CPUs it would hold the log back from beginning anew.
      new Checkpoints(
        new SqliteThread(file, { idle: { clock, endIdleAfterMs: endIdleCheckpointsAfterMs } }),
        (length) => tellLength(length, file.path, logger),
      )
    : null;
  const writer = new SqliteThread(checkpoints ? { ...file, maxLogPages } : file, { isUrgent });
  if (threads === 'one') return { writer, readerThread: writer, checkpoints };
  const reading = new SqliteThread(file, { idle: { clock, endIdleAfterMs } });
  const readerThread = threads === 'two' ? reading : new ReaderAsNeeded(writer, reading);
  return { writer, readerThread, checkpoints };
}

function tellLength(length: LogLength, path: string, logger: Logger): void {
  if (length === 'bounded') {
    logger.info({ path }, 'The write-ahead log of the database has begun anew.');
    return;
  }
  logger.warn(
    { path },
    'The write-ahead log of the database only grows: a transaction of another program that reads it does not end. ' +
      'Find the program by `fuser` and end it before the disk is full.',
  );
}

/** Opens the database on its threads; the file is made when it is missing. */
export function createSqliteDatabase<Tables>(options: SqliteDatabaseOptions): SqliteDatabase<Tables> {
  const { file, clock, logger } = options;
  const { path } = file;
  const { writer, readerThread, checkpoints } = openThreads(options, () => queue.hasUrgent);
  const onCommitUnknown = (error: OmoiError): void => {
    logger.error(
      { path, error: error.message },
      'Nobody knows whether a commit is on disk: nothing is written any more. A start of Omoi reads what is there.',
    );
    options.onCommitUnknown?.(error);
  };
  const thread: CommitQueueOptions['thread'] = {
    async ask(question) {
      const reply = await writer.ask(question);
      if (question.op === 'commit') checkpoints?.noteCommit(reply);
      return reply;
    },
  };
  const queue = new CommitQueue({ thread, path, clock, logger, onCommitUnknown });
  const connection = new ThreadConnection(writer, { path, access: 'write' });
  const db = createWriter<Tables>(connection);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    await queue.idle();
    await readerThread.close();
    await checkpoints?.close();
    await writer.close();
  }

  return {
    dialect: 'sqlite',
    reader: createReader<Tables>(readerThread, path),
    transaction(work, transactionOptions) {
      if (closing) return Promise.reject(closedError(path));
      return queue.enqueue(async ({ afterCommit, afterRollback }, expectAnswer) => {
        const closing: (() => void)[] = [];
        const atCommit: DatabaseTransaction<Tables>['atCommit'] = (statement, { onRows, foreseen } = {}) => {
          closing.push(() => expectAnswer(connection.atCommit(statement, foreseen).then(onRows)));
        };
        const nowMs = Math.trunc(clock.wallMs());
        writer.tell({ op: 'savepoint' });
        try {
          const result = await work({ dialect: 'sqlite', db, nowMs, atCommit, afterCommit, afterRollback });
          for (const send of closing) send();
          writer.tell({ op: 'release' });
          return result;
        } catch (error) {
          // When this fails the outer transaction is broken as a whole, and its commit says so.
          await writer.ask({ op: 'undo' }).catch(() => undefined);
          throw error;
        }
      }, transactionOptions);
    },
    close: () => (closing ??= close()),
    async lock() {
      const reply = await writer.ask({ op: 'lock' });
      if (reply.ok) return;
      const { heldByPid, resultCode } = reply.failure;
      if (resultCode !== null) throw errorOf(reply.failure, path);
      const holder = heldByPid === undefined ? 'another process' : `the process ${heldByPid}`;
      throw new OmoiError(
        'database_busy',
        `${holder} uses ${path}; stop it, or choose another data directory`,
        { path, pid: heldByPid ?? null },
      );
    },
    async unlock() {
      await writer.ask({ op: 'unlock' });
    },
  };
}
