import type { ActiveAlert, Alerting, GroupOverview, RuleOverview } from '#alerting';
import { toRfc3339 } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from '../app.ts';
import type { AlertRouteParts } from './alerts.ts';

const READERS = ['viewer', 'operator', 'admin'] as const;

/** `rule_name[]=x` arrives under either name, once or repeated. */
const many = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .transform((given) => (given === undefined ? [] : typeof given === 'string' ? [given] : given));

const rulesQuery = z.object({
  type: z.enum(['alert', 'record']).optional(),
  'rule_name[]': many,
  'rule_group[]': many,
  'file[]': many,
  exclude_alerts: z.string().optional(),
});

/** What Prometheus answers, field by field: its clients know the shape. */
const answer = z.object({ status: z.literal('success'), data: z.record(z.string(), z.unknown()) });

/** `/prometheus/api/v1/rules` and `/alerts` in Prometheus's own JSON. */
export function registerPrometheusRuleRoutes(app: ApiApp, { alerting }: AlertRouteParts): void {
  app.route({
    method: 'GET',
    url: '/prometheus/api/v1/rules',
    config: { access: READERS },
    schema: {
      tags: ['prometheus'],
      summary: 'The loaded rules, as Prometheus lists them',
      querystring: rulesQuery,
      response: { 200: answer },
    },
    handler: ({ query }) => ({ status: 'success' as const, data: { groups: listGroups(alerting, query) } }),
  });
  app.route({
    method: 'GET',
    url: '/prometheus/api/v1/alerts',
    config: { access: READERS },
    schema: {
      tags: ['prometheus'],
      summary: 'The pending and firing alerts, as Prometheus lists them',
      response: { 200: answer },
    },
    handler: () => ({
      status: 'success' as const,
      data: {
        alerts: alerting
          .overview()
          .flatMap((group) => group.rules.flatMap((rule) => rule.alerts.map(prometheusAlert))),
      },
    }),
  });
}

function listGroups(alerting: Pick<Alerting, 'overview'>, query: z.output<typeof rulesQuery>) {
  const accepts = (wanted: readonly string[], name: string): boolean =>
    wanted.length === 0 || wanted.includes(name);
  const keepsRule = (rule: RuleOverview): boolean =>
    (query.type === undefined || (query.type === 'alert') === (rule.kind === 'alerting')) &&
    accepts(query['rule_name[]'], rule.name);
  const withAlerts = query.exclude_alerts !== 'true' && query.exclude_alerts !== '1';
  return alerting
    .overview()
    .filter((group) => accepts(query['rule_group[]'], group.name) && accepts(query['file[]'], group.file))
    .map((group) => ({ ...group, rules: group.rules.filter(keepsRule) }))
    .filter((group) => group.rules.length > 0)
    .map((group) => prometheusGroup(group, withAlerts));
}

function prometheusGroup(group: GroupOverview, withAlerts: boolean) {
  const newestMs = Math.max(0, ...group.rules.map(({ statistics }) => statistics.lastEvaluationMs ?? 0));
  const spentMs = group.rules.reduce((sum, { statistics }) => sum + statistics.lastDurationMs, 0);
  return {
    name: group.name,
    file: group.file,
    interval: group.intervalMs / 1000,
    limit: group.limit,
    evaluationTime: spentMs / 1000,
    lastEvaluation: toRfc3339(newestMs),
    rules: group.rules.map((rule) => prometheusRule(rule, withAlerts)),
  };
}

function prometheusRule(rule: RuleOverview, withAlerts: boolean) {
  const { statistics } = rule;
  const common = {
    name: rule.name,
    query: rule.expr,
    labels: rule.labels,
    health: statistics.health,
    ...(statistics.lastError === null ? {} : { lastError: statistics.lastError }),
    evaluationTime: statistics.lastDurationMs / 1000,
    lastEvaluation: toRfc3339(statistics.lastEvaluationMs ?? 0),
    type: rule.kind,
  };
  if (rule.kind === 'recording') return common;
  const states = rule.alerts.map(({ state }) => state);
  return {
    ...common,
    state: states.includes('firing') ? 'firing' : (states[0] ?? 'inactive'),
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: rule.annotations,
    alerts: withAlerts ? rule.alerts.map(prometheusAlert) : [],
  };
}

function prometheusAlert(alert: ActiveAlert) {
  return {
    labels: alert.labels,
    annotations: alert.annotations,
    state: alert.state,
    activeAt: toRfc3339(alert.activeAtMs),
    ...(alert.missedSinceMs === null ? {} : { keepFiringSince: toRfc3339(alert.missedSinceMs) }),
    // Prometheus writes the value here with an exponent.
    value: formatExponent(alert.value),
  };
}

function formatExponent(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? number.toExponential().replace(/e([+-])(\d)$/, 'e$10$2') : value;
}
