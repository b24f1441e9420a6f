import { ADMINS, ROLES } from './roles.ts';
import {
  type Clock,
  idText,
  MAX_DURATION_MS,
  OmoiError,
  parseDuration,
  toRfc3339,
  toRfc3339OrNull,
  storedText,
  nameText,
} from '#telemetry';
import { z } from 'zod';
import type { Access } from './access.ts';
import type { TokenRecord } from './token-store.ts';
import type { ApiApp } from '../http/app.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { wholeNumber } from '../http/whole-number.ts';

const scopeBody = z.strictObject({
  agent_ids: z.array(nameText).max(1_000).default([]),
  pool_id: nameText.nullable().default(null),
  member_of: nameText
    .nullable()
    .default(null)
    .describe('The pool that the named agents join; they speak for no other of it.'),
  enqueue_for: z
    .array(z.union([nameText, z.literal('*')]))
    .max(1_000)
    .default([])
    .describe('Pools of others that it may put tasks into; `*` for all.'),
  max_agents: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .nullable()
    .default(null)
    .describe('How many agents it may have registered; null: `access.max_agents_per_token`.'),
});

const speaksForBody = z.strictObject({
  pools: z.array(nameText).max(1_000).default([]),
  agents: z.array(nameText).max(1_000).default([]),
  matchers: z
    .array(storedText(1_000))
    .max(100)
    .default([])
    .describe('Targets whose `agent_id` and `pool_id` all of these accept: `pool_id=~"mail-.*"`.'),
});

const tokenBody = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  scope: z
    .object({
      agent_ids: z.array(z.string()),
      pool_id: z.string().nullable(),
      member_of: z.string().nullable(),
      enqueue_for: z.array(z.string()),
      max_agents: z.number().nullable(),
    })
    .nullable(),
  speaks_for: z
    .object({ pools: z.array(z.string()), agents: z.array(z.string()), matchers: z.array(z.string()) })
    .nullable(),
  prefix: z.string().describe('The first characters of the secret.'),
  created_at: z.string(),
  created_by: z.string(),
  expires_at: z.string().nullable(),
  last_used_at: z.string().nullable().describe('Exact to about a minute.'),
  revoked_at: z.string().nullable(),
  revoked_by: z.string().nullable(),
});

const newToken = z.strictObject({
  name: storedText(200)
    .trim()
    .min(1)
    .regex(/^\P{Cc}*$/u, 'must have no control characters')
    .describe('What the token is called in the audit log.'),
  role: z.enum(ROLES),
  scope: scopeBody.optional().describe('Agent tokens only: what the token may speak for.'),
  speaks_for: speaksForBody
    .optional()
    .describe(
      'Targets that policies may act on when an alert rests on what this token sends. Without it: none.',
    ),
  expires_in: z
    .string()
    .max(50)
    .optional()
    .describe('A duration, `90d`; without it the token works until revoked.'),
});

const tokensQuery = z.strictObject({
  after: idText('tok', 'a token').optional().describe('The last id of the page before.'),
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
});

/** Tokens: made and shown once, listed, revoked. */
export function registerTokenRoutes(
  app: ApiApp,
  parts: { readonly access: Access; readonly clock: Clock },
): void {
  const { access, clock } = parts;

  app.get(
    '/api/v1/tokens',
    {
      config: { access: ADMINS },
      schema: {
        tags: ['access'],
        summary: 'List the tokens, newest first, revoked ones included',
        querystring: tokensQuery,
        response: { 200: z.array(tokenBody) },
      },
    },
    async ({ query: { after = null, limit } }, reply) => {
      const read = async (afterId: string | null, asked: number) =>
        rowsBehind(await access.listTokens({ afterId, limit: asked }), asked, ({ id }) => id);
      return sendPagedList(reply, { name: null, after, limit, read, view: describeToken });
    },
  );

  app.post(
    '/api/v1/tokens',
    {
      config: { access: ADMINS },
      schema: {
        tags: ['access'],
        summary: 'Make a token; its secret is in the answer and nowhere else',
        body: newToken,
        response: { 201: z.object({ token: tokenBody, secret: z.string() }) },
      },
    },
    async (request, reply) => {
      const { name, role, scope, speaks_for: speaksFor, expires_in: expiresIn } = request.body;
      const minted = await access.mintToken({
        name,
        role,
        scope: scope
          ? {
              agentIds: scope.agent_ids,
              poolId: scope.pool_id,
              memberOf: scope.member_of,
              enqueueFor: scope.enqueue_for,
              maxAgents: scope.max_agents,
            }
          : null,
        speaksFor: speaksFor ?? null,
        createdBy: request.principal.name,
        expiresAtMs: expiresIn === undefined ? null : Math.floor(clock.wallMs()) + readLifetime(expiresIn),
      });
      return reply.code(201).send({ token: describeToken(minted.token), secret: minted.secret });
    },
  );

  app.delete(
    '/api/v1/tokens/:token_id',
    {
      config: { access: ADMINS },
      schema: {
        tags: ['access'],
        summary: 'Revoke a token and end its sessions',
        params: z.object({ token_id: storedText(100) }),
        response: { 200: tokenBody },
      },
    },
    (request) => access.revokeToken(request.params.token_id, request.principal.name).then(describeToken),
  );
}

function readLifetime(text: string): number {
  const lifetimeMs = parseDuration(text);
  if (lifetimeMs !== null && lifetimeMs > 0 && lifetimeMs < MAX_DURATION_MS) return lifetimeMs;
  throw new OmoiError(
    'invalid_request',
    `body.expires_in: "${text}" is no duration up to 292y; write 12h, 90d`,
  );
}

function describeToken(token: TokenRecord): z.output<typeof tokenBody> {
  return {
    id: token.id,
    name: token.name,
    role: token.role,
    scope: token.scope && {
      agent_ids: [...token.scope.agentIds],
      pool_id: token.scope.poolId,
      member_of: token.scope.memberOf ?? null,
      enqueue_for: [...(token.scope.enqueueFor ?? [])],
      max_agents: token.scope.maxAgents ?? null,
    },
    speaks_for: token.speaksFor && {
      pools: [...token.speaksFor.pools],
      agents: [...token.speaksFor.agents],
      matchers: [...token.speaksFor.matchers],
    },
    prefix: token.prefix,
    created_at: toRfc3339(token.createdAtMs),
    created_by: token.createdBy,
    expires_at: toRfc3339OrNull(token.expiresAtMs),
    last_used_at: toRfc3339OrNull(token.lastUsedAtMs),
    revoked_at: toRfc3339OrNull(token.revokedAtMs),
    revoked_by: token.revokedBy,
  };
}
