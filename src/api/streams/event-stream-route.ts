import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import type { EventStreams } from './event-streams.ts';
import { READERS } from '../access/roles.ts';
import { eventTypesOf } from '../events/event-types.ts';

export interface EventStreamParts {
  readonly streams: EventStreams;
  /** Whether whoever opened the stream would still be let in. */
  mayContinue(request: FastifyRequest): Promise<boolean>;
}

const query = z.strictObject({
  types: z
    .string()
    .max(1_000)
    .optional()
    .describe('Event types or their dotted beginnings, separated by commas: `watchdog,fleet.agent`.'),
});

const headers = z.looseObject({
  'last-event-id': z
    .string()
    .regex(/^\d{1,15}$/, 'must be the id of an event')
    .optional()
    .describe('Resume after this event. Browsers send it by themselves.'),
});

/** What happens, as it happens. */
export function registerEventStreamRoute(app: ApiApp, parts: EventStreamParts): void {
  app.get(
    '/api/v1/events/stream',
    {
      config: { access: READERS },
      // An answer without a body would hold a stream's place all the same.
      exposeHeadRoute: false,
      schema: {
        tags: ['events'],
        summary: 'Live events, as server-sent events',
        querystring: query,
        headers,
        response: {
          200: {
            description: 'One message an event; `id` is the event’s id, `data` the event as JSON.',
            content: { 'text/event-stream': { schema: z.string() } },
          },
        },
      },
    },
    async (request, reply) => {
      const types = eventTypesOf(request.query.types ?? '');
      parts.streams.checkRoom();
      const lastEventId = request.headers['last-event-id'];
      reply.hijack();
      reply.raw.writeHead(200, {
        'x-request-id': request.id,
        'x-content-type-options': 'nosniff',
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      await parts.streams.run({
        response: reply.raw,
        lastEventId: lastEventId === undefined ? null : Number(lastEventId),
        accepts: ({ event_type: type }) => types === null || types.has(type),
        mayContinue: () => parts.mayContinue(request),
      });
    },
  );
}
