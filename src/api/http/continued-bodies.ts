import type { IncomingMessage, Server } from 'node:http';
import type { ApiApp } from './app.ts';

/**
 * `Expect: 100-continue`: whoever asks first is told to send its body once the caller is admitted and the route takes a
 * body of that length, and not before. Whoever is refused sends nothing, and its connection ends with the answer, for
 * what came next over it might be the body or another request.
 * @returns what prepares a server for it, before it listens
 */
export function continueWhereTaken(app: ApiApp): (server: Server) => void {
  /** Those that have not been told to go on, and whether their connections would stay open. */
  const asking = new WeakMap<IncomingMessage, { readonly keepsAlive: boolean }>();
  app.addHook('preParsing', (request, reply, payload, done) => {
    const asked = asking.get(request.raw);
    const length = Number(request.headers['content-length'] ?? 0);
    if (asked && length <= request.routeOptions.bodyLimit) {
      reply.raw.shouldKeepAlive = asked.keepsAlive;
      reply.raw.writeContinue();
    }
    done(null, payload);
  });
  return (server) => {
    server.on('checkContinue', (request, response) => {
      asking.set(request, { keepsAlive: response.shouldKeepAlive });
      response.shouldKeepAlive = false;
      server.emit('request', request, response);
    });
  };
}
