import type { ActiveAlert, GroupOverview, RuleOverview } from '#alerting';
import { toRfc3339 } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { jsonOf } from './answer.ts';
import { filterGroups, readRuleFilter } from './rule-filter.ts';
import type { AlertRouteParts } from '../alerts/alert-routes.ts';
import type { PromqlLanguage } from './query-routes.ts';
import { registerPrometheusReads } from './prometheus-route.ts';

export interface PrometheusRuleParts extends AlertRouteParts {
  readonly language: Pick<PromqlLanguage, 'selectorMatchers' | 'formatQuery'>;
}

/** How Go writes a time that never was. */
const NEVER = '0001-01-01T00:00:00Z';

const RULE_PARAMETERS = [
  'type',
  'rule_name[]',
  'rule_group[]',
  'file[]',
  'match[]',
  'exclude_alerts',
  'group_limit',
  'group_next_token',
];

/** `/prometheus/api/v1/rules` and `/alerts` in Prometheus's own JSON. */
export function registerPrometheusRuleRoutes(app: ApiApp, parts: PrometheusRuleParts): void {
  const { alerting, language } = parts;
  registerPrometheusReads(app, [
    {
      path: 'rules',
      takesForm: false,
      summary: 'The loaded rules, as Prometheus lists them',
      parameters: RULE_PARAMETERS,
      async answer({ parameters }) {
        const filter = readRuleFilter(parameters, language);
        const { groups, nextToken } = filterGroups(await alerting.overview(), filter);
        const shown = { language, withAlerts: filter.withAlerts };
        return {
          data: jsonOf({
            groups: groups.map((group) => prometheusGroup(group, shown)),
            ...(nextToken !== null && { groupNextToken: nextToken }),
          }),
        };
      },
    },
    {
      path: 'alerts',
      takesForm: false,
      summary: 'The pending and firing alerts, as Prometheus lists them',
      parameters: [],
      async answer() {
        const rules = (await alerting.overview()).flatMap((group) => group.rules);
        return { data: jsonOf({ alerts: rules.flatMap((rule) => rule.alerts.map(prometheusAlert)) }) };
      },
    },
  ]);
}

interface Shown {
  readonly language: PrometheusRuleParts['language'];
  readonly withAlerts: boolean;
}

function prometheusGroup(group: GroupOverview, shown: Shown) {
  const newestMs = Math.max(0, ...group.rules.map(({ statistics }) => statistics.lastEvaluationMs ?? 0));
  const spentMs = group.rules.reduce((sum, { statistics }) => sum + statistics.lastDurationMs, 0);
  return {
    name: group.name,
    file: group.file,
    rules: group.rules.map((rule) => prometheusRule(rule, shown)),
    interval: group.intervalMs / 1000,
    limit: group.limit,
    evaluationTime: spentMs / 1000,
    lastEvaluation: timeOf(newestMs),
  };
}

function prometheusRule(rule: RuleOverview, { language, withAlerts }: Shown) {
  const { statistics } = rule;
  const common = {
    name: rule.name,
    query: language.formatQuery(rule.expr),
    labels: rule.labels,
    health: statistics.health,
    ...(statistics.lastError === null ? {} : { lastError: statistics.lastError }),
    evaluationTime: statistics.lastDurationMs / 1000,
    lastEvaluation: timeOf(statistics.lastEvaluationMs ?? 0),
    type: rule.kind,
  };
  if (rule.kind === 'recording') return common;
  return {
    ...common,
    state: stateOf(rule),
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    annotations: rule.annotations,
    // Prometheus tells alerts that are left out from none.
    alerts: withAlerts ? rule.alerts.map(prometheusAlert) : null,
  };
}

function stateOf({ statistics, alerts }: RuleOverview): string {
  if (statistics.lastEvaluationMs === null) return 'unknown';
  const states = alerts.map(({ state }) => state);
  return states.includes('firing') ? 'firing' : (states[0] ?? 'inactive');
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

function timeOf(timeMs: number): string {
  return timeMs === 0 ? NEVER : toRfc3339(timeMs);
}

function formatExponent(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) ? number.toExponential().replace(/e([+-])(\d)$/, 'e$10$2') : value;
}
