import type { parseRuleFiles } from '#alerting';
import { METRIC_NAME_LABEL, type Matcher, type PolicyMode } from '#telemetry';
import type { Policy } from '#watchdog';
import { mayMatch } from './may-match.ts';
import { isReserved } from './own-metrics.ts';

type RuleFile = ReturnType<typeof parseRuleFiles>[number];
type GroupText = RuleFile['groups'][number];
type RuleText = GroupText['rules'][number];

/** A policy that begins to repair when a rule fires over what anybody may send. */
export interface StrangerTrigger {
  readonly policy: string;
  readonly mode: PolicyMode;
  /** `group/alert` */
  readonly rule: string;
  /** What it reads that Omoi is not alone to write: metric names, or what stands for them. */
  readonly reads: readonly string[];
}

interface TriggerSources {
  readonly files: readonly RuleFile[];
  readonly policies: readonly Policy[];
  /** @throws where the text is no expression */
  readonly selectorsOf: (expr: string) => readonly (readonly Matcher[])[];
  /** Selectors of series that detectors judge beside Omoi's own. */
  readonly watch: readonly (readonly Matcher[])[];
}

interface AlertText {
  readonly id: string;
  readonly rule: RuleText;
  /** As they are written; those with a template say what a series says. */
  readonly labels: ReadonlyMap<string, string>;
}

const ALERT_SERIES: ReadonlySet<string> = new Set(['ALERTS', 'ALERTS_FOR_STATE']);
const SCORES = 'anomaly_score';
const QUERIES = /\b(?:query|first)\b/;

/** Which policies somebody could set off who may send telemetry and nothing else. */
export function strangerTriggers(sources: TriggerSources): readonly StrangerTrigger[] {
  const alerts = sources.files.flatMap(({ groups }) => groups.flatMap(alertsOf));
  return sources.policies.flatMap(({ name: policy, mode, match }) =>
    alerts
      .filter(({ labels }) => mayMatch(match, labels))
      .map((alert) => ({ policy, mode, rule: alert.id, reads: sendable(alert, alerts, sources) }))
      .filter(({ reads }) => reads.length > 0),
  );
}

/** One line for a person. */
export function triggerText({ policy, mode, rule, reads }: StrangerTrigger): string {
  const sent = `policy ${policy} (${mode}): rule ${rule} reads ${reads.join(', ')}, which anybody may send`;
  if (mode !== 'act') return sent;
  return `${sent}; it acts only on the word of tokens that speak for the target (--speaks-for), and is else held back as not_authorized`;
}

/** The alert rules of a group. */
export function alertsOf({ name, labels, rules }: GroupText): readonly AlertText[] {
  return rules
    .filter(({ alert }) => alert !== '')
    .map((rule) => {
      const written = { ...labels, ...rule.labels, alertname: rule.alert };
      return { id: `${name}/${rule.alert}`, rule, labels: new Map(Object.entries(written)) };
    });
}

/** What of that which leads to the alert is not Omoi's alone to write. */
function sendable(
  alert: AlertText,
  alerts: readonly AlertText[],
  sources: TriggerSources,
): readonly string[] {
  const reads = new Set<string>();
  const seen = new Set<AlertText>();
  const open = [alert];
  for (let next = open.pop(); next; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if ([...next.labels.values()].some((text) => text.includes('{{') && QUERIES.test(text))) {
      reads.add(`the answer of a query in a label of ${next.id}`);
    }
    for (const matchers of sources.selectorsOf(next.rule.expr)) {
      const name = matchers.find((one) => one.name === METRIC_NAME_LABEL && one.operator === '=')?.value;
      if (name === undefined) reads.add('series of any name');
      else if (ALERT_SERIES.has(name))
        open.push(...alerts.filter(({ labels }) => mayMatch(alertMatchers(matchers), labels)));
      else if (name === SCORES ? sources.watch.some(isOfAnybody) : !isReserved(name)) reads.add(name);
    }
  }
  return [...reads].sort();
}

function alertMatchers(matchers: readonly Matcher[]): readonly Matcher[] {
  return matchers.filter(({ name }) => name !== METRIC_NAME_LABEL && name !== 'alertstate');
}

function isOfAnybody(matchers: readonly Matcher[]): boolean {
  const name = matchers.find((one) => one.name === METRIC_NAME_LABEL && one.operator === '=')?.value;
  return name === undefined || !isReserved(name);
}
