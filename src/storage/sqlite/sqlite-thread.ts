import { Worker } from 'node:worker_threads';
import { messageOf, OmoiError, type Clock } from '#telemetry';
import { closedError, type SqliteAccess, type SqliteNote, type SqliteQuestion } from './sqlite-access.ts';
import { ReplyPort } from './reply-port.ts';
import { StatementNumbers } from './statement-numbers.ts';
import type { SqliteFile, SqliteReply, SqliteRequest, SqliteWorkerData } from './worker-protocol.ts';

interface Waiting {
  readonly op: SqliteQuestion['op'];
  readonly resolve: (reply: SqliteReply) => void;
  readonly reject: (error: Error) => void;
}

/** What the main thread counts of one worker. */
interface Running {
  readonly worker: Worker;
  readonly replies: ReplyPort;
  readonly commitsBegun: Int32Array;
  commitsAnswered: number;
}

/** When a thread that nobody asks may end. */
export interface IdleEnd {
  readonly clock: Clock;
  readonly endIdleAfterMs: number;
}

export interface SqliteThreadOptions {
  /** The thread lives until `close` where absent, and must where it holds a lock. */
  readonly idle?: IdleEnd;
  /** Whether somebody is in a hurry: answers are waited for on the spot then, as long as a turn of the event loop can spare. */
  readonly isUrgent?: () => boolean;
}

/** Many times what the largest answer takes. Below 2 GB, V8 does not map its builtins once more for the thread: 1.5 MB. */
const maxOldGenerationSizeMb = 1024;

const endOf = (worker: Worker): Promise<void> =>
  new Promise((resolve) => {
    worker.once('exit', () => resolve());
  });

const script = import.meta.filename.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';

/**
 * The main thread's end of a thread that owns a SQLite database. What is asked in one turn of the event loop's promises
 * goes to it as one message: waking a thread costs more than most statements. A thread that dies takes what it was asked with
 * it (`database_failed`); the next request starts another one, which holds the lock that the first one held, as it does
 * after one that ended because nobody asked it for long. One that dies within a commit is not followed by another: whether
 * the commit is on disk is for the next start of the process to find out. Keeps the process alive only while it is asked.
 */
export class SqliteThread implements SqliteAccess {
  readonly #file: SqliteFile;
  readonly #waiting = new Map<number, Waiting>();
  /** Not sent yet. */
  #requests: SqliteRequest[] = [];
  #flushing = false;
  /** Of the present worker. */
  #statements = new StatementNumbers();
  #running: Running | null = null;
  #holdsLock = false;
  /** Why nothing can be asked any more. */
  #lost: OmoiError | null = null;
  /** The end of a worker that was idle. */
  #retiring: Promise<void> = Promise.resolve();
  #lastId = 0;
  #lastAskedMs = 0;
  #idleWatched = false;
  #closed = false;
  readonly #idle: IdleEnd | null;
  readonly #isUrgent: () => boolean;

  constructor(file: SqliteFile, { idle, isUrgent = () => false }: SqliteThreadOptions = {}) {
    this.#file = file;
    this.#isUrgent = isUrgent;
    this.#idle = idle && Number.isFinite(idle.endIdleAfterMs) ? idle : null;
  }

  /** How many questions have no answer yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  ask(question: SqliteQuestion): Promise<SqliteReply> {
    if (this.#closed) return Promise.reject(closedError(this.#file.path));
    if (this.#lost) return Promise.reject(this.#lost);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const { worker } = this.#started();
      if (this.#waiting.size === 0) worker.ref();
      this.#waiting.set(id, { op: question.op, resolve, reject });
      if ('sql' in question) {
        this.#requests.push({ ...question, id, sql: this.#statements.of(question.sql) });
      } else this.#requests.push({ op: question.op, id });
      this.#flushSoon();
    });
  }

  tell(note: SqliteNote): void {
    // Goes with the next question, which always follows: a transaction ends with one.
    if (!this.#closed) this.#requests.push(note);
  }

  /** Closes the database behind what was asked before, and ends the thread. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (!this.#running) {
      this.#closed = true;
      await this.#retiring;
      return;
    }
    const { worker } = this.#running;
    const ended = endOf(worker);
    // Refused when the thread dies on the way; it has ended then.
    const asked = this.ask({ op: 'close' }).catch(() => undefined);
    this.#closed = true;
    await asked;
    worker.ref();
    await Promise.all([ended, this.#retiring]);
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    // Behind all microtasks: what promises lead to without an answer from the thread goes along.
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const requests = this.#requests;
    this.#requests = [];
    if (this.#post(requests) === null) return this.#receiveAtOnce(requests);
    // A value that cannot be sent to a thread, such as a function among the parameters: the others are sent alone.
    // A text that did not arrive with it is sent again.
    this.#statements = new StatementNumbers();
    for (const request of requests) {
      const error = this.#post([request]);
      if (error === null || !('id' in request)) continue;
      const refusal = new TypeError(`not a database value: ${messageOf(error)}`, { cause: error });
      this.#settle(request.id)?.reject(refusal);
    }
  }

  /** But for a commit, which takes as long as the disk. */
  #receiveAtOnce(requests: readonly SqliteRequest[]): void {
    if (!this.#isUrgent() || requests.some(({ op }) => op === 'commit')) return;
    this.#running?.replies.receiveAtOnce(() => this.#waiting.size > 0);
  }

  /** What made it impossible, or null. */
  #post(requests: readonly SqliteRequest[]): Error | null {
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#started().worker.postMessage(requests);
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  #started(): Running {
    if (this.#running) return this.#running;
    const commitsBegun = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const replies: ReplyPort = new ReplyPort((message) => {
      for (const reply of message) this.#answered(running, reply);
    });
    const { way: replyWay } = replies;
    const workerData: SqliteWorkerData = {
      ...this.#file,
      takesLock: this.#holdsLock,
      commitsBegun,
      replyWay,
    };
    const worker = new Worker(new URL(script, import.meta.url), {
      workerData,
      transferList: [replyWay.port],
      name: 'omoi-sqlite',
      resourceLimits: { maxOldGenerationSizeMb },
    });
    worker.unref();
    this.#statements = new StatementNumbers();
    const running: Running = {
      worker,
      replies,
      commitsBegun: new Int32Array(commitsBegun),
      commitsAnswered: 0,
    };
    let cause: unknown;
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => this.#onExit(running, cause));
    this.#running = running;
    return running;
  }

  #answered(running: Running, reply: SqliteReply): void {
    const waiting = this.#settle(reply.id);
    if (waiting?.op === 'commit') running.commitsAnswered += 1;
    if (waiting?.op === 'lock') this.#holdsLock = reply.ok;
    if (waiting?.op === 'unlock') this.#holdsLock = false;
    waiting?.resolve(reply);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) {
      this.#running?.worker.unref();
      this.#watchIdle();
    }
    return waiting;
  }

  /** One timer for each stretch of use, however many requests it has. */
  #watchIdle(): void {
    if (!this.#idle) return;
    this.#lastAskedMs = this.#idle.clock.monotonicMs();
    if (!this.#idleWatched) this.#endAfter(this.#idle, this.#idle.endIdleAfterMs);
  }

  #endAfter(idle: IdleEnd, delayMs: number): void {
    this.#idleWatched = true;
    idle.clock.after(delayMs, () => {
      this.#idleWatched = false;
      if (this.#closed || this.#waiting.size > 0) return;
      const leftMs = this.#lastAskedMs + idle.endIdleAfterMs - idle.clock.monotonicMs();
      if (leftMs > 0) this.#endAfter(idle, leftMs);
      else this.#retire();
    });
  }

  /** Lets the worker go: it closes its database and ends, while another one may start already. */
  #retire(): void {
    if (!this.#running) return;
    const { worker } = this.#running;
    this.#running = null;
    this.#retiring = endOf(worker);
    const close: readonly SqliteRequest[] = [{ op: 'close', id: ++this.#lastId }];
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(close);
  }

  #onExit(running: Running, cause: unknown): void {
    // What it had answered before it ended.
    running.replies.receive();
    running.replies.close();
    if (this.#running !== running) return;
    this.#running = null;
    this.#requests = [];
    const why = cause === undefined ? 'it ended' : messageOf(cause);
    const what = `the thread of the database ${this.#file.path} died`;
    const died = new OmoiError('database_failed', `${what}: ${why}`, {}, cause);
    let inCommit: OmoiError | null = null;
    if (Atomics.load(running.commitsBegun, 0) > running.commitsAnswered) {
      inCommit = new OmoiError('commit_unknown', `${what} within a commit: ${why}`, {}, cause);
      this.#lost = new OmoiError('database_failed', `${what} within a commit; start Omoi again`, {}, cause);
    }
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { op, reject } of waiting) reject(op === 'commit' && inCommit ? inCommit : died);
  }
}
