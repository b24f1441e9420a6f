import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Counter, SelfMetrics, Timer } from '#telemetry';

/** How long a connection may take for what, and how many there may be. */
export interface ConnectionBounds {
  /** From the first byte of a request, or from the connection, to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** To the end of the body, however evenly it dribbles. */
  readonly requestTimeoutMs: number;
  /** How often the two are looked at. */
  readonly checkEveryMs: number;
  /** Without that the other side takes anything of an answer that waits for it. What waits takes memory. */
  readonly unreadTimeoutMs: number;
  /** Of all answers of all listeners that wait to be read: beyond it the connections with the most are closed. */
  readonly maxUnreadBytes: number;
  /** How often these are added up: what is written meanwhile may exceed them. */
  readonly addUnreadEveryMs: number;
  /** Without a next request. Longer than what proxies in front keep theirs. */
  readonly keepAliveTimeoutMs: number;
  /** Connections of one listener. */
  readonly maxConnections: number;
  /** Connections of all listeners over which no request has come yet: beyond it the oldest is closed. */
  readonly maxSilentConnections: number;
  /** Requests of one connection that have no answer yet. Node begins with all that are sent ahead, and reads on. */
  readonly maxRequestsAhead: number;
}

/** As many connections as a fleet of the largest size has. What is silent leaves room for those who speak. */
export const CONNECTION_BOUNDS: ConnectionBounds = {
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 60_000,
  checkEveryMs: 5_000,
  unreadTimeoutMs: 60_000,
  maxUnreadBytes: 134_217_728,
  addUnreadEveryMs: 250,
  keepAliveTimeoutMs: 72_000,
  maxConnections: 20_000,
  maxSilentConnections: 1_000,
  maxRequestsAhead: 32,
};

/** The options of `createServer` that hold a connection to its times. */
export function serverOptionsOf(bounds: ConnectionBounds) {
  return {
    // A request without a Host is answered like one with a foreign one: Node's own answer has no body.
    requireHostHeader: false,
    headersTimeout: Math.min(bounds.headersTimeoutMs, bounds.requestTimeoutMs),
    requestTimeout: bounds.requestTimeoutMs,
    connectionsCheckingInterval: bounds.checkEveryMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
  } as const;
}

type ClosedFor =
  | 'max_connections'
  | 'max_silent_connections'
  | 'max_requests_ahead'
  | 'max_unread_bytes'
  | 'timeout'
  | 'unread';

/** Holds the connections of all listeners within their numbers, and counts those that are closed for it. */
export class ConnectionLimits {
  readonly #bounds: ConnectionBounds;
  readonly #closed: Counter;
  /** In the order in which they came. */
  readonly #silent = new Set<Socket>();
  #open = 0;
  /** The answers of each connection that have not left for the system yet: several where requests are sent ahead. */
  readonly #answers = new Map<Socket, Set<ServerResponse>>();
  readonly #adding: Timer;

  constructor(
    bounds: ConnectionBounds,
    { clock, metrics }: { readonly clock: Clock; readonly metrics: SelfMetrics },
  ) {
    this.#bounds = bounds;
    this.#closed = metrics.counter(
      'omoi_http_connections_closed_total',
      'Connections that were closed for being too many, or too slow.',
    );
    metrics.gauge('omoi_http_connections', 'Open connections.', () => this.#open);
    metrics.gauge(
      'omoi_http_silent_connections',
      'Open connections over which no request has come yet.',
      () => this.#silent.size,
    );
    metrics.gauge('omoi_http_unread_bytes', 'Bytes of answers that wait to be read.', () =>
      sumOf(this.#unread()),
    );
    this.#adding = clock.every(bounds.addUnreadEveryMs, () => this.#closeLargestUnread());
  }

  stop(): void {
    this.#adding.cancel();
  }

  /** To be called before the server listens. */
  watch(server: Server): void {
    server.maxConnections = this.#bounds.maxConnections;
    server.on('drop', () => this.#count('max_connections'));
    server.on('connection', (socket) => this.#opened(socket));
    // Of a connection with a request; between two Node sets the one for keeping it alive.
    server.timeout = this.#bounds.unreadTimeoutMs;
    server.on('request', ({ socket }, response) => {
      if (socket.destroyed) return;
      this.#silent.delete(socket);
      response.on('timeout', () => this.#stoodStill(socket));
      const answers = this.#answers.get(socket);
      if (!answers) return;
      answers.add(response);
      response.on('close', () => answers.delete(response));
      if (answers.size <= this.#bounds.maxRequestsAhead) return;
      this.#count('max_requests_ahead');
      socket.destroy();
    });
    server.on('clientError', ({ code }: Error & { readonly code?: string }) => {
      if (code === 'ERR_HTTP_REQUEST_TIMEOUT') this.#count('timeout');
    });
  }

  #opened(socket: Socket): void {
    this.#open++;
    this.#silent.add(socket);
    this.#answers.set(socket, new Set());
    socket.once('close', () => {
      this.#answers.delete(socket);
      this.#open--;
      this.#silent.delete(socket);
    });
    if (this.#silent.size <= this.#bounds.maxSilentConnections) return;
    const [oldest] = this.#silent;
    if (!oldest) return;
    this.#silent.delete(oldest);
    this.#count('max_silent_connections');
    oldest.destroy();
  }

  /** Nothing came or went for a while: an answer is not read, or one is not there yet, which takes what it takes. */
  #stoodStill(socket: Socket): void {
    if (socket.writableLength === 0) return;
    this.#count('unread');
    socket.destroy();
  }

  /** Bytes that wait to be read, by connection. */
  #unread(): Map<Socket, number> {
    const unread = new Map<Socket, number>();
    for (const [socket, answers] of this.#answers) {
      let bytes = 0;
      // What waits in the socket is counted by the one whose turn it is.
      for (const { writableLength } of answers) bytes += writableLength;
      if (bytes > 0) unread.set(socket, bytes);
    }
    return unread;
  }

  #closeLargestUnread(): void {
    const unread = this.#unread();
    let excess = sumOf(unread) - this.#bounds.maxUnreadBytes;
    if (excess <= 0) return;
    for (const [socket, bytes] of [...unread].sort(([, a], [, b]) => b - a)) {
      if (excess <= 0) return;
      this.#count('max_unread_bytes');
      socket.destroy();
      excess -= bytes;
    }
  }

  #count(reason: ClosedFor): void {
    this.#closed.add(1, { reason });
  }
}

function sumOf(unread: ReadonlyMap<Socket, number>): number {
  let sum = 0;
  for (const bytes of unread.values()) sum += bytes;
  return sum;
}
