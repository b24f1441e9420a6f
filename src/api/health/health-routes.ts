import { OmoiError } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import { errorBody } from '../http/error-answer.ts';
import { PUBLIC } from '../access/roles.ts';

export interface HealthParts {
  /** The names of the parts that are not ready to serve. */
  notReady(): readonly string[];
  /** What of others its changes wait for, though it is ready; null: nothing. */
  waitsFor(): string | null;
  /** Why the server can't say that it is the one in charge; null while it can. */
  doubt(): OmoiError | null;
}

const readyAnswer = z.object({
  status: z.literal('ready'),
  waits_for: z
    .string()
    .optional()
    .describe(
      'What changes wait for, though the server is ready: a lock that somebody else holds in PostgreSQL.',
    ),
});

/** For load balancers and supervisors: does the process answer, and may it get traffic? */
export function registerHealthRoutes(app: ApiApp, parts: HealthParts): void {
  app.get(
    '/healthz',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'Whether the server is alive',
        response: { 200: z.object({ status: z.literal('alive') }) },
      },
    },
    () => ({ status: 'alive' as const }),
  );

  app.get(
    '/prometheus/-/healthy',
    {
      config: { access: PUBLIC },
      schema: { tags: ['prometheus'], summary: 'As /healthz, where clients of Prometheus look' },
    },
    (_request, reply) => reply.type('text/plain; charset=utf-8').send('Omoi is healthy.\n'),
  );

  app.get(
    '/prometheus/-/ready',
    {
      config: { access: PUBLIC },
      schema: { tags: ['prometheus'], summary: 'As /readyz, where clients of Prometheus look' },
    },
    (_request, reply) => {
      assertReady(parts);
      return reply.type('text/plain; charset=utf-8').send('Omoi is ready.\n');
    },
  );

  app.get(
    '/readyz',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'Whether the server is ready to serve',
        response: { 200: readyAnswer, 503: errorBody },
      },
    },
    () => {
      assertReady(parts);
      const waitsFor = parts.waitsFor();
      return { status: 'ready' as const, ...(waitsFor !== null && { waits_for: waitsFor }) };
    },
  );
}

function assertReady(parts: HealthParts): void {
  const doubt = parts.doubt();
  if (doubt) throw doubt;
  const waitingFor = parts.notReady();
  if (waitingFor.length > 0) throw new OmoiError('not_ready', `not ready: ${waitingFor.join(', ')}`);
}
