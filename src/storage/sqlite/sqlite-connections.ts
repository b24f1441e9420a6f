import { FileLock, LockRefused } from './file-lock.ts';
import { StatementCache } from './statement-cache.ts';
import { StatementTexts } from './statement-numbers.ts';
import type {
  SqliteFailure,
  SqliteFile,
  SqliteReply,
  SqliteRequest,
  SqliteRows,
  WriteAheadLog,
} from './worker-protocol.ts';
import { openConnection, RowsDiffer, WriteSession } from './write-session.ts';

const NOTHING: SqliteRows = { rows: [], changes: null, lastInsertRowid: null };

interface Reader {
  readonly statements: StatementCache;
  close(): void;
}

/** Does what is asked of one SQLite file, on the spot: a writing and a reading connection, opened when needed. */
export class SqliteConnections {
  readonly #file: SqliteFile;
  #writer: WriteSession | null = null;
  #reader: Reader | null = null;
  #lock: FileLock | null = null;
  readonly #texts = new StatementTexts();
  readonly #onCommit: () => void;

  /** @param onCommit called before each commit begins */
  constructor(file: SqliteFile, onCommit: () => void = () => undefined) {
    this.#file = file;
    this.#onCommit = onCommit;
  }

  /** @throws LockRefused */
  lock(): void {
    this.#lock ??= new FileLock(`${this.#file.path}.lock`, process.pid);
  }

  /** The reply, or null for a request that gets none. Never throws. */
  answer(request: SqliteRequest): SqliteReply | null {
    const id = 'id' in request ? request.id : null;
    try {
      const result = this.#perform(request);
      if (id === null) return null;
      const log = request.op === 'commit' ? this.#logIfKnown() : null;
      return { id, ok: true, result, ...(log && { log }) };
    } catch (error) {
      return id === null ? null : { id, ok: false, failure: failureOf(error) };
    }
  }

  #perform(request: SqliteRequest): SqliteRows {
    switch (request.op) {
      case 'read':
        return (this.#reader ??= openReader(this.#file)).statements.run(
          this.#texts.of(request.sql),
          request.parameters,
        );
      case 'write':
        return this.#writing().write(this.#texts.of(request.sql), request);
      case 'begin':
      case 'savepoint':
      case 'release':
      case 'undo':
        this.#writing()[request.op]();
        return NOTHING;
      case 'commit':
        this.#onCommit();
        this.#writing().commit();
        return NOTHING;
      case 'checkpoint':
        this.#writing().checkpoint();
        return NOTHING;
      case 'lock':
        this.lock();
        return NOTHING;
      case 'unlock':
        this.#lock?.release();
        this.#lock = null;
        return NOTHING;
      case 'close':
        this.#reader?.close();
        this.#writer?.close();
        this.#lock?.release();
        return NOTHING;
    }
  }

  /** What was committed is committed, also where nobody can say how long the log is. */
  #logIfKnown(): WriteAheadLog | null {
    try {
      return this.#writing().log();
    } catch {
      return null;
    }
  }

  #writing(): WriteSession {
    return (this.#writer ??= new WriteSession(this.#file));
  }
}

function openReader(file: SqliteFile): Reader {
  const database = openConnection(file, 'read');
  return { statements: new StatementCache(database), close: () => database.close() };
}

function failureOf(error: unknown): SqliteFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof LockRefused) {
    return { message, resultCode: null, ...(error.heldByPid !== null && { heldByPid: error.heldByPid }) };
  }
  if (error instanceof RowsDiffer) return { message, resultCode: null, unforeseen: true };
  const resultCode =
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : null;
  return { message, resultCode };
}
