import { type Labels, matchesAll, type Matcher, paced, Stretch } from '#telemetry';
import { READERS, SENDERS } from '../access/roles.ts';
import { senderOf } from '../access/sender.ts';
import { jsonOf, jsonOfElements, jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { AlertmanagerRefusal } from './alertmanager-refusal.ts';
import type { AlertmanagerParts } from './alertmanager-parts.ts';
import { alertsAnswer, alertsBody, groupsAnswer } from './alertmanager-schemas.ts';
import { type AlertmanagerRoute, sendJsonPieces } from './alertmanager-scope.ts';
import type { AlertFilter, ViewedAlert, ViewedGroup } from './alertmanager-view.ts';
import { compareGroups, sortedAlerts, viewOfAlert } from './alert-json.ts';
import { readPostedAlerts } from './posted-alerts.ts';
import {
  alertsQuery,
  groupsQuery,
  isWanted,
  type Parameter,
  readMatchers,
  readReceiverFilter,
} from './query-filters.ts';

export function alertRoutes(parts: AlertmanagerParts): readonly AlertmanagerRoute[] {
  return [listAlerts(parts), listGroups(parts), postAlerts(parts)];
}

function listAlerts({ view, language, clock }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'GET',
    path: 'api/v2/alerts',
    access: READERS,
    schema: {
      summary: 'The alerts that fire, as Alertmanager lists them',
      querystring: alertsQuery,
      response: { 200: alertsAnswer },
    },
    async handle(request, reply) {
      const query = alertsQuery.parse(request.query);
      const accepts = alertFilter(query, language.parseMatcher);
      const isMeant = readReceiverFilter(query, language.parseMatcher, receiverLabels(view.receivers()));
      const found: ViewedAlert[] = [];
      const stretch = new Stretch(clock);
      const alerts = view.alerts(
        (alert) => (isMeant === null || alert.receivers.some(isMeant)) && accepts(alert),
      );
      for await (const alert of alerts) {
        found.push(alert);
        if (stretch.isOver) await stretch.pause();
      }
      found.sort(({ alert: a }, { alert: b }) => (a.fingerprint < b.fingerprint ? -1 : 1));
      const nowMs = clock.wallMs();
      return sendJsonPieces(reply, jsonOfList(mapped(found, (alert) => viewOfAlert(alert, nowMs))));
    },
  };
}

function listGroups({ view, language, clock }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'GET',
    path: 'api/v2/alerts/groups',
    access: READERS,
    schema: {
      summary: 'The aggregation groups and the alerts in them, as Alertmanager lists them',
      querystring: groupsQuery,
      response: { 200: groupsAnswer },
    },
    async handle(request, reply) {
      const query = groupsQuery.parse(request.query);
      const accepts = alertFilter(query, language.parseMatcher);
      const isMeant = readReceiverFilter(query, language.parseMatcher, receiverLabels(view.receivers()));
      const withMuted = isWanted(query.muted);
      const found: (ViewedGroup & { readonly alerts: readonly ViewedAlert[] })[] = [];
      const stretch = new Stretch(clock);
      for await (const group of view.groups(accepts)) {
        if (stretch.isOver) await stretch.pause();
        if (isMeant !== null && !isMeant(group.receiver)) continue;
        if (!withMuted && group.mutedBy.length > 0) continue;
        const alerts: ViewedAlert[] = [];
        for await (const alert of group.alerts) {
          alerts.push(alert);
          if (stretch.isOver) await stretch.pause();
        }
        if (alerts.length > 0) found.push({ ...group, alerts });
      }
      const nowMs = clock.wallMs();
      const groups = mapped(found.sort(compareGroups), (group) => groupJson(group, nowMs));
      return sendJsonPieces(reply, jsonOfElements(groups));
    },
  };
}

function groupJson(
  group: ViewedGroup & { readonly alerts: readonly ViewedAlert[] },
  nowMs: number,
): Iterable<string> {
  const alerts = sortedAlerts(group.alerts);
  return jsonOfFields([
    ['alerts', jsonOfList(mapped(alerts, (alert) => viewOfAlert(alert, nowMs, group.mutedBy)))],
    ['labels', jsonOf(group.labels)],
    ['receiver', jsonOf({ name: group.receiver })],
    ['routeLabels', jsonOf(group.routeLabels)],
  ]);
}

function alertFilter(
  query: {
    readonly filter?: Parameter;
    readonly active?: Parameter;
    readonly silenced?: Parameter;
    readonly inhibited?: Parameter;
  },
  parseMatcher: (text: string) => Matcher,
): AlertFilter {
  const matchers = readMatchers(query.filter, parseMatcher);
  const withActive = isWanted(query.active);
  const withSilenced = isWanted(query.silenced);
  const withInhibited = isWanted(query.inhibited);
  return ({ labels, silencedBy, inhibitedBy }) => {
    if (!matchesAll(matchers, labels)) return false;
    if (!withSilenced && silencedBy.length > 0) return false;
    if (!withInhibited && inhibitedBy.length > 0) return false;
    return withActive || silencedBy.length + inhibitedBy.length > 0;
  };
}

function receiverLabels(
  receivers: readonly { readonly name: string; readonly labels: Labels }[],
): (name: string) => Labels | undefined {
  const byName = new Map(receivers.map(({ name, labels }) => [name, labels]));
  return (name) => byName.get(name);
}

function postAlerts({ view, posted, language, clock }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'POST',
    path: 'api/v2/alerts',
    access: SENDERS,
    takesTelemetry: true,
    takesList: true,
    schema: {
      summary:
        'Tell of alerts, as Prometheus tells Alertmanager: those that are right are taken whatever is wrong with others',
      body: alertsBody,
    },
    async handle(request, reply) {
      const reading = readPostedAlerts(request.body, {
        nowMs: Math.floor(clock.wallMs()),
        resolveTimeoutMs: view.resolveTimeoutMs(),
        isLabelName: language.isLabelName,
      });
      const { valid, problems } = await paced(reading, new Stretch(clock));
      const { principal, traceparent } = request;
      const from = { sender: senderOf(principal), traceparent };
      const refused = valid.length > 0 ? await posted.take(valid, from) : [];
      const told = [...problems, ...refused].slice(0, maxToldProblems);
      if (told.length > 0) throw AlertmanagerRefusal.text(400, told.join('\n'));
      return reply.code(200).send();
    },
  };
}

/** Beyond these a sender knows enough. */
export const maxToldProblems = 100;
