import type { FastifyReply, FastifyRequest, FastifySchema, FastifyTypeProviderDefault } from 'fastify';
import type { Role } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { sendPieces } from '../http/pieces.ts';
import { alertmanagerError, AlertmanagerRefusal } from './alertmanager-refusal.ts';

export interface AlertmanagerRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below `/alertmanager/`. */
  readonly path: string;
  readonly access: readonly Role[] | 'public';
  /** Whether it takes what programs of this machine post without a token, as other telemetry. */
  readonly takesTelemetry?: boolean;
  /** Whether its body is a list as long as it likes. */
  readonly takesList?: boolean;
  readonly schema: FastifySchema & { readonly summary: string };
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> | FastifyReply;
}

/** Adds routes whose refusals have Alertmanager's form. Their answers are JSON already: schemas describe them. */
export function registerAlertmanagerScope(app: ApiApp, routes: readonly AlertmanagerRoute[]): void {
  void app.register((scope, _options, done) => {
    scope.setErrorHandler((thrown, _request, reply) => {
      if (thrown instanceof AlertmanagerRefusal) return sendJson(reply.code(thrown.status), thrown.body);
      throw thrown;
    });
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store');
    });
    for (const {
      method,
      path,
      access,
      takesTelemetry = false,
      takesList = false,
      schema,
      handle,
    } of routes) {
      scope.withTypeProvider<FastifyTypeProviderDefault>().route({
        method,
        url: `/alertmanager/${path}`,
        config: { access, takesList, ...(takesTelemetry && { openOnLoopback: true, reportsOnly: true }) },
        schema: {
          tags: ['alertmanager'],
          ...schema,
          response: { ...(schema.response as object), default: alertmanagerError },
        },
        handler: handle,
      });
    }
    done();
  });
}

export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.type('application/json').send(Buffer.from(JSON.stringify(value)));
}

/** A long one, in pieces. */
export function sendJsonPieces(reply: FastifyReply, pieces: Iterable<string>): FastifyReply {
  return sendPieces(reply.type('application/json'), pieces);
}
