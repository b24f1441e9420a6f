import type { SqliteAccess } from './sqlite-access.ts';
import type { SqliteReply } from './worker-protocol.ts';

/** So many pages (4 KiB each) of the write-ahead log are carried over at a time: pages that were written often go once. */
const duePages = 1000;
/** Of a log that is nearly full, what is left has to be little: the commit that fills it carries the rest over itself. */
const duePagesWhenNearlyFull = 200;
const nearlyFullPages = 10_000;
/**
 * The log begins anew only where all of it was carried over and nobody writes meanwhile, which the writer alone can see to.
 * 48 MiB, below what the file of the log is cut back to.
 */
export const maxLogPages = 12_288;

/**
 * Carries the write-ahead log of a database over into its file beside its writer. SQLite does that within the commit that
 * makes the log a thousand pages long: that one, and all that wait behind it, stood for 20 to 50 ms instead of one.
 */
export class Checkpoints {
  readonly #thread: Pick<SqliteAccess, 'ask' | 'close'>;
  #running = false;

  /** @param thread has a connection of its own */
  constructor(thread: Pick<SqliteAccess, 'ask' | 'close'>) {
    this.#thread = thread;
  }

  /** @param reply to a commit */
  noteCommit(reply: SqliteReply): void {
    if (this.#running || !reply.ok || !reply.log) return;
    const { pages, waiting } = reply.log;
    if (waiting < (pages < nearlyFullPages ? duePages : duePagesWhenNearlyFull)) return;
    this.#running = true;
    const settled = (): void => {
      this.#running = false;
    };
    // Where it fails, as on a full disk, the next commit asks again; the log keeps what was committed.
    this.#thread.ask({ op: 'checkpoint' }).then(settled, settled);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
