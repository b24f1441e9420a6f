import type { FastifyReply, FastifyRequest } from 'fastify';
import { messageOf, type Logger } from '#telemetry';
import type { ApiApp, Principal } from '../http/app.ts';
import type { AuditLog, AuditOutcome } from './audit-log.ts';
import { isChange } from './guard.ts';

/**
 * Writes every change that a person or an operator's token asks for into the audit log: once before the route
 * runs, so that no change goes unrecorded, and once more with its outcome before it is answered. Agents and
 * ingest are not audited: what they report is data. Nor are heartbeats and telemetry, whoever sends them: two commits
 * for each write of samples would hold up what these samples tell of.
 */
export function auditChanges(app: ApiApp, audit: AuditLog, logger: Logger): void {
  const open = new WeakMap<FastifyRequest, number>();

  app.addHook('preHandler', async (request) => {
    if (!isAudited(request)) return;
    const { kind, id, name } = request.principal;
    const entry = await audit.begin({
      actor: { kind, id, name },
      action: `${request.method} ${request.routeOptions.url ?? request.url}`,
      entity: describeParams(request.params),
      requestId: request.id,
      outcome: 'started',
      details: {},
    });
    open.set(request, entry);
  });

  app.addHook('onSend', async (request, reply) => {
    const entry = open.get(request);
    if (entry === undefined) return;
    open.delete(request);
    try {
      await audit.complete(entry, outcomeOf(reply), { status: reply.statusCode });
    } catch (thrown) {
      // The change has been made or refused by now; its entry stays `started`, and the caller gets the answer.
      logger.error(
        { error: messageOf(thrown), request_id: request.id },
        'Audit entry left as started: how the request ended could not be recorded.',
      );
    }
  });
}

const AUDITED_ROLES: readonly Principal['role'][] = ['viewer', 'operator', 'admin'];

function isAudited(request: FastifyRequest): boolean {
  const { readsOnly = false, reportsOnly = false } = request.routeOptions.config;
  return (
    isChange(request.method) &&
    !readsOnly &&
    !reportsOnly &&
    !request.is404 &&
    AUDITED_ROLES.includes(request.principal.role)
  );
}

function outcomeOf(reply: FastifyReply): AuditOutcome {
  if (reply.statusCode >= 500) return 'failed';
  return reply.statusCode >= 400 ? 'refused' : 'succeeded';
}

/** The path's parameters, `agent_id=worker-1`. */
function describeParams(params: unknown): string {
  if (typeof params !== 'object' || params === null) return '';
  return Object.entries(params)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');
}
