import { request, type ClientRequest } from 'node:http';
import type { SystemEvent } from '#telemetry';

interface Waiter {
  readonly accepts: (event: SystemEvent) => boolean;
  readonly settle: (event: SystemEvent) => void;
}

const RECONNECT_AFTER_MS = 100;

/** Follows the server's event stream and keeps what it saw; reconnects where it left off. */
export class EventFollower {
  readonly #socketPath: () => string | null;
  readonly #seen: SystemEvent[] = [];
  #waiters: Waiter[] = [];
  #request: ClientRequest | null = null;
  #retry: NodeJS.Timeout | null = null;
  #lastId: number | null = null;
  #stopped = false;

  /** @param socketPath asked at every connection: a server that was restarted has a new one */
  constructor(socketPath: () => string | null) {
    this.#socketPath = socketPath;
  }

  /** Resolves when the stream is open: what happens from then on is not missed. */
  start(fromId: number): Promise<void> {
    this.#lastId = fromId;
    return new Promise((resolve) => this.#connect(resolve));
  }

  stop(): void {
    this.#stopped = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#request?.destroy();
  }

  /** The newest event seen so far. */
  get lastId(): number {
    return this.#lastId ?? 0;
  }

  /** The events that were seen and are accepted, oldest first. */
  matching(accepts: (event: SystemEvent) => boolean): readonly SystemEvent[] {
    return this.#seen.filter(accepts);
  }

  /** The first `count` accepted events, seen already or still to come; null when the time is over. */
  async waitFor(
    accepts: (event: SystemEvent) => boolean,
    options: { count: number; withinMs: number },
  ): Promise<SystemEvent | null> {
    return new Promise((resolve) => {
      const found = this.matching(accepts);
      const last = found[options.count - 1];
      if (last) {
        resolve(last);
        return;
      }
      let missing = options.count - found.length;
      const finish = (event: SystemEvent | null): void => {
        clearTimeout(timer);
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(event);
      };
      const timer = setTimeout(() => finish(null), options.withinMs);
      const waiter: Waiter = {
        accepts,
        settle: (event) => {
          missing -= 1;
          if (missing === 0) finish(event);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  #connect(opened: () => void): void {
    const socketPath = this.#socketPath();
    if (socketPath === null) {
      this.#reconnect(opened);
      return;
    }
    const headers: Record<string, string> = { host: 'localhost', accept: 'text/event-stream' };
    if (this.#lastId !== null) headers['last-event-id'] = String(this.#lastId);
    const outgoing = request({ socketPath, path: '/api/v1/events/stream', headers });
    this.#request = outgoing;
    outgoing.on('response', (response) => {
      opened();
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      });
      response.on('close', () => this.#reconnect(() => {}));
    });
    outgoing.on('error', () => this.#reconnect(opened));
    outgoing.end();
  }

  #reconnect(opened: () => void): void {
    if (this.#stopped || this.#retry) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#connect(opened);
    }, RECONNECT_AFTER_MS);
  }

  #take(block: string): void {
    const data = block
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length).trimStart())
      .join('\n');
    if (data === '') return;
    const event = JSON.parse(data) as SystemEvent;
    if (this.#lastId !== null && event.id <= this.#lastId) return;
    this.#lastId = event.id;
    this.#seen.push(event);
    for (const waiter of this.#waiters) if (waiter.accepts(event)) waiter.settle(event);
  }
}
