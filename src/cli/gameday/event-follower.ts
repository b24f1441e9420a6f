import { messageOf, type SystemEvent } from '#telemetry';
import { followEvents } from '../event-feed.ts';

interface Waiter {
  readonly accepts: (event: SystemEvent) => boolean;
  readonly settle: (event: SystemEvent) => void;
  readonly fail: (reason: Error) => void;
}

/** What is measured here must not wait long for a server that comes back. */
const MAX_RETRY_MS = 200;

/**
 * While no server is there nothing can come, and a server that is started anew on a busy machine takes long: that time is given
 * to who waits, so much of it at most.
 */
export const maxAwayMs = 60_000;

/** Of a run: so many take about 100 MB. What comes after them could not be proven, nor that it does not come. */
export const maxEventsSeen = 100_000;

/** Follows the server's events and keeps what it saw, so that one can wait for what has happened or will. */
export class EventFollower {
  readonly #socketPath: () => string | null;
  readonly #seen: SystemEvent[] = [];
  readonly #stopping = new AbortController();
  #waiters: Waiter[] = [];
  #lastId = 0;
  #failure: Error | null = null;
  /** Monotonic: since when there is no connection; null while there is one. */
  #awaySinceMs: number | null = null;
  /** How long there was none before that. */
  #awayMs = 0;

  /** @param socketPath asked at every connection: a server that was restarted has a new one */
  constructor(socketPath: () => string | null) {
    this.#socketPath = socketPath;
  }

  /** What comes after that event is not missed, whenever it happens. */
  start(afterId: number): void {
    this.#lastId = afterId;
    this.#follow(afterId).catch((thrown: unknown) => {
      this.#failure = thrown instanceof Error ? thrown : new Error(messageOf(thrown));
      for (const { fail } of this.#waiters) fail(this.#failure);
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** The newest event seen so far. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Whether the connection is lost. */
  get isAway(): boolean {
    return this.#awaySinceMs !== null;
  }

  /**
   * The events that were seen and are accepted, oldest first.
   * @throws Error where that may not be all: too much happened to know what came
   */
  matching(accepts: (event: SystemEvent) => boolean): readonly SystemEvent[] {
    if (this.#failure !== null) throw this.#failure;
    return this.#seen.filter(accepts);
  }

  /**
   * The first `count` accepted events, seen already or still to come; null when the time is over, of which none passes while
   * the connection is lost.
   * @throws Error where the server refuses, or too much happened to know what came
   */
  async waitFor(
    accepts: (event: SystemEvent) => boolean,
    options: { count: number; withinMs: number },
  ): Promise<SystemEvent | null> {
    return new Promise((resolve, reject) => {
      const found = this.#seen.filter(accepts);
      const last = found[options.count - 1];
      if (last) {
        resolve(last);
        return;
      }
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      let missing = options.count - found.length;
      const forget = (): void => {
        clearTimeout(timer);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      };
      const finish = (event: SystemEvent | null): void => {
        forget();
        resolve(event);
      };
      const awayBeforeMs = this.#awayMsUntilNow;
      let givenMs = 0;
      const end = (): void => {
        const awayMs = Math.min(maxAwayMs, this.#awayMsUntilNow - awayBeforeMs);
        const moreMs = awayMs - givenMs;
        givenMs = awayMs;
        if (moreMs < 1) finish(null);
        else timer = setTimeout(end, moreMs);
      };
      let timer = setTimeout(end, options.withinMs);
      const waiter: Waiter = {
        accepts,
        settle: (event) => {
          missing -= 1;
          if (missing === 0) finish(event);
        },
        fail: (reason) => {
          forget();
          reject(reason);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  get #awayMsUntilNow(): number {
    return this.#awayMs + (this.#awaySinceMs === null ? 0 : performance.now() - this.#awaySinceMs);
  }

  async #follow(afterId: number): Promise<void> {
    const source = { kind: 'socket', path: this.#socketPath } as const;
    const feed = followEvents(source, {
      types: [],
      signal: this.#stopping.signal,
      afterId,
      maxRetryMs: MAX_RETRY_MS,
      onConnection: (state) => {
        this.#awayMs = this.#awayMsUntilNow;
        this.#awaySinceMs = state === 'lost' ? performance.now() : null;
      },
    });
    for await (const message of feed) {
      if (message.kind === 'event') this.#take(message.event);
      else if (message.kind === 'missed') throw new Error('too much happened while the server was away');
    }
  }

  #take(event: SystemEvent): void {
    if (this.#seen.length === maxEventsSeen)
      throw new Error(
        `more than ${maxEventsSeen} events happened (maxEventsSeen), which is more than a game day can keep: ` +
          'run it beside less work, or make it shorter',
      );
    this.#lastId = event.id;
    this.#seen.push(event);
    for (const waiter of this.#waiters) if (waiter.accepts(event)) waiter.settle(event);
  }
}
