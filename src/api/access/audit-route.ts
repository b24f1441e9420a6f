import { jsonObjectSchema } from '#telemetry';
import { z } from 'zod';
import type { AuditLog } from './audit-log.ts';
import type { ApiApp } from '../http/app.ts';
import { ADMINS } from './roles.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { wholeNumber } from '../http/whole-number.ts';

const query = z.strictObject({
  before_id: wholeNumber({ min: 1 }).optional().describe('Only entries older than this one.'),
  limit: wholeNumber({ min: 1, max: 1_000 }).default(100),
});

const auditBody = z.object({
  id: z.number(),
  at: z.string(),
  actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
  action: z.string(),
  entity: z.string(),
  request_id: z.string(),
  outcome: z.enum(['started', 'succeeded', 'refused', 'failed']),
  details: jsonObjectSchema,
});

/** Who changed what. */
export function registerAuditRoute(app: ApiApp, audit: AuditLog): void {
  app.get(
    '/api/v1/audit',
    {
      config: { access: ADMINS },
      schema: {
        tags: ['access'],
        summary: 'What people and operators’ tokens changed, newest first',
        querystring: query,
        response: { 200: z.array(auditBody).readonly() },
      },
    },
    async ({ query: asked }, reply) => {
      const { before_id: after = null, limit } = asked;
      const read = async (beforeId: number | null, limit: number) =>
        rowsBehind(await audit.list({ beforeId, limit }), limit, ({ id }) => id);
      return sendPagedList(reply, { name: null, after, limit, read, view: (entry) => entry });
    },
  );
}
