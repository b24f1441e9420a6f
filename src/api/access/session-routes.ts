import type { FastifyReply, FastifyRequest } from 'fastify';
import { OmoiError, toRfc3339 } from '#telemetry';
import { z } from 'zod';
import type { Access } from './access.ts';
import { SESSION_COOKIE } from './guard.ts';
import { csrfTokenOf } from './secret.ts';
import type { OpenedSession } from './session-store.ts';
import type { ApiApp } from '../http/app.ts';
import { PUBLIC, READERS, ROLES } from './roles.ts';

const principalBody = z.object({
  kind: z.enum(['token', 'session', 'local']),
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  scope: z.object({ agent_ids: z.array(z.string()), pool_id: z.string().nullable() }).nullable(),
});

export const sessionBody = z.object({
  principal: principalBody,
  csrf_token: z
    .string()
    .nullable()
    .describe('Send it as `x-omoi-csrf` with changes; null without a session.'),
});

/** Logging in and out of the dashboard, and who one is. */
export function registerSessionRoutes(app: ApiApp, access: Access): void {
  app.get(
    '/api/v1/session',
    {
      config: { access: ROLES },
      schema: { tags: ['access'], summary: 'Who the caller is', response: { 200: sessionBody } },
    },
    (request) => describeCaller(request),
  );

  app.post(
    '/api/v1/session',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['access'],
        summary: 'Open a dashboard session with a token',
        body: z.strictObject({ token: z.string().max(200) }),
        response: { 201: sessionBody.extend({ expires_at: z.string() }) },
      },
    },
    async (request, reply) => {
      const session = await access.openSession(request.body.token.trim(), request.id);
      setSessionCookie(request, reply, session);
      const { id, name, role } = session.token;
      return reply.code(201).send({
        principal: { kind: 'session', id, name, role, scope: null },
        csrf_token: session.csrfToken,
        expires_at: toRfc3339(session.expiresAtMs),
      });
    },
  );

  app.delete(
    '/api/v1/session',
    {
      config: { access: READERS },
      schema: { tags: ['access'], summary: 'Log out', response: { 204: z.undefined() } },
    },
    async (request, reply) => {
      const secret = request.cookies[SESSION_COOKIE];
      if (request.principal.kind !== 'session' || secret === undefined) {
        throw new OmoiError('invalid_request', 'only a session can log out; revoke a token instead');
      }
      await access.endSession(secret);
      clearSessionCookie(reply);
      return reply.code(204).send(undefined);
    },
  );

  app.post(
    '/api/v1/login-links',
    {
      config: { access: READERS },
      schema: {
        tags: ['access'],
        summary: 'Make a link that logs a browser in, once',
        response: { 201: z.object({ path: z.string().describe('`/login?code=…`, on this server.') }) },
      },
    },
    async (request, reply) => {
      const code = await access.createLoginLink(request.principal);
      return reply.code(201).send({ path: `/login?code=${code}` });
    },
  );
}

/**
 * Uses a login link up and opens its session.
 * @throws OmoiError `login_link_invalid`
 */
export async function logInByLink(
  request: FastifyRequest,
  reply: FastifyReply,
  options: { readonly access: Access; readonly code: string },
): Promise<FastifyReply> {
  const session = await options.access.redeemLoginLink(options.code, request.id);
  setSessionCookie(request, reply, session);
  return reply.header('cache-control', 'no-store').redirect('/', 303);
}

function describeCaller(request: FastifyRequest): z.output<typeof sessionBody> {
  const { kind, id, name, role, scope } = request.principal;
  if (kind === 'anonymous' || role === 'none') throw new OmoiError('unauthenticated', 'nobody is logged in');
  const cookie = request.cookies[SESSION_COOKIE];
  return {
    principal: {
      kind,
      id,
      name,
      role,
      scope: scope === null ? null : { agent_ids: [...scope.agentIds], pool_id: scope.poolId },
    },
    csrf_token: kind === 'session' && cookie !== undefined ? csrfTokenOf(cookie) : null,
  };
}

function setSessionCookie(request: FastifyRequest, reply: FastifyReply, session: OpenedSession): void {
  reply.setCookie(SESSION_COOKIE, session.secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    // Whoever forges this header only makes the own cookie stricter.
    secure: request.headers['x-forwarded-proto'] === 'https',
    expires: new Date(session.expiresAtMs),
  });
}

function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(SESSION_COOKIE, { path: '/', httpOnly: true, sameSite: 'strict' });
}
