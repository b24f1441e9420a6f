import type { Decision } from '../explain/decision.ts';
import { withhold, type Outstanding } from '../outbox/delivery-queue.ts';
import type { RememberedEntry } from '../outbox/notification-log.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import type { LogEntry } from '../stages/dedup-stage.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { EarlierKnowledge, PassContext, Passed, RetiredEnd } from './pass-context.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/**
 * Somebody who was told of alerts of a group, and is not told of it any more: another is on call by now, or a reload says that
 * others are told.
 */
export interface PastRecipient {
  readonly running: RunningIntegration;
  readonly entry: LogEntry;
  readonly reason: 'all_resolved' | 'new_resolved';
  /** What there is to tell: that what was told to fire is over. What still fires is another's. */
  readonly passed: Passed;
}

type Context = Pick<
  PassContext,
  | 'integrations'
  | 'integrationByKey'
  | 'log'
  | 'outbox'
  | 'retiredGroupsOf'
  | 'tellsOfPast'
  | 'isAskedOf'
  | 'nowMs'
>;

/** What is known of alerts that are over by whoever a group does not ask, and by groups that a reload has taken away. */
export function earlierKnowledge(
  { id }: Pick<AggregationGroup, 'id'>,
  over: readonly TrackedAlert[],
  context: Context,
): EarlierKnowledge {
  const known: Known = {
    told: new Set(),
    heard: new Map(),
    awaited: new Map(),
    firing: new Map(),
    retired: [],
    lost: [],
  };
  if (over.length === 0) return known;
  const { integrations, integrationByKey, log } = context;
  const asked = new Set(integrations.map(({ key }) => key));
  for (const [key, entry] of log.entriesOf(id)) {
    if (asked.has(key)) continue;
    for (const alert of over) {
      const knows = entry.firing.has(alert.fingerprint);
      if (knows || entry.resolved.has(alert.fingerprint)) known.told.add(alert.fingerprint);
      if (!knows) continue;
      const running = integrationByKey(key);
      if (!running) known.lost.push([key, alert]);
      else if (!asked.has(running.key) && !hasHeardOfEnd(log.get(id, running.key), alert))
        addTo(known.firing, running.key, alert.fingerprint);
    }
  }
  for (const alert of over) noteRetired(id, alert, known, context);
  return known;
}

interface Known extends EarlierKnowledge {
  readonly told: Set<string>;
  readonly heard: Map<string, Set<string>>;
  readonly awaited: Map<string, Set<string>>;
  readonly firing: Map<string, Set<string>>;
  readonly retired: RetiredEnd[];
  readonly lost: (readonly [key: string, alert: TrackedAlert])[];
}

/** What an integration knows by groups that are no more of an alert that is over. @param known is added to */
function noteRetired(id: string, alert: TrackedAlert, known: Known, context: Context): void {
  const { alertId, fingerprint } = alert;
  const { integrationByKey, isAskedOf, log, retiredGroupsOf, tellsOfPast } = context;
  const retired = retiredGroupsOf(alertId);
  if (retired.size === 0) return;
  const knowing = [...retired].flatMap((groupId) =>
    toldByRetired(groupId, alert, known, context).map((key) => ({ groupId, key })),
  );
  if (knowing.length === 0 || !tellsOfPast(alertId)) return;
  /** Those who hear of it as others do, once: by whichever group. */
  const hearing = new Set<string>();
  for (const [key, fingerprints] of [...known.firing, ...known.heard, ...known.awaited]) {
    if (fingerprints.has(fingerprint)) hearing.add(key);
  }
  for (const { groupId, key } of knowing) {
    const running = integrationByKey(key);
    if (!running) {
      known.lost.push([key, alert]);
      continue;
    }
    if (running.integration.opensIncidents !== true) {
      if (isAskedOf(alertId, running.key) || hearing.has(running.key)) continue;
      if (hasHeardOfEnd(log.get(id, running.key), alert)) continue;
      hearing.add(running.key);
    }
    // Each group has opened an incident of its own, which nothing but its own key closes.
    known.retired.push({ groupId, key, running, alert });
  }
}

/** @param known is added to. @returns the integrations that know an alert to fire by a group that is no more, and nothing says more */
function toldByRetired(
  groupId: string,
  alert: TrackedAlert,
  known: Known,
  { integrationByKey, log, outbox }: Context,
): readonly string[] {
  const { fingerprint } = alert;
  const ending = new Set<string>();
  for (const { state, notification } of outbox.outstandingOf(groupId)) {
    if (state === 'replaced' || !notification.resolved.has(fingerprint)) continue;
    ending.add(notification.integration);
    addTo(known.awaited, notification.integration, fingerprint);
  }
  return log.entriesOf(groupId).flatMap(([key, entry]) => {
    const knows = entry.firing.has(fingerprint);
    const hasHeard = !knows && hasHeardOfEnd(entry, alert);
    if (knows || hasHeard) known.told.add(fingerprint);
    if (hasHeard) addTo(known.heard, key, fingerprint);
    if (!knows) return [];
    // One that goes by another name now hears of it by that.
    const now = integrationByKey(key)?.key ?? key;
    const hearsByNow = now !== key && hasHeardOfEnd(log.get(groupId, now), alert);
    return ending.has(now) || hearsByNow ? [] : [key];
  });
}

/** What was said to be over before it was is an earlier episode of the same labels. */
function hasHeardOfEnd(entry: LogEntry | null, { fingerprint, endsAtMs }: TrackedAlert): boolean {
  if (entry === null || endsAtMs === null) return false;
  return entry.resolved.has(fingerprint) && entry.notifiedAtMs >= Math.floor(endsAtMs);
}

function addTo(sets: Map<string, Set<string>>, key: string, value: string): void {
  const set = sets.get(key);
  if (set) set.add(value);
  else sets.set(key, new Set([value]));
}

/** Who was told of what is over now, and is no longer told of what fires. */
export function pastRecipients(
  group: Pick<AggregationGroup, 'id'>,
  passed: Passed,
  context: Context,
): readonly PastRecipient[] {
  const { integrationByKey, log, nowMs } = context;
  return [...passed.earlier.firing].flatMap(([key, known]): PastRecipient[] => {
    const running = integrationByKey(key);
    const resolved = known.intersection(passed.resolved);
    if (!running || resolved.size === 0) return [];
    const entry = log.get(group.id, key) ??
      inherited(group, running, context) ?? { firing: resolved, resolved: new Set(), notifiedAtMs: nowMs };
    const heldBack = entry.firing.difference(resolved);
    const alerts = passed.alerts.filter(({ fingerprint }) => resolved.has(fingerprint));
    const reason = heldBack.size === 0 ? 'all_resolved' : 'new_resolved';
    return [{ running, entry, reason, passed: { ...passed, alerts, firing: new Set(), resolved, heldBack } }];
  });
}

/** Whether an incident in which an alert was told that is over stays open: others of its group that were told in it fire on. */
export function staysOpen(
  { members }: Pick<AggregationGroup, 'members'>,
  { running: { integration }, passed }: Pick<PastRecipient, 'running' | 'passed'>,
): boolean {
  return integration.opensIncidents === true && [...passed.heldBack].some((one) => members.has(one));
}

/** Why an integration does not hear of the end of an alert yet that it was told in an incident. */
export function whyStillOpen({ key }: Pick<RunningIntegration, 'key'>): string {
  return `${key}: the incident in which it was told stays open: others of it fire`;
}

/**
 * What is left to tell an integration: not the end that it hears of, or has heard of, by a group that is no more. Where each group is
 * an incident, that of another one does not close its own.
 */
export function stillToTell(
  passed: Passed,
  { key, integration }: RunningIntegration,
  entry: LogEntry | null,
): Passed {
  const { heard, awaited, retired } = passed.earlier;
  const isIncident = integration.opensIncidents === true;
  const closed = isIncident ? retired.filter(({ running }) => running.key === key) : [];
  const others = [
    heard.get(key),
    awaited.get(key),
    closed.length === 0 ? undefined : new Set(closed.map(({ alert }) => alert.fingerprint)),
  ].filter((one) => one !== undefined);
  if (others.length === 0) return passed;
  const isToldElsewhere = (fingerprint: string): boolean =>
    others.some((one) => one.has(fingerprint)) && !(isIncident && entry?.firing.has(fingerprint) === true);
  const left = (fingerprints: ReadonlySet<string>): ReadonlySet<string> =>
    new Set([...fingerprints].filter((one) => !isToldElsewhere(one)));
  return {
    ...passed,
    alerts: passed.alerts.filter(
      ({ endsAtMs, fingerprint }) => endsAtMs === null || !isToldElsewhere(fingerprint),
    ),
    resolved: left(passed.resolved),
    toldBefore: left(passed.toldBefore),
  };
}

/** That an integration is not told of ends that it hears of by a group that is no more. */
export function toldByOthers(
  all: Passed,
  { alerts }: Passed,
  { key, receiver }: RunningIntegration,
): readonly Decision[] {
  const left = new Set(alerts);
  const reason = `${key}: the group that told it before a reload has changed the groups tells that it is over`;
  return all.alerts
    .filter((alert) => !left.has(alert))
    .map(({ alertId }) => ({
      alertId,
      stage: 'dedup',
      decision: 'not sent',
      receiver,
      notificationId: null,
      reason,
    }));
}

/** What an integration knows of a group that has heard of ends by a group that is no more; null where that is what it knew. */
export function knownByOthers<Entry extends LogEntry>(
  { earlier }: Passed,
  { key, integration }: RunningIntegration,
  entry: Entry | null,
): Entry | null {
  if (integration.opensIncidents === true) return null;
  const heard = earlier.heard.get(key)?.intersection(entry?.firing ?? new Set());
  if (!entry || !heard || heard.size === 0) return null;
  return { ...entry, firing: entry.firing.difference(heard), resolved: entry.resolved.union(heard) };
}

/** What an integration was told of a group by the name that it had before, where that has opened an incident there. */
export function inherited(
  { id }: Pick<AggregationGroup, 'id'>,
  { key, integration }: RunningIntegration,
  { integrations, integrationByKey, log }: Context,
): RememberedEntry | null {
  if (integration.opensIncidents !== true) return null;
  const isFormer = (before: string): boolean =>
    integrations.every((one) => one.key !== before) && integrationByKey(before)?.key === key;
  return log.entriesOf(id).find(([before]) => isFormer(before))?.[1] ?? null;
}

/** Whether somebody was told that an alert of a group fires, and not that it is over. */
export function wasTold(
  { id }: Pick<AggregationGroup, 'id'>,
  { alertId, fingerprint }: TrackedAlert,
  { log, retiredGroupsOf }: Pick<Context, 'log' | 'retiredGroupsOf'>,
): boolean {
  if (log.wasTold(id, fingerprint)) return true;
  for (const groupId of retiredGroupsOf(alertId)) if (log.wasTold(groupId, fingerprint)) return true;
  return false;
}

/** Why an integration that was told that an alert fires does not hear of its end. */
export function whyUnheard(key: string): string {
  return `${key} was told that it fires and is not configured any more: nobody hears there that it is over`;
}

export function endUnheard(key: string, { alertId }: TrackedAlert): Decision {
  const reason = whyUnheard(key);
  return { alertId, stage: 'dedup', decision: 'not sent', receiver: null, notificationId: null, reason };
}

/** Messages that wait for whoever is no longer told of the group: another is on call by now, or a reload has said so. */
export function unasked(
  { id }: Pick<AggregationGroup, 'id'>,
  { earlier }: Passed,
  { integrations, integrationByKey, log, outbox }: Context,
): Outstanding[] {
  const asked = new Set(integrations.map(({ key }) => key));
  // Who has heard that it fires hears that it is over.
  const isEnd = ({ reason, integration }: Outstanding['notification']): boolean =>
    (reason === 'all_resolved' || reason === 'new_resolved') &&
    integrationByKey(integration) !== null &&
    (log.get(id, integration) !== null || earlier.firing.has(integration));
  return outbox
    .outstandingOf(id)
    .filter(({ notification }) => !asked.has(notification.integration) && !isEnd(notification))
    .filter((outstanding) => withhold(outstanding));
}
