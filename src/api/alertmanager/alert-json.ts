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

/** In Alertmanager's order of the alerts of a group: their labels are put in order once each, not once for every comparison. */
export function sortedAlerts(alerts: readonly ViewedAlert[]): readonly ViewedAlert[] {
  const ordered = alerts.map((viewed) => {
    const { labels } = viewed.alert;
    const names = [...FIRST_NAMES.filter((name) => name in labels), ...Object.keys(labels).sort()];
    return { viewed, names: names.join('\0'), values: names.map((name) => labels[name] ?? '') };
  });
  ordered.sort((a, b) => {
    // Most alerts of a group have the same labels but for their values.
    return a.names === b.names ? compareValues(a.values, b.values) : compareAlerts(a.viewed, b.viewed);
  });
  return ordered.map(({ viewed }) => viewed);
}

/** Labels by which alerts are ordered before all others. */
const FIRST_NAMES = ['job', 'instance'];

function compareValues(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length; at++) {
    const first = a[at] ?? '';
    const second = b[at] ?? '';
    if (first !== second) return first < second ? -1 : 1;
  }
  return 0;
}

/** Alertmanager's order of alerts in a group: by job, then instance, then all labels. */
function compareAlerts(a: ViewedAlert, b: ViewedAlert): number {
  for (const name of FIRST_NAMES) {
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
