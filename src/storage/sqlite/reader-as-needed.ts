import type { Clock } from '#telemetry';
import type { SqliteAccess, SqliteQuestion } from './sqlite-access.ts';
import type { SqliteThread } from './sqlite-thread.ts';
import type { SqliteReply } from './worker-protocol.ts';

/** So many reads at most stand before a write that comes while they are done. */
const maxReadsOnWriter = 4;
/** To start a thread takes as long as some ten commits: a few reads wait for those instead. */
const maxMeetings = 50;
const meetingsWindowMs = 10_000;

/**
 * The reads of a database that is calm most of the time. They are done in the thread that writes, on a connection of
 * their own. Reads that would wait there, for writes or for more reads than a few, get a thread of their own when there
 * are many of them; all reads go there then, until nobody has asked it for long. A calm server has a thread (some
 * 13 MB) less, and the first read after a calm does not wait for one to start.
 */
export class ReaderAsNeeded implements SqliteAccess {
  readonly #writer: SqliteThread;
  readonly #own: SqliteThread;
  readonly #clock: Clock;
  #readsOnWriter = 0;
  #meetings = 0;
  #windowStartMs = 0;

  /** @param own ends when it is idle; the writer is closed by who made it */
  constructor(writer: SqliteThread, own: SqliteThread, clock: Clock) {
    this.#writer = writer;
    this.#own = own;
    this.#clock = clock;
  }

  ask(question: SqliteQuestion): Promise<SqliteReply> {
    if (this.#own.isRunning || this.#areMany()) return this.#own.ask(question);
    this.#readsOnWriter += 1;
    return this.#writer.ask(question).finally(() => (this.#readsOnWriter -= 1));
  }

  tell(): void {
    throw new Error('a reader is only asked');
  }

  close(): Promise<void> {
    return this.#own.close();
  }

  /** Whether this read is one of many that would wait. */
  #areMany(): boolean {
    const writes = this.#writer.waiting - this.#readsOnWriter;
    if (writes === 0 && this.#readsOnWriter < maxReadsOnWriter) return false;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowStartMs > meetingsWindowMs) {
      this.#windowStartMs = nowMs;
      this.#meetings = 0;
    }
    this.#meetings += 1;
    return this.#meetings > maxMeetings;
  }
}
