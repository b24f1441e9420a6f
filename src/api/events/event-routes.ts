import type { EventBus } from '#eventbus';
import type { ApiApp } from '../http/app.ts';
import { eventsAnswer, eventsQuery } from './event-schemas.ts';
import { eventTypesOf } from './event-types.ts';
import { READERS } from '../access/roles.ts';

export interface EventRouteParts {
  readonly events: Pick<EventBus, 'list'>;
}

/** `/api/v1/events`: what happened. */
export function registerEventRoutes(app: ApiApp, { events }: EventRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/events',
    config: { access: READERS },
    schema: {
      tags: ['events'],
      summary: 'Events of the log',
      querystring: eventsQuery,
      response: { 200: eventsAnswer },
    },
    handler: async ({ query }) => {
      const types = eventTypesOf(query.types ?? '');
      const found = await events.list({
        ...(types && { types: [...types] }),
        ...(query.entity_id !== undefined && { entityId: query.entity_id }),
        ...(query.trace_id !== undefined && { traceId: query.trace_id }),
        ...(query.from !== undefined && { fromMs: query.from }),
        ...(query.to !== undefined && { toMs: query.to }),
        ...(query.after_id !== undefined && { afterId: query.after_id }),
        ...(query.before_id !== undefined && { beforeId: query.before_id }),
        newestFirst: query.order === 'newest_first',
        limit: query.limit,
      });
      return { events: [...found] };
    },
  });
}
