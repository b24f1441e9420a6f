import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type Socket } from 'node:net';

import { createSeededRandom, createSystemClock } from '#telemetry';

import { DEFAULT_HTTP_SETTINGS } from '../../configuration/http-config-schema.ts';
import { TEST_SERVER_CERTIFICATE, TEST_SERVER_KEY } from '../certificates.test-support.ts';
import { createCheckedNetwork, type ResolveHost } from './checked-lookup.ts';
import { type ClosableHttpClient, createHttpClient, type HttpClientTools } from './create-http-client.ts';
import { type HttpAnswer, type HttpClientSettings, type HttpRequest, NoAnswer } from './http-client.ts';

/** A client whose names lead to loopback and whose files are those of a map. */
export function testClient(
  options: Partial<Omit<HttpClientTools, 'network'>> & {
    readonly files?: ReadonlyMap<string, string>;
    readonly allowedAddresses?: readonly string[];
    readonly resolve?: ResolveHost;
  } = {},
): ClosableHttpClient {
  const {
    files = new Map<string, string>(),
    allowedAddresses = [],
    resolve = async () => [{ address: '127.0.0.1', family: 4 }],
    ...tools
  } = options;
  return createHttpClient({
    clock: createSystemClock(),
    random: createSeededRandom(1),
    readSecret: async (path) => {
      const text = files.get(path);
      if (text === undefined) throw new Error(`there is no ${path}`);
      return text;
    },
    environment: {},
    network: createCheckedNetwork(allowedAddresses, resolve),
    userAgent: 'Omoi/test',
    ...tools,
  });
}

export function settingsWith(overrides: Partial<HttpClientSettings> = {}): HttpClientSettings {
  return { ...DEFAULT_HTTP_SETTINGS, ...overrides };
}

/** A POST of `{"a":1}`, unless it is said otherwise. */
export function requestTo(url: string, overrides: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: '{"a":1}',
    signal: new AbortController().signal,
    settings: settingsWith(),
    ...overrides,
  };
}

/** Why there is no answer. */
export async function failureOfRequest(answer: Promise<HttpAnswer>): Promise<NoAnswer> {
  try {
    await answer;
  } catch (error) {
    if (error instanceof NoAnswer) return error;
    throw error;
  }
  throw new Error('there was an answer');
}

/** A real HTTP proxy on loopback: forwards what it is asked for in full, and opens tunnels; every name leads to loopback. */
export class ProxyServer {
  /** What it was asked for: `POST http://receiver.test/…`, `CONNECT receiver.test:443`. */
  readonly asked: string[] = [];
  /** Headers of the same requests. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>[] = [];
  /** What it answers to CONNECT; 200 opens the tunnel. */
  connectStatus = 200;
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #sockets = new Set<Socket>();

  /** @param scheme how it is spoken to itself; `https` by the certificate of `certificates.test-support.ts` */
  constructor(scheme: 'http' | 'https' = 'http') {
    this.#scheme = scheme;
    const tls = { key: TEST_SERVER_KEY, cert: TEST_SERVER_CERTIFICATE };
    this.#server = scheme === 'https' ? createSecureServer(tls) : createServer();
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('request', (incoming, response) => {
      this.asked.push(`${incoming.method} ${incoming.url}`);
      this.headers.push(incoming.headers);
      const { port, pathname } = new URL(incoming.url ?? '');
      const { method = 'GET', headers } = incoming;
      const onward = request({ host: '127.0.0.1', port, path: pathname, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      incoming.pipe(onward);
    });
    this.#server.on('connect', (incoming, socket) => {
      this.asked.push(`CONNECT ${incoming.url}`);
      this.headers.push(incoming.headers);
      if (this.connectStatus !== 200) {
        socket.end(`HTTP/1.1 ${this.connectStatus} No\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const onward = connect(Number((incoming.url ?? '').split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      for (const each of [onward, socket]) each.on('error', () => onward.destroy());
      socket.on('close', () => onward.destroy());
    });
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get address(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it does not listen');
    return `${this.#scheme}://127.0.0.1:${address.port}`;
  }

  reset(): void {
    this.asked.length = 0;
    this.headers.length = 0;
    this.connectStatus = 200;
  }

  async close(): Promise<void> {
    // Tunnels are no connections of the server any more.
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
