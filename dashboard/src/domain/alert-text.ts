import { phaseName } from './queue-history.ts';
import { severityRank } from './tone.ts';

/** An alert as far as its telling depends on it. */
export interface ToldAlert {
  readonly rule_id: string;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly acknowledged_by: string | null;
  readonly fired_at: string;
}

export interface AlertText {
  readonly name: string;
  /** What it is about, where its labels name one thing: `coders-2`. */
  readonly subject: string | null;
  /** What the rule’s author has to say; null: nothing. */
  readonly summary: string | null;
  /** What the author says beyond that, what to do above all; null: nothing. */
  readonly description: string | null;
  /** `pool_id=coders`, without what is said elsewhere already. */
  readonly labels: readonly string[];
}

const SAID_ELSEWHERE: readonly string[] = ['alertname', 'severity', '__name__'];
/** The labels that name what an alert is about, the narrowest first. */
const SUBJECT_LABELS: readonly string[] = ['agent_id', 'pool_id', 'task_type', 'phase_id', 'instance'];

export function describeAlert(alert: ToldAlert): AlertText {
  const { summary, description } = alert.annotations;
  const subjectLabel = subjectLabelOf(alert.labels);
  return {
    name: alert.labels.alertname ?? alert.rule_id.slice(alert.rule_id.indexOf('/') + 1),
    subject: subjectOf(alert.labels),
    summary: summary ?? description ?? null,
    description: summary === undefined || description === summary ? null : (description ?? null),
    labels: Object.entries(alert.labels)
      .filter(([label]) => label !== subjectLabel && !SAID_ELSEWHERE.includes(label))
      .map(([label, value]) => `${label}=${value}`),
  };
}

/** What labels are about, or null. */
export function subjectOf(labels: Readonly<Record<string, string>>): string | null {
  const label = subjectLabelOf(labels);
  const value = label === undefined ? undefined : labels[label];
  if (value === undefined) return null;
  return label === 'phase_id' ? phaseName(value) : value;
}

function subjectLabelOf(labels: Readonly<Record<string, string>>): string | undefined {
  return SUBJECT_LABELS.find((name) => labels[name] !== undefined);
}

/**
 * The ids of those alerts of a list whose description is to be read: what an earlier one of the same rule says already, word
 * for word, need not be said again.
 */
export function firstDescribed(
  alerts: readonly (ToldAlert & { readonly id: string })[],
): ReadonlySet<string> {
  const said = new Set<string>();
  const first = new Set<string>();
  for (const alert of alerts) {
    const text = `${alert.rule_id}\n${alert.annotations.description ?? ''}`;
    if (!said.has(text)) first.add(alert.id);
    said.add(text);
  }
  return first;
}

/** What nobody has seen comes first, then what is most severe, then what is newest. */
export function byUrgency(left: ToldAlert, right: ToldAlert): number {
  const seen = Number(left.acknowledged_by !== null) - Number(right.acknowledged_by !== null);
  if (seen !== 0) return seen;
  const severity = severityRank(left.severity) - severityRank(right.severity);
  return severity !== 0 ? severity : right.fired_at.localeCompare(left.fired_at);
}
