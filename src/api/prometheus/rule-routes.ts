import type { ActiveAlert, Alerting, GroupOverview, RuleOverview } from '#alerting';
import { toRfc3339 } from '#telemetry';
import type { ApiApp } from '../http/app.ts';
import { jsonOf, jsonOfElements, jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { filterGroups, readRuleFilter } from './rule-filter.ts';
import type { PromqlLanguage } from './query-routes.ts';
import { registerPrometheusReads } from './prometheus-route.ts';

export interface PrometheusRuleParts {
  readonly alerting: Pick<Alerting, 'overview' | 'activeAlerts'>;
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
        const active = filter.withAlerts ? await activeAlerts(groups, alerting) : null;
        return {
          data: jsonOfFields([
            ['groups', jsonOfElements(mapped(groups, (group) => groupJson(group, { language, active })))],
            ...(nextToken === null ? [] : [['groupNextToken', jsonOf(nextToken)] as const]),
          ]),
        };
      },
    },
    {
      path: 'alerts',
      takesForm: false,
      summary: 'The pending and firing alerts, as Prometheus lists them',
      parameters: [],
      async answer() {
        const active = await activeAlerts(await alerting.overview(), alerting);
        return { data: jsonOfFields([['alerts', jsonOfList(mapped(allOf(active), prometheusAlert))]]) };
      },
    },
  ]);
}

type ActiveAlerts = ReadonlyMap<string, readonly ActiveAlert[]>;

/** What is pending or firing, by the key of its rule: made before the answer begins, so that a failure can be told. */
async function activeAlerts(
  groups: readonly GroupOverview[],
  alerting: PrometheusRuleParts['alerting'],
): Promise<ActiveAlerts> {
  const found = new Map<string, readonly ActiveAlert[]>();
  for (const { key, active } of groups.flatMap(({ rules }) => rules)) {
    if (active.firing + active.pending > 0) found.set(key, await alerting.activeAlerts(key));
  }
  return found;
}

function* allOf(active: ActiveAlerts): Generator<ActiveAlert, void, void> {
  for (const alerts of active.values()) yield* alerts;
}

interface Shown {
  readonly language: PrometheusRuleParts['language'];
  /** Null where alerts are left out. */
  readonly active: ActiveAlerts | null;
}

function groupJson(group: GroupOverview, shown: Shown): Iterable<string> {
  const newestMs = Math.max(0, ...group.rules.map(({ statistics }) => statistics.lastEvaluationMs ?? 0));
  const spentMs = group.rules.reduce((sum, { statistics }) => sum + statistics.lastDurationMs, 0);
  return jsonOfFields([
    ['name', jsonOf(group.name)],
    ['file', jsonOf(group.file)],
    ['rules', jsonOfElements(mapped(group.rules, (rule) => ruleJson(rule, shown)))],
    ['interval', jsonOf(group.intervalMs / 1000)],
    ['limit', jsonOf(group.limit)],
    ['evaluationTime', jsonOf(spentMs / 1000)],
    ['lastEvaluation', jsonOf(timeOf(newestMs))],
  ]);
}

function ruleJson(rule: RuleOverview, { language, active }: Shown): Iterable<string> {
  const { statistics } = rule;
  const fields = {
    name: rule.name,
    query: language.formatQuery(rule.expr),
    labels: rule.labels,
    health: statistics.health,
    ...(statistics.lastError === null ? {} : { lastError: statistics.lastError }),
    evaluationTime: statistics.lastDurationMs / 1000,
    lastEvaluation: timeOf(statistics.lastEvaluationMs ?? 0),
    type: rule.kind,
    ...(rule.kind === 'alerting' && {
      state: stateOf(rule),
      duration: rule.forMs / 1000,
      keepFiringFor: rule.keepFiringForMs / 1000,
      annotations: rule.annotations,
    }),
  };
  const json = Object.entries(fields).map(([name, value]) => [name, jsonOf(value)] as const);
  if (rule.kind === 'recording') return jsonOfFields(json);
  // Prometheus tells alerts that are left out from none.
  const alerts =
    active === null ? jsonOf(null) : jsonOfList(mapped(active.get(rule.key) ?? [], prometheusAlert));
  return jsonOfFields([...json, ['alerts', alerts]]);
}

function stateOf({ statistics, active }: RuleOverview): string {
  if (statistics.lastEvaluationMs === null) return 'unknown';
  if (active.firing > 0) return 'firing';
  return active.pending > 0 ? 'pending' : 'inactive';
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
