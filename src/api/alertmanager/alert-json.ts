import { type Labels, toRfc3339 } from '#telemetry';
import type { ViewedAlert, ViewedGroup } from './alertmanager-view.ts';

/** An alert that fires and of which it is known how it stands is shown to end so long from now: clients take a past end for an end. */
const shownFiringMs = 5 * 60_000;

/** A `gettableAlert`. */
export function viewOfAlert(viewed: ViewedAlert, nowMs: number, mutedBy: readonly string[] = []) {
  const { alert, updatedAtMs, expiresAtMs, receivers, silencedBy, inhibitedBy } = viewed;
  const isSuppressed = silencedBy.length + inhibitedBy.length + mutedBy.length > 0;
  return {
    annotations: alert.annotations,
    endsAt: toRfc3339(expiresAtMs ?? nowMs + shownFiringMs),
    fingerprint: alert.fingerprint,
    receivers: receivers.map((name) => ({ name })),
    startsAt: toRfc3339(alert.startsAtMs),
    status: { inhibitedBy, mutedBy, silencedBy, state: isSuppressed ? 'suppressed' : 'active' },
    updatedAt: toRfc3339(updatedAtMs),
    ...(alert.generatorUrl === '' ? {} : { generatorURL: alert.generatorUrl }),
    labels: alert.labels,
  };
}

/** Alertmanager's order of alerts in a group: by job, then instance, then all labels. */
export function compareAlerts(a: ViewedAlert, b: ViewedAlert): number {
  for (const name of ['job', 'instance']) {
    const first = a.alert.labels[name];
    const second = b.alert.labels[name];
    if (first === second) continue;
    // Those that have the label come before those that have not.
    if (first === undefined) return 1;
    if (second === undefined) return -1;
    return first < second ? -1 : 1;
  }
  return compareLabelSets(a.alert.labels, b.alert.labels);
}

/** Alertmanager's order of groups: by their labels, then by receiver. */
export function compareGroups(a: ViewedGroup, b: ViewedGroup): number {
  const byLabels = compareLabelSets(a.labels, b.labels);
  if (byLabels !== 0) return byLabels;
  return a.receiver === b.receiver ? 0 : a.receiver < b.receiver ? -1 : 1;
}

/** Fewer labels first; then by the first label, in the order of names, that one of them has not or has otherwise. */
function compareLabelSets(a: Labels, b: Labels): number {
  const names = Object.keys(a);
  const others = Object.keys(b);
  if (names.length !== others.length) return names.length - others.length;
  for (const name of [...new Set([...names, ...others])].sort()) {
    const first = a[name];
    const second = b[name];
    if (first === second) continue;
    if (first === undefined) return -1;
    if (second === undefined) return 1;
    return first < second ? -1 : 1;
  }
  return 0;
}
