import type { EndedAlert, OfflineAlert, OfflineAlertRule } from '#alerting';
import { sampleValueText } from '#promql';
import { formatDuration, labelsKey, METRIC_NAME_LABEL, type Labels } from '#telemetry';
import type { AlertCase } from './test-file.ts';
import type { AlertDifference, AlertReport, ComparedAlert } from './test-report.ts';

/** What is there of an alert's name at the time of a case. Times: evaluation time, ms. */
export interface AlertsOfName {
  /** The alerting rules of this name. */
  readonly rules: readonly Pick<OfflineAlertRule, 'dataAt' | 'expr'>[];
  readonly alerts: readonly OfflineAlert[];
  readonly ended: readonly EndedAlert[];
  readonly startMs: number;
  /** When rules were evaluated last. */
  readonly evaluatedAtMs: number;
}

/** Holds what fires against what is expected to: the same label sets, each with the same annotations, and no others. */
export function compareAlerts(expected: AlertCase, there: AlertsOfName): AlertReport {
  const got = there.alerts.filter(({ state }) => state === 'firing');
  const { atMs, alertname, line } = expected;
  const differences = differencesOf(expected.expected, got, there);
  return {
    kind: 'alert',
    line,
    atMs,
    alertname,
    ok: differences.length === 0,
    expected: expected.expected,
    got: got.map(({ labels, annotations }) => ({ labels, annotations })),
    differences,
  };
}

/** Unmet expectations of a case for which the nearest alert is looked for: that costs a look at each that is left. */
const MAX_LOOKED_AT = 100;

function differencesOf(
  expected: readonly ComparedAlert[],
  got: readonly OfflineAlert[],
  there: AlertsOfName,
): readonly AlertDifference[] {
  const { left, unmet } = unmatched(expected, got);
  const differences: AlertDifference[] = [];
  for (const [place, one] of unmet.entries()) {
    const isLookedAt = place < MAX_LOOKED_AT;
    const nearest = isLookedAt ? takeNearest(left, one) : null;
    if (nearest) differences.push({ kind: 'differs', expected: one, got: nearest });
    else differences.push({ kind: 'missing', expected: one, why: isLookedAt ? whyMissing(one, there) : '' });
  }
  for (const one of left) differences.push({ kind: 'unexpected', got: one, why: since(one, there) });
  return differences;
}

/** What of both has no equal in the other: with the same labels and annotations, of which an empty text is another than none. */
function unmatched(
  expected: readonly ComparedAlert[],
  got: readonly OfflineAlert[],
): { readonly unmet: readonly ComparedAlert[]; readonly left: OfflineAlert[] } {
  const byKey = new Map<string, OfflineAlert[]>();
  for (const one of got) {
    const key = keyOf(one);
    const alike = byKey.get(key);
    if (alike) alike.push(one);
    else byKey.set(key, [one]);
  }
  const unmet = expected.filter((one) => byKey.get(keyOf(one))?.pop() === undefined);
  return { unmet, left: [...byKey.values()].flat() };
}

function keyOf({ annotations, labels }: ComparedAlert): string {
  return JSON.stringify([sorted(labels), sorted(annotations)]);
}

function sorted(texts: Labels): readonly (readonly [string, string])[] {
  return Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The one that has most labels in common: the same ones, or all but a few. */
function takeNearest(from: OfflineAlert[], wanted: ComparedAlert): OfflineAlert | null {
  let best = -1;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [place, { labels }] of from.entries()) {
    const count = differingNames(wanted.labels, labels).length;
    const most = Math.max(Object.keys(wanted.labels).length, Object.keys(labels).length);
    // Where not even half of the labels agree it is another alert.
    if (count < fewest && count * 2 <= most) [best, fewest] = [place, count];
  }
  return best === -1 ? null : (from.splice(best, 1)[0] ?? null);
}

/** Names whose texts differ, or that only one of the two has. */
export function differingNames(one: Labels, other: Labels): readonly string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].filter((name) => one[name] !== other[name]).sort();
}

function whyMissing(expected: ComparedAlert, there: AlertsOfName): string {
  if (there.rules.length === 0) return 'the rule files have no alert of this name';
  const wanted = labelsKey(expected.labels);
  const pending = there.alerts.find(
    ({ labels, state }) => state === 'pending' && labelsKey(labels) === wanted,
  );
  if (pending) return pendingSince(pending, there);
  const ended = there.ended.find(({ labels }) => labelsKey(labels) === wanted);
  if (ended) return `it fired, and ended at ${sinceStart(ended.endedAtMs, there)}`;
  const others = there.alerts.filter(({ state }) => state === 'pending');
  const [first] = others;
  if (others.length === 1 && first) {
    const names = differingNames(expected.labels, first.labels).join(', ');
    return `the alert with another ${names} is ${pendingSince(first, there)}`;
  }
  if (others.length > 1) return `${others.length} alerts with other labels are pending`;
  return there.rules.map((rule) => whyNot(rule, expected, there)).join('; ');
}

/** What the expression has for the labels before its comparisons drop it. */
function whyNot(
  { dataAt, expr }: AlertsOfName['rules'][number],
  { labels }: ComparedAlert,
  there: AlertsOfName,
): string {
  const at = sinceStart(there.evaluatedAtMs, there);
  const data = dataAt(there.evaluatedAtMs);
  if (data === null) return `${expr} does not hold at ${at}`;
  const [first] = data.filter((element) => isOf(element.labels, labels));
  return first
    ? `${expr} does not hold at ${at}: without its comparisons it is ${sampleValueText(first.value)}`
    : `${expr} has nothing with these labels at ${at}`;
}

/** Whether an element can be one of an alert, to which its rule may have given more labels, and others. */
function isOf(element: Labels, alert: Labels): boolean {
  return Object.entries(element).every(
    ([name, value]) => name === METRIC_NAME_LABEL || alert[name] === undefined || alert[name] === value,
  );
}

function pendingSince({ activeAtMs, forMs, value }: OfflineAlert, there: AlertsOfName): string {
  const firesAt = sinceStart(activeAtMs + forMs, there);
  return (
    `pending since ${sinceStart(activeAtMs, there)} with for: ${formatDuration(forMs)}, ` +
    `so it fires at ${firesAt} at the earliest (value ${value})`
  );
}

function since({ activeAtMs, forMs, missedSinceMs, value }: OfflineAlert, there: AlertsOfName): string {
  const held = `the condition holds since ${sinceStart(activeAtMs, there)}`;
  const waited = forMs > 0 ? ` (for: ${formatDuration(forMs)})` : '';
  if (missedSinceMs === null) return `${held}${waited}, value ${value}`;
  return `kept firing though the condition does not hold since ${sinceStart(missedSinceMs, there)}, last value ${value}`;
}

function sinceStart(timeMs: number, { startMs }: AlertsOfName): string {
  return formatDuration(timeMs - startMs);
}
