import type { FastifyRequest } from 'fastify';
import { OmoiError } from '#telemetry';
import type { Principal } from '../http/app.ts';
import { isLoopbackAddress } from '../http/host-check.ts';
import { authorizationOf } from '../prometheus/basic-credentials.ts';
import type { Access } from './access.ts';
import type { Caller } from './authenticator.ts';
import { equalInConstantTime } from './secret.ts';

export const SESSION_COOKIE = 'omoi_session';
export const CSRF_HEADER = 'x-omoi-csrf';

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** Whether a method asks for a change. */
export function isChange(method: string): boolean {
  return !SAFE_METHODS.includes(method);
}

const LOCAL_OWNER: Principal = {
  kind: 'local',
  id: 'local',
  name: 'the owner of the data directory',
  role: 'admin',
  scope: null,
};

export interface GuardOptions {
  readonly access: Access;
  /** Whether a connection came in over the server's Unix socket, which only its owner can open. */
  isLocalOwner(request: FastifyRequest): boolean;
}

/**
 * Finds out who a request speaks for and holds the roles of its route against it. Runs before the body is read.
 * @returns who the request speaks for
 * @throws OmoiError `unauthenticated`, `forbidden`, `csrf_token_missing`
 */
export async function admit(request: FastifyRequest, options: GuardOptions): Promise<Principal> {
  const { access: allowed, openOnLoopback = false } = request.routeOptions.config;
  const caller = await identify(request, options);
  const { principal } = caller;
  if (allowed === 'public' || request.is404) return principal;

  if (principal.role === 'none') {
    const mayStayUnnamed =
      openOnLoopback && options.access.options.openIngestOnLoopback && comesFromLoopback(request);
    if (mayStayUnnamed) return principal;
    throw new OmoiError('unauthenticated', 'send `Authorization: Bearer <token>`, or log in');
  }
  // `createApi` lets no route be registered that states no access.
  if (!allowed?.includes(principal.role)) {
    const wanted = allowed?.join(', ') ?? 'no role';
    throw new OmoiError('forbidden', `this takes a token of role ${wanted}; yours is ${principal.role}`);
  }
  checkCsrf(request, caller);
  return principal;
}

async function identify(request: FastifyRequest, options: GuardOptions): Promise<Caller> {
  const authorization = authorizationOf(request);
  if (authorization === undefined && options.isLocalOwner(request)) {
    return { principal: LOCAL_OWNER, csrfToken: null };
  }
  const sessionCookie = request.cookies[SESSION_COOKIE];
  return options.access.authenticate({ authorization, sessionCookie, connection: request.socket });
}

/** Behind a reverse proxy on this machine everybody seems to come from loopback; a proxy says that it is one. */
function comesFromLoopback(request: FastifyRequest): boolean {
  const { forwarded, 'x-forwarded-for': forwardedFor } = request.headers;
  return (
    forwarded === undefined && forwardedFor === undefined && isLoopbackAddress(request.socket.remoteAddress)
  );
}

function checkCsrf(request: FastifyRequest, { csrfToken }: Caller): void {
  if (csrfToken === null || !isChange(request.method) || request.routeOptions.config.readsOnly) return;
  const sent = request.headers[CSRF_HEADER];
  if (typeof sent === 'string' && equalInConstantTime(sent, csrfToken)) return;
  throw new OmoiError(
    'csrf_token_missing',
    `a change by session needs the header ${CSRF_HEADER} with the token of GET /api/v1/session`,
  );
}
