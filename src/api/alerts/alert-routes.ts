import type { Alerting } from '#alerting';
import type { Notification } from '#notification';
import { compileRegex, messageOf, OmoiError, type Labels } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import {
  activeAlertAnswer,
  activeAlertParams,
  activeAlertsAnswer,
  activeAlertsQuery,
  alertParams,
  alertRuleAnswer,
  alertsAnswer,
  alertsQuery,
  timelineAnswer,
} from './alert-schemas.ts';
import { jsonOf, jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { sendPagedList } from '../http/paged-list.ts';
import { sendPieces } from '../http/pieces.ts';
import { READERS } from '../access/roles.ts';
import {
  viewOfActiveAlert,
  viewOfAlert,
  viewOfAlertRule,
  viewOfComments,
  viewOfOneActiveAlert,
} from './alert-view.ts';
import { alertAnswer } from './handling-schemas.ts';
import { registerHandlingRoutes, type HandlingRouteParts } from './handling-routes.ts';
import { registerRuleRoutes, type RuleRouteParts } from './rule-routes.ts';

export interface AlertRouteParts extends HandlingRouteParts, RuleRouteParts {
  readonly notification: Pick<Notification, 'deliveriesOf' | 'receiversOf'>;
  readonly alerting: Pick<Alerting, 'alerts' | 'handling' | 'pageOfActiveAlerts' | 'activeAlert' | 'ruleOf'> &
    RuleRouteParts['alerting'];
}

/** `/api/v1/alerts`: what fires and fired, and what people do about it. */
export function registerAlertRoutes(app: ApiApp, parts: AlertRouteParts): void {
  registerRuleRoutes(app, parts);
  registerActive(app, parts);
  registerReading(app, parts);
  registerHandlingRoutes(app, parts);
}

function registerReading(app: ApiApp, { alerting, notification }: AlertRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'Alerts, the newest first',
      querystring: alertsQuery,
      response: { 200: alertsAnswer },
    },
    handler: async ({ query }, reply) => {
      let nextCursor: string | null = null;
      const labels = query.receiver === undefined ? null : sentTo(query.receiver, notification);
      const read = async (cursor: string | null, limit: number) => {
        const page = await alerting.alerts.list({
          ...(query.state === undefined ? {} : { state: query.state }),
          ...(query.severity === undefined ? {} : { severity: query.severity }),
          ...(query.rule_id === undefined ? {} : { ruleId: query.rule_id }),
          ...(query.acknowledged === undefined ? {} : { acknowledged: query.acknowledged === 'true' }),
          ...(cursor === null ? {} : { cursor }),
          ...(labels === null ? {} : { labels }),
          matchers: query.matcher,
          limit,
        });
        nextCursor = page.nextCursor;
        // Fewer than were asked for: of what was looked at no more fits, and whoever asked decides whether to look on.
        return { rows: page.alerts, next: page.alerts.length < limit ? null : nextCursor };
      };
      return sendPagedList(reply, {
        name: 'alerts',
        after: query.cursor ?? null,
        limit: query.limit,
        read,
        view: viewOfAlert,
        nextCursor: () => nextCursor,
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/:alert_id',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'One alert, and what people have said about it',
      params: alertParams,
      response: { 200: alertAnswer },
    },
    handler: async ({ params: { alert_id: id } }) => {
      const alert = viewOfAlert(await alerting.alerts.get(id));
      return { ...alert, ...viewOfComments(await alerting.handling.newestComments(id)) };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/:alert_id/rule',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'The rule of an alert as it is loaded now, and the query of the value that it judges',
      params: alertParams,
      response: { 200: alertRuleAnswer },
    },
    handler: async ({ params: { alert_id: id } }) => {
      const alert = await alerting.alerts.get(id);
      return { alert_id: id, rule: viewOfAlertRule(alerting.ruleOf(alert)) };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/:alert_id/timeline',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'What has happened around an alert, in order: its repairs and the messages about it, too',
      params: alertParams,
      response: { 200: timelineAnswer },
    },
    handler: async ({ params: { alert_id: id } }, reply) => {
      const happened = await alerting.alerts.timeline(id);
      const told = await notification.deliveriesOf(id);
      const events = jsonOfList([...happened, ...told.events].sort((a, b) => a.id - b.id));
      const { messages, isMore } = told.leftOut;
      const timeline = jsonOfFields([
        ['alert_id', jsonOf(id)],
        ['left_out', jsonOf({ messages, at_least: isMore })],
        ['events', events],
      ]);
      return sendPieces(reply.type('application/json'), timeline);
    },
  });
}

/** @throws OmoiError `invalid_request` for a broken expression */
function sentTo(receiver: string, notification: AlertRouteParts['notification']) {
  try {
    const regex = compileRegex(receiver, 'in_line');
    const accepts = (labels: Labels): boolean =>
      notification.receiversOf(labels).some((name) => regex.matches(name));
    return { said: receiver, accepts };
  } catch (thrown) {
    const said = JSON.stringify(receiver);
    throw new OmoiError(
      'invalid_request',
      `receiver: ${said} is no regular expression: ${messageOf(thrown)}`,
    );
  }
}

function registerActive(app: ApiApp, { alerting }: AlertRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/active',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'The label sets for which a rule is pending or firing, rule by rule',
      querystring: activeAlertsQuery,
      response: { 200: activeAlertsAnswer },
    },
    handler: async ({ query }, reply) => {
      const page = await alerting.pageOfActiveAlerts({
        ...(query.rule_id === undefined ? {} : { ruleId: query.rule_id }),
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        limit: query.limit,
      });
      const active = jsonOfFields([
        ['active', jsonOfList(mapped(page.alerts, viewOfActiveAlert))],
        ['next_cursor', jsonOf(page.nextCursor)],
      ]);
      return sendPieces(reply.type('application/json'), active);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/active/:active_id',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'A label set for which a rule is pending or firing, with the rule, and when it fires',
      params: activeAlertParams,
      response: { 200: activeAlertAnswer },
    },
    handler: ({ params: { active_id: id } }) => {
      const found = alerting.activeAlert(id);
      if (found !== null) return viewOfOneActiveAlert(found);
      const message = `${JSON.stringify(id)} is neither pending nor firing: its condition does not hold, or its rule is not loaded`;
      throw new OmoiError('unknown_alert', message);
    },
  });
}
