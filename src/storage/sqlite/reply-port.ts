import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { ReplyWay, SqliteReply } from './worker-protocol.ts';

/** The most that one answer is waited for on the spot, ms: many times what a usual statement and its way take. */
const maxWaitMs = 0.5;
/** The most that a turn of the event loop waits on the spot, ms: nothing else is done in that time. */
const maxWaitInTurnMs = 3;

/**
 * Where the replies of a thread come in: by the event loop, or on the spot for whoever is in a hurry. Time is real time here
 * whatever clock the caller has: it is what the thread takes.
 */
export class ReplyPort {
  readonly #port: MessagePort;
  /** How many messages the thread has sent. */
  readonly #sent: Int32Array;
  readonly #onReplies: (replies: readonly SqliteReply[]) => void;
  /** For the thread: to be transferred to it. */
  readonly way: ReplyWay;
  #leftInTurnMs = maxWaitInTurnMs;

  /** @param onReplies called with each message. Does not keep the process alive. */
  constructor(onReplies: (replies: readonly SqliteReply[]) => void) {
    const sent = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const { port1, port2 } = new MessageChannel();
    this.way = { port: port2, sent };
    this.#sent = new Int32Array(sent);
    this.#onReplies = onReplies;
    this.#port = port1;
    port1.on('message', onReplies);
    port1.unref();
  }

  /** Takes what has come. */
  receive(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.#port);
      if (!received) return;
      // The thread is of the same build: it sends what the protocol says.
      this.#onReplies(received.message as readonly SqliteReply[]);
    }
  }

  /**
   * Waits on the spot until nothing is missing, as far as this turn of the event loop has time left for it. A way by the event
   * loop costs a turn of it, which is some milliseconds while much happens; a transaction has several such ways.
   */
  receiveAtOnce(isMissing: () => boolean): void {
    if (this.#leftInTurnMs <= 0) return;
    const startedAt = performance.now();
    const limitMs = Math.min(this.#leftInTurnMs, maxWaitMs);
    let waitedMs = 0;
    for (;;) {
      const seen = Atomics.load(this.#sent, 0);
      this.receive();
      waitedMs = performance.now() - startedAt;
      if (!isMissing() || waitedMs >= limitMs) break;
      Atomics.wait(this.#sent, 0, seen, limitMs - waitedMs);
    }
    if (this.#leftInTurnMs === maxWaitInTurnMs) setImmediate(() => (this.#leftInTurnMs = maxWaitInTurnMs));
    this.#leftInTurnMs -= waitedMs;
  }

  close(): void {
    this.#port.close();
  }
}

/** The thread's end: sends replies by the way that it was started with. */
export function sendReplies({ port, sent }: ReplyWay, replies: readonly SqliteReply[]): void {
  port.postMessage(replies);
  const count = new Int32Array(sent);
  Atomics.add(count, 0, 1);
  Atomics.notify(count, 0);
}
