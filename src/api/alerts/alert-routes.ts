import type { Alerting, AlertRow } from '#alerting';
import { toRfc3339, toRfc3339OrNull, traceIdOf } from '#telemetry';
import type { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import {
  alertParams,
  alertsAnswer,
  alertsQuery,
  alertView,
  rulesAnswer,
  timelineAnswer,
} from './alert-schemas.ts';

export interface AlertRouteParts {
  readonly alerting: Pick<Alerting, 'alerts' | 'overview'>;
}

const READERS = ['viewer', 'operator', 'admin'] as const;
const OPERATORS = ['operator', 'admin'] as const;

/** `/api/v1/alerts`: what fires and fired, and what people do about it. */
export function registerAlertRoutes(app: ApiApp, parts: AlertRouteParts): void {
  registerRules(app, parts);
  registerReading(app, parts);
  registerHandling(app, parts);
}

function registerReading(app: ApiApp, { alerting }: AlertRouteParts): void {
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
    handler: async ({ query }) => {
      const page = await alerting.alerts.list({
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.severity === undefined ? {} : { severity: query.severity }),
        ...(query.rule_id === undefined ? {} : { ruleId: query.rule_id }),
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        matchers: query.matcher,
        limit: query.limit,
      });
      return { alerts: page.alerts.map(viewOf), next_cursor: page.nextCursor };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/:alert_id',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'One alert',
      params: alertParams,
      response: { 200: alertView },
    },
    handler: async ({ params }) => viewOf(await alerting.alerts.get(params.alert_id)),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/:alert_id/timeline',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'What has happened around an alert, in order',
      params: alertParams,
      response: { 200: timelineAnswer },
    },
    handler: async ({ params }) => ({
      alert_id: params.alert_id,
      events: [...(await alerting.alerts.timeline(params.alert_id))],
    }),
  });
}

function registerHandling(app: ApiApp, { alerting }: AlertRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/alerts/:alert_id/acknowledge',
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Say that somebody has seen the alert; the first one to say so is kept',
      params: alertParams,
      response: { 200: alertView },
    },
    handler: async ({ params, principal }) =>
      viewOf(await alerting.alerts.acknowledge(params.alert_id, principal.name)),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/alerts/:alert_id/resolve',
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'End an alert; it fires again only after its condition was false once',
      params: alertParams,
      response: { 200: alertView },
    },
    handler: async ({ params }) => viewOf(await alerting.alerts.resolve(params.alert_id)),
  });
}

function registerRules(app: ApiApp, { alerting }: AlertRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/rules',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'The rules that are loaded, how they do and what they have in mind',
      response: { 200: rulesAnswer },
    },
    handler: () => ({ groups: alerting.overview().map(viewGroup) }),
  });
}

type Group = ReturnType<Alerting['overview']>[number];

function viewGroup(group: Group): z.input<typeof rulesAnswer>['groups'][number] {
  return {
    name: group.name,
    file: group.file,
    interval_ms: group.intervalMs,
    limit: group.limit,
    rules: group.rules.map((rule) => ({
      rule_id: rule.id,
      kind: rule.kind,
      name: rule.name,
      expr: rule.expr,
      for_ms: rule.forMs,
      keep_firing_for_ms: rule.keepFiringForMs,
      labels: rule.labels,
      annotations: rule.annotations,
      on_arrival: rule.onArrival,
      health: rule.statistics.health,
      last_error: rule.statistics.lastError,
      last_evaluation: toRfc3339OrNull(rule.statistics.lastEvaluationMs),
      last_duration_ms: rule.statistics.lastDurationMs,
      cost_ms: rule.statistics.costMs,
      evaluations: rule.statistics.evaluations,
      delays: rule.statistics.delays,
      last_delay_ms: rule.statistics.lastDelayMs,
      alerts: rule.alerts.map((alert) => ({
        alert_id: alert.alertId,
        state: alert.state,
        labels: alert.labels,
        annotations: alert.annotations,
        active_at: toRfc3339(alert.activeAtMs),
        value: alert.value,
      })),
    })),
  };
}

function viewOf(row: AlertRow): z.input<typeof alertView> {
  return {
    id: row.id,
    rule_id: row.rule_id,
    fingerprint: row.fingerprint,
    labels: JSON.parse(row.labels) as Record<string, string>,
    annotations: JSON.parse(row.annotations) as Record<string, string>,
    severity: row.severity,
    state: row.state,
    value: row.value,
    threshold: row.threshold,
    metric_name: row.metric_name,
    active_at: toRfc3339(row.active_at_ms),
    fired_at: toRfc3339(row.fired_at_ms),
    resolved_at: toRfc3339OrNull(row.resolved_at_ms),
    cause: row.cause,
    acknowledged_by: row.acknowledged_by,
    acknowledged_at: toRfc3339OrNull(row.acknowledged_at_ms),
    remediation_id: row.remediation_id,
    evaluation_error: row.evaluation_error,
    trace_id: traceIdOf(row.traceparent),
    updated_at: toRfc3339(row.updated_at_ms),
  };
}
