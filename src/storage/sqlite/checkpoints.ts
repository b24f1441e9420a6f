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
/** Somebody keeps a log that is longer from beginning anew: no usual commit makes it so long. */
const overlongLogPages = 4 * maxLogPages;

export type LogLength = 'bounded' | 'overlong';

/**
 * Carries the write-ahead log of a database over into its file beside its writer. SQLite does that within the commit that
 * makes the log a thousand pages long: that one, and all that wait behind it, stood for 20 to 50 ms instead of one.
 */
export class Checkpoints {
  readonly #thread: Pick<SqliteAccess, 'ask' | 'close'>;
  readonly #onLength: (length: LogLength) => void;
  #running = false;
  #length: LogLength = 'bounded';

  /**
   * @param thread has a connection of its own
   * @param onLength called when the log has become much longer than it may be, and when it has begun anew after that
   */
  constructor(thread: Pick<SqliteAccess, 'ask' | 'close'>, onLength: (length: LogLength) => void) {
    this.#thread = thread;
    this.#onLength = onLength;
  }

  /** @param reply to a commit */
  noteCommit(reply: SqliteReply): void {
    // While one runs the log may become longer.
    if (this.#running || !reply.ok || !reply.log) return;
    const { pages, waiting } = reply.log;
    this.#noteLength(pages);
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

  #noteLength(pages: number): void {
    const length = lengthOf(pages);
    if (length === null || length === this.#length) return;
    this.#length = length;
    this.#onLength(length);
  }
}

/** Null where it is neither: it stays what it was. */
function lengthOf(pages: number): LogLength | null {
  if (pages > overlongLogPages) return 'overlong';
  return pages <= maxLogPages ? 'bounded' : null;
}
