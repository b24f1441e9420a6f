import type { SqliteAccess, SqliteQuestion } from './sqlite-access.ts';
import type { SqliteThread } from './sqlite-thread.ts';
import type { SqliteReply } from './worker-protocol.ts';

/** So many reads at most stand before a write that comes while they are done. */
const maxReadsOnWriter = 4;

/**
 * The reads of a database that is calm most of the time. They are done in the thread that writes, on a connection of
 * their own, until the two meet: a read that would wait for a write, or for more reads than a few, goes to a thread of
 * its own, as all do until nobody has asked that one for long. A calm server has a thread (some 13 MB) less, and the
 * first read after a calm does not wait for a thread to start.
 */
export class ReaderAsNeeded implements SqliteAccess {
  readonly #writer: SqliteThread;
  readonly #own: SqliteThread;
  #readsOnWriter = 0;

  /** @param own ends when it is idle; both are closed by who made them */
  constructor(writer: SqliteThread, own: SqliteThread) {
    this.#writer = writer;
    this.#own = own;
  }

  ask(question: SqliteQuestion): Promise<SqliteReply> {
    const writes = this.#writer.waiting - this.#readsOnWriter;
    if (this.#own.isRunning || writes > 0 || this.#readsOnWriter >= maxReadsOnWriter) {
      return this.#own.ask(question);
    }
    this.#readsOnWriter += 1;
    return this.#writer.ask(question).finally(() => (this.#readsOnWriter -= 1));
  }

  tell(): void {
    throw new Error('a reader is only asked');
  }

  close(): Promise<void> {
    return this.#own.close();
  }
}
