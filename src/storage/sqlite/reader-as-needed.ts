import type { SqliteAccess, SqliteQuestion } from './sqlite-access.ts';
import type { SqliteThread } from './sqlite-thread.ts';
import type { SqliteReply } from './worker-protocol.ts';

/** So many reads at most stand before a write that comes while they are done. */
const maxReadsOnWriter = 4;

/**
 * The reads of a database that is calm most of the time. They are done in the thread that writes, on a connection of
 * their own, until one would wait there, for writes or for more reads than a few: that starts a thread of their own,
 * which takes over when it is up, and ends when nobody has asked it for long. A calm server has a thread (some 13 MB)
 * less, and no read waits for one to start, which takes as long as many commits.
 */
export class ReaderAsNeeded implements SqliteAccess {
  readonly #writer: SqliteThread;
  readonly #own: SqliteThread;
  #readsOnWriter = 0;
  /** Whether the reads' own thread has answered since it was started. */
  #isUp = false;
  #isStarting = false;

  /** @param own ends when it is idle; the writer is closed by who made it */
  constructor(writer: SqliteThread, own: SqliteThread) {
    this.#writer = writer;
    this.#own = own;
  }

  ask(question: SqliteQuestion): Promise<SqliteReply> {
    if (!this.#own.isRunning) this.#isUp = false;
    if (this.#isUp) return this.#own.ask(question);
    const writes = this.#writer.waiting - this.#readsOnWriter;
    if (writes > 0 || this.#readsOnWriter >= maxReadsOnWriter) this.#start();
    this.#readsOnWriter += 1;
    return this.#writer.ask(question).finally(() => (this.#readsOnWriter -= 1));
  }

  tell(): void {
    throw new Error('a reader is only asked');
  }

  close(): Promise<void> {
    return this.#own.close();
  }

  #start(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    const settled = (isUp: boolean): void => {
      this.#isUp = isUp;
      this.#isStarting = false;
    };
    // Where it fails, the next read that would wait tries again.
    this.#own.ask({ op: 'read', sql: 'select 1', parameters: [] }).then(
      ({ ok }) => settled(ok),
      () => settled(false),
    );
  }
}
