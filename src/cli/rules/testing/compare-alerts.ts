import type { EndedAlert, OfflineAlert } from '#alerting';
import { formatDuration, labelsKey, type Labels } from '#telemetry';
import type { AlertCase } from './test-file.ts';
import type { AlertDifference, AlertReport, ComparedAlert } from './test-report.ts';

/** What is there of an alert's name at the time of a case. Times: evaluation time, ms. */
export interface AlertsOfName {
  /** Whether the files have an alerting rule of this name. */
  readonly hasRule: boolean;
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

function differencesOf(
  expected: readonly ComparedAlert[],
  got: readonly OfflineAlert[],
  there: AlertsOfName,
): readonly AlertDifference[] {
  const left = [...got];
  const unmet = expected.filter((one) => !takeFirst(left, (other) => isSameAlert(one, other)));
  const differences: AlertDifference[] = [];
  for (const one of unmet) {
    const nearest = takeNearest(left, one);
    if (nearest) differences.push({ kind: 'differs', expected: one, got: nearest });
    else differences.push({ kind: 'missing', expected: one, why: whyMissing(one, there) });
  }
  for (const one of left) differences.push({ kind: 'unexpected', got: one, why: since(one, there) });
  return differences;
}

function isSameAlert(one: ComparedAlert, other: ComparedAlert): boolean {
  return sameTexts(one.labels, other.labels) && sameTexts(one.annotations, other.annotations);
}

/** An empty text is another than none. */
export function sameTexts(one: Labels, other: Labels): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && one[name] === other[name])
  );
}

function takeFirst<Value>(from: Value[], isMeant: (value: Value) => boolean): boolean {
  const place = from.findIndex(isMeant);
  if (place !== -1) from.splice(place, 1);
  return place !== -1;
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
  if (!there.hasRule) return 'the rule files have no alert of this name';
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
  return others.length > 1
    ? `${others.length} alerts with other labels are pending`
    : 'the condition does not hold for it';
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
