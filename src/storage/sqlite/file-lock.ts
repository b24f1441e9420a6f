import { DatabaseSync } from 'node:sqlite';

const refusalTimeoutMs = 250;

/** Another process holds the lock. */
export class LockRefused extends Error {
  readonly heldByPid: number | null;

  constructor(heldByPid: number | null) {
    super('another process holds the lock');
    this.heldByPid = heldByPid;
  }
}

/**
 * An exclusive lock on a file that the operating system takes back when the holder dies, however it dies.
 * The file is a small SQLite database: its one row names the holder, and an open write transaction is the lock,
 * which leaves the row readable for whoever is refused.
 */
export class FileLock {
  readonly #database: DatabaseSync;

  /** @throws LockRefused */
  constructor(path: string, pid: number) {
    this.#database = new DatabaseSync(path, { timeout: refusalTimeoutMs });
    try {
      this.#database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; BEGIN IMMEDIATE');
      this.#database.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL); DELETE FROM holder');
      this.#database.prepare('INSERT INTO holder (pid) VALUES (?)').run(pid);
      // Between these two another process may slip in; then this one is refused, and the row is the other's.
      this.#database.exec('COMMIT; BEGIN IMMEDIATE');
    } catch (error) {
      const heldByPid = isBusy(error) ? this.#holder() : null;
      this.#database.close();
      throw isBusy(error) ? new LockRefused(heldByPid) : error;
    }
  }

  release(): void {
    this.#database.close();
  }

  #holder(): number | null {
    try {
      const row = this.#database.prepare('SELECT pid FROM holder').get();
      return row === undefined ? null : Number(row['pid']);
    } catch {
      // The holder is just writing its row; the refusal stands without the name.
      return null;
    }
  }
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}
