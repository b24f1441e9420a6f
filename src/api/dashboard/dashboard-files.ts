import { existsSync } from 'node:fs';
import { join } from 'node:path';
import serveStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Access } from '../access/access.ts';
import type { ApiApp } from '../http/app.ts';
import { logInByLink } from '../access/session-routes.ts';
import { OmoiError } from '#telemetry';
import { PUBLIC } from '../access/roles.ts';
import { wantsPage } from '../http/accept.ts';

export interface DashboardParts {
  /** Where Vite put the built dashboard; null or a missing folder: the pages say that it is not built. */
  readonly directory: string | null;
  readonly access: Access;
}

/** Answers a path of the dashboard's own router with its page. */
export type DashboardPage = (reply: FastifyReply) => FastifyReply;

/**
 * Nothing but the dashboard's own files runs or loads. Styles may stand in the page, because Mantine computes
 * some; scripts may not.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Of all pages for people. */
export const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/** Vite puts all assets into one folder. */
const ASSET_NAME = /^[\w-][\w.-]*$/;

/** Prefixes whose unknown paths are errors and no pages of the dashboard. */
const NO_PAGES =
  /^\/(?:api|assets|docs|prometheus|alertmanager|v1|metrics|healthz|readyz|openapi\.json)(?:\/|$)/;

/** Serves the built dashboard: `/`, its assets, and `/login`, which also takes login links. */
export async function serveDashboard(app: ApiApp, parts: DashboardParts): Promise<DashboardPage> {
  const { directory } = parts;
  if (directory === null || !existsSync(join(directory, 'index.html'))) {
    registerLogin(app, parts.access, answerNotBuilt);
    return answerNotBuilt;
  }
  await app.register(serveStatic, { root: directory, serve: false, preCompressed: true });
  const page: DashboardPage = (reply) =>
    reply.headers(PAGE_HEADERS).sendFile('index.html', { cacheControl: false });

  app.get(
    '/',
    { config: { access: PUBLIC }, schema: { tags: ['dashboard'], summary: 'The dashboard' } },
    (_request, reply) => page(reply.header('cache-control', 'no-cache')),
  );
  app.get(
    '/assets/*',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['dashboard'],
        summary: 'The dashboard’s files; their names change with their content',
        params: z.object({ '*': z.string() }),
      },
    },
    (request, reply) => {
      const name = request.params['*'];
      if (!ASSET_NAME.test(name)) return reply.callNotFound();
      return reply.sendFile(`assets/${name}`, { maxAge: '365d', immutable: true });
    },
  );
  registerLogin(app, parts.access, page);
  return page;
}

/** Whether a path that no route has is one of the dashboard's pages. */
export function isDashboardPage(request: FastifyRequest): boolean {
  const path = request.url.split('?', 1)[0] ?? '';
  return request.method === 'GET' && wantsPage(request) && !NO_PAGES.test(path);
}

function answerNotBuilt(): never {
  throw new OmoiError('not_found', 'the dashboard is not built; `npm start` builds it');
}

function registerLogin(app: ApiApp, access: Access, page: DashboardPage): void {
  app.get(
    '/login',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['access'],
        summary: 'Log a browser in with a login link, or show the login page',
        querystring: z.object({ code: z.string().max(100).optional(), error: z.string().optional() }),
      },
    },
    async (request, reply) => {
      const { code } = request.query;
      if (code === undefined) return page(reply.header('cache-control', 'no-cache'));
      try {
        return await logInByLink(request, reply, { access, code });
      } catch (thrown) {
        if (!wantsPage(request) || !(thrown instanceof OmoiError)) throw thrown;
        return reply.redirect(`/login?error=${thrown.code}`, 303);
      }
    },
  );
}
