import { once } from 'node:events';
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';

import { TEST_SERVER_CERTIFICATE, TEST_SERVER_KEY } from './certificates.test-support.ts';

/** A request as a receiver got it. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Whether the connection is closed before the last byte of the body. */
  readonly isCut?: boolean;
}

/** What a server does with a request: answers, never answers, or closes the connection. */
export type Reaction = (request: ReceivedRequest) => Reply | 'silence' | 'hang up';

async function readAll(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/** A real HTTP server on loopback, in a receiver's place. */
export class ReceiverServer {
  /** All that have come, the oldest first. */
  readonly received: ReceivedRequest[] = [];
  /** How many connections have been opened to it. */
  connections = 0;
  reaction: Reaction = () => ({});
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #sockets = new Set<Socket>();
  readonly #waiting: (() => void)[] = [];
  #port = 0;

  /** @param scheme `https` has the certificate of `certificates.test-support.ts` */
  constructor(scheme: 'http' | 'https' = 'http', options: { readonly clientAuthority?: string } = {}) {
    this.#scheme = scheme;
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#answer(request, response);
    };
    const { clientAuthority } = options;
    const asked = clientAuthority === undefined ? {} : { ca: clientAuthority, requestCert: true };
    const tls = { key: TEST_SERVER_KEY, cert: TEST_SERVER_CERTIFICATE, ...asked };
    this.#server = scheme === 'https' ? createSecureServer(tls, answer) : createPlainServer(answer);
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    this.#port = address.port;
    return this;
  }

  get server(): Server {
    return this.#server;
  }

  get port(): number {
    return this.#port;
  }

  /** Its address, without a slash at the end. */
  addressAs(host = '127.0.0.1'): string {
    return `${this.#scheme}://${host}:${this.#port}`;
  }

  /** Forgets what has come, and answers 200 again. */
  reset(): void {
    this.received.length = 0;
    this.connections = 0;
    this.reaction = () => ({});
  }

  /** Resolves when a request has come since the last reset. */
  async untilReceived(): Promise<void> {
    if (this.received.length > 0) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  /** Closes the connections that are idle or not. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client may go in the middle of its request.
    incoming.on('error', () => response.destroy());
    const body = await readAll(incoming);
    const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]);
    const request: ReceivedRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: Object.fromEntries(headers) as Record<string, string>,
      body,
    };
    this.received.push(request);
    const reaction = this.reaction(request);
    if (reaction === 'hang up') incoming.socket.destroy();
    else if (reaction !== 'silence') {
      const { status = 200, headers: own, body: said = '', isCut = false } = reaction;
      const length = Buffer.byteLength(said) + 1;
      response.writeHead(status, { ...own, ...(isCut ? { 'content-length': String(length) } : {}) });
      if (isCut) response.write(said, () => incoming.socket.destroy());
      else response.end(said);
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
