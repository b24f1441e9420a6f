import type { Notification, RouteOverview } from '#notification';
import { emptyLabels, messageOf, OmoiError, type Labels, type Matcher } from '#telemetry';
import type { z } from 'zod';
import { READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { sendPieces } from '../http/pieces.ts';
import { routesAnswer, routingTestAnswer, routingTestQuery } from './routing-schemas.ts';

export interface RoutingRouteParts {
  readonly notification: Pick<Notification, 'routes' | 'whereTo'>;
  /** @throws Error with the place of the mistake */
  readonly parseMatcher: (text: string) => Matcher;
}

/** Which way alerts go to the receivers, and which way one would go. */
export function registerRoutingRoutes(app: ApiApp, { notification, parseMatcher }: RoutingRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/routing',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'The routing tree depth first, with what each route holds and whether it keeps silent now',
      response: { 200: routesAnswer },
    },
    handler: async (_request, reply) => {
      const routes = jsonOfList(mapped(notification.routes(), viewOfRoute));
      return sendPieces(reply.type('application/json'), jsonOfFields([['routes', routes]]));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/routing/test',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'Where an alert with some labels would go now, and why',
      querystring: routingTestQuery,
      response: { 200: routingTestAnswer },
    },
    handler: ({ query }) => {
      const labels = readLabels(query.label, parseMatcher);
      const { to, steps } = notification.whereTo(labels);
      return {
        labels: { ...labels },
        to: to.map(({ route, groupKey, groupLabels }) => ({
          route_id: route.id,
          receiver: route.receiver,
          group_key: groupKey,
          group_labels: { ...groupLabels },
        })),
        steps: steps.map(({ routeId, depth, decision, reason }) => ({
          route_id: routeId,
          depth,
          decision,
          reason,
        })),
      };
    },
  });
}

/** @throws OmoiError `invalid_request` */
function readLabels(texts: readonly string[], parseMatcher: RoutingRouteParts['parseMatcher']): Labels {
  const labels = emptyLabels();
  for (const text of texts) {
    const { name, operator, value } = readLabel(text, parseMatcher);
    if (operator !== '=') throw noLabel(text, `it has ${operator}`);
    if (Object.hasOwn(labels, name)) throw noLabel(text, 'there is another of the same name');
    labels[name] = value;
  }
  return labels;
}

function readLabel(text: string, parseMatcher: RoutingRouteParts['parseMatcher']): Matcher {
  try {
    return parseMatcher(text);
  } catch (thrown) {
    throw noLabel(text, messageOf(thrown));
  }
}

function noLabel(text: string, why: string): OmoiError {
  const message = `${JSON.stringify(text)} is no label of an alert: ${why}; write team=web`;
  return new OmoiError('invalid_request', message);
}

function viewOfRoute(overview: RouteOverview): z.input<typeof routesAnswer>['routes'][number] {
  const { route, depth, matchers, silent, groups, alerts } = overview;
  return {
    route_id: route.id,
    depth,
    receiver: route.receiver,
    matchers: [...matchers],
    continue: route.continues,
    group_by: route.groupBy === 'all' ? ['...'] : [...route.groupBy],
    group_wait_ms: route.groupWaitMs,
    group_interval_ms: route.groupIntervalMs,
    repeat_interval_ms: route.repeatIntervalMs,
    mute_time_intervals: [...route.muteTimeIntervals],
    active_time_intervals: [...route.activeTimeIntervals],
    silent: silent && { because: silent.because, names: [...silent.names] },
    hold_for_remediation_ms: route.omoi.holdForRemediationMs,
    escalation: route.omoi.escalation,
    groups,
    alerts,
  };
}
