import { lookup } from 'node:dns/promises';
import { chmodSync, rmSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Clock, SelfMetrics } from '#telemetry';
import type { ApiApp } from './app.ts';
import { ConnectionLimits, serverOptionsOf, type ConnectionBounds } from './connection-limits.ts';
import { continueWhereTaken } from './continued-bodies.ts';
import { refuseConnection, refuseExpectation } from './failures.ts';

/** An import of it by name would read all that it exports, and thereby load the HTTP client behind `fetch`: 5 MB. */
const { createServer } = process.getBuiltinModule('node:http');

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

export interface Listeners {
  /** Listens on TCP and returns the URL. */
  listen(address: ListenAddress): Promise<string>;
  /** Listens on TCP for OTLP alone, on the port that exporters know, and returns the URL. */
  listenForIngest(address: ListenAddress): Promise<string>;
  /** Listens on a Unix socket that only its owner can open; whoever comes in there is admin without a token. */
  listenLocally(socketPath: string): Promise<void>;
}

interface OwnedListeners extends Listeners {
  isLocalOwner(request: FastifyRequest): boolean;
  /** Takes no more connections and waits until those that are open have ended. */
  close(): Promise<void>;
  /** Ends the connections that are still open. */
  cutOff(): void;
}

const OTLP_PREFIX = '/v1/';

/**
 * A server whose connections are held to their times. Of one that was closed Node still hands out the requests that it had
 * read, hundreds where they were sent ahead: nobody waits for them.
 */
export function createHttpServer(bounds: ConnectionBounds, route: RequestListener): Server {
  return createServer(serverOptionsOf(bounds), (request, response) => {
    if (!request.socket.destroyed) route(request, response);
  });
}

export interface ListenerParts {
  readonly bounds: ConnectionBounds;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
  /** The addresses of a host name; the system's where it is left out. */
  readonly addressesOf?: AddressesOf;
}

export type AddressesOf = (host: string) => Promise<readonly string[]>;

const addressesInSystem: AddressesOf = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** What a machine says that does not have the address: `localhost` is often `::1` too where there is no IPv6. */
const NO_SUCH_ADDRESS: ReadonlySet<unknown> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

export function createListeners(app: ApiApp, parts: ListenerParts): OwnedListeners {
  const { bounds, addressesOf = addressesInSystem } = parts;
  const limits = new ConnectionLimits(bounds, parts);
  const localConnections = new WeakSet<Socket>();
  const further: Server[] = [];
  const askForBodies = continueWhereTaken(app);
  prepare(app.server);
  limits.watch(app.server);

  function prepare(server: Server): void {
    server.on('checkExpectation', refuseExpectation);
    askForBodies(server);
  }

  function openServer(route: RequestListener): Server {
    const server = createHttpServer(bounds, route);
    prepare(server);
    // What is no HTTP is answered here as on the main listener.
    server.on('clientError', refuseConnection);
    further.push(server);
    return server;
  }

  async function open(route: RequestListener, { host, port }: ListenAddress): Promise<Server> {
    const server = openServer(route);
    limits.watch(server);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (thrown) {
      forget(server);
      throw thrown;
    }
    return server;
  }

  function forget(server: Server): void {
    further.splice(further.indexOf(server), 1);
  }

  /** Of an address that is had in part nothing is kept, so that it can be tried again. */
  async function giveUp(servers: readonly Server[]): Promise<void> {
    servers.forEach(forget);
    await Promise.all(servers.map(closeServer));
  }

  /** Browsers and clients try each address of `localhost`: on those that the machine has they find the same. */
  async function alsoListenOn(
    hosts: readonly string[],
    { route, port }: { readonly route: RequestListener; readonly port: number },
  ): Promise<void> {
    const opened: Server[] = [];
    for (const host of hosts) {
      try {
        opened.push(await open(route, { host, port }));
      } catch (error) {
        if (error instanceof Error && 'code' in error && NO_SUCH_ADDRESS.has(error.code)) continue;
        await giveUp(opened);
        throw error;
      }
    }
  }

  const hostsOf = async (host: string): Promise<readonly [string, ...string[]]> => {
    const [first = host, ...others] = host === 'localhost' ? new Set(await addressesOf(host)) : [host];
    return [first, ...others];
  };

  return {
    isLocalOwner: (request) => localConnections.has(request.socket),
    async listen(address) {
      const [host, ...others] = await hostsOf(address.host);
      // Given a name, Fastify would open listeners of its own, without limits.
      await app.listen({ host, port: address.port });
      const bound = app.server.address();
      const route: RequestListener = (request, response) => app.routing(request, response);
      await alsoListenOn(others, { route, port: portOf(bound, address) });
      return urlOf(bound, address);
    },
    async listenForIngest(address) {
      const [host, ...others] = await hostsOf(address.host);
      const route: RequestListener = (request, response) => {
        if (request.url?.startsWith(OTLP_PREFIX)) app.routing(request, response);
        else response.writeHead(404).end();
      };
      const first = await open(route, { host, port: address.port });
      const bound = first.address();
      try {
        await alsoListenOn(others, { route, port: portOf(bound, address) });
      } catch (thrown) {
        await giveUp([first]);
        throw thrown;
      }
      return urlOf(bound, address);
    },
    async listenLocally(socketPath) {
      const server = openServer((request, response) => app.routing(request, response));
      server.on('connection', (socket) => localConnections.add(socket));
      // A crash leaves the file behind; that no other server runs here is known before anybody listens.
      rmSync(socketPath, { force: true });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        // Bound within this call: there is no moment in which others could connect.
        const others = process.umask(0o177);
        server.listen(socketPath, resolve);
        process.umask(others);
      });
      chmodSync(socketPath, 0o600);
    },
    async close() {
      await Promise.all([app.close(), ...further.map(closeServer)]);
      limits.stop();
    },
    cutOff() {
      app.server.closeAllConnections();
      for (const server of further) server.closeAllConnections();
    },
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

type Bound = AddressInfo | string | null;

function portOf(bound: Bound, asked: ListenAddress): number {
  return typeof bound === 'object' && bound !== null ? bound.port : asked.port;
}

/** Of every address the loopback one: what stands for all of them can be listened on, and not opened. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Where the programs and people of this machine reach it. */
function urlOf(bound: Bound, asked: ListenAddress): string {
  const port = portOf(bound, asked);
  const loopback = typeof bound === 'object' && bound !== null ? LOOPBACK_OF[bound.address] : undefined;
  const address = loopback ?? asked.host;
  const host = address.includes(':') ? `[${address}]` : address;
  return `http://${host}:${port}`;
}
