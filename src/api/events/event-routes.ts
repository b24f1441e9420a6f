import type { EventBus } from '#eventbus';
import type { ApiApp } from '../http/app.ts';
import { eventsAnswer, eventsQuery } from './event-schemas.ts';
import { eventTypesOf } from './event-types.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
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
    handler: async ({ query }, reply) => {
      const types = eventTypesOf(query.types ?? '');
      const newestFirst = query.order === 'newest_first';
      const read = async (behindId: number | null, limit: number) => {
        const afterId = (newestFirst ? null : behindId) ?? query.after_id;
        const beforeId = (newestFirst ? behindId : null) ?? query.before_id;
        const rows = await events.list({
          ...(types && { types: [...types] }),
          ...(query.entity_id !== undefined && { entityId: query.entity_id }),
          ...(query.trace_id !== undefined && { traceId: query.trace_id }),
          ...(query.from !== undefined && { fromMs: query.from }),
          ...(query.to !== undefined && { toMs: query.to }),
          ...(afterId !== undefined && { afterId }),
          ...(beforeId !== undefined && { beforeId }),
          newestFirst,
          limit,
        });
        return rowsBehind(rows, limit, ({ id }) => id);
      };
      const { limit } = query;
      return sendPagedList(reply, { name: 'events', after: null, limit, read, view: (event) => event });
    },
  });
}
