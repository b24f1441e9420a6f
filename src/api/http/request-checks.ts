import type { FastifyRequest } from 'fastify';
import { OmoiError } from '#telemetry';
import { admit, isChange, type GuardOptions } from '../access/guard.ts';
import type { ApiApp } from './app.ts';
import { checkHost, checkOneHost, checkOrigin } from './host-check.ts';
import { readTraceparent } from './traceparent.ts';

export interface RequestCheckOptions {
  readonly allowedHosts: ReadonlySet<string>;
  readonly closing: AbortSignal;
  readonly guard: GuardOptions;
  /** Why the server can't say that it is the one in charge; null while it can. */
  doubt(): OmoiError | null;
}

/** What every request must pass before its body is read, in order: the server runs on, Host, Origin, who it is. */
export function checkRequests(app: ApiApp, options: RequestCheckOptions): void {
  app.decorateRequest('principal');
  app.decorateRequest('traceparent');

  /** The last host of each connection that was found to be one of ours. */
  const hostOf = new WeakMap<object, string>();

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    request.traceparent = readTraceparent(request.headers.traceparent);
    if (options.closing.aborted) throw new OmoiError('shutting_down', 'the server is stopping');

    checkOneHost(request.raw.rawHeaders);
    const { host, origin } = request.headers;
    const { httpVersion } = request.raw;
    const address = { host, origin, httpVersion, localAddress: request.socket.localAddress };
    if (!options.guard.isLocalOwner(request) && hostOf.get(request.socket) !== (host ?? '')) {
      checkHost(address, options.allowedHosts);
      hostOf.set(request.socket, host ?? '');
    }
    if (isChange(request.method)) checkOrigin(address);
    const doubt = options.doubt();
    if (doubt && needsTheOneInCharge(request, doubt)) throw doubt;
    request.principal = await admit(request, options.guard);
  });

  app.addHook('onSend', async (_request, reply) => {
    if (options.closing.aborted) reply.header('connection', 'close');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
}

/**
 * What only the server in charge may answer: all but what is public where another has taken over; where that is not known,
 * what agents and people ask for, but neither reading nor telemetry, which is this server's own.
 */
function needsTheOneInCharge(request: FastifyRequest, doubt: OmoiError): boolean {
  const { access, openOnLoopback: isTelemetry = false, readsOnly = false } = request.routeOptions.config;
  if (access === 'public' || request.is404) return false;
  if (doubt.code === 'server_fenced') return true;
  return isChange(request.method) && !readsOnly && !isTelemetry;
}
