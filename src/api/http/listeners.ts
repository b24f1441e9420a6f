import { chmodSync, rmSync } from 'node:fs';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { SelfMetrics } from '#telemetry';
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

export interface ListenerParts {
  readonly bounds: ConnectionBounds;
  readonly metrics: SelfMetrics;
}

export function createListeners(app: ApiApp, { bounds, metrics }: ListenerParts): OwnedListeners {
  const limits = new ConnectionLimits(bounds, metrics);
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
    const server = createServer(serverOptionsOf(bounds), route);
    prepare(server);
    // What is no HTTP is answered here as on the main listener.
    server.on('clientError', refuseConnection);
    further.push(server);
    return server;
  }

  return {
    isLocalOwner: (request) => localConnections.has(request.socket),
    async listen(address) {
      await app.listen(address);
      return urlOf(app.server.address(), address);
    },
    async listenForIngest(address) {
      const server = openServer((request, response) => {
        if (request.url?.startsWith(OTLP_PREFIX)) app.routing(request, response);
        else response.writeHead(404).end();
      });
      limits.watch(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(address.port, address.host, resolve);
      });
      return urlOf(server.address(), address);
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

function urlOf(bound: AddressInfo | string | null, asked: ListenAddress): string {
  const port = typeof bound === 'object' && bound !== null ? bound.port : asked.port;
  const host = asked.host.includes(':') ? `[${asked.host}]` : asked.host;
  return `http://${host}:${port}`;
}
