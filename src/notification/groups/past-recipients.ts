import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import type { LogEntry } from '../stages/dedup-stage.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { PassContext, Passed } from './pass-context.ts';

/** Somebody who was on call when alerts of a group were told, and is not any more. */
export interface PastRecipient {
  readonly running: RunningIntegration;
  readonly entry: LogEntry;
  readonly reason: 'all_resolved' | 'new_resolved';
  /** What there is to tell: that what was told to fire is over. What still fires is another's. */
  readonly passed: Passed;
}

type Context = Pick<PassContext, 'integrations' | 'pastIntegrations' | 'log' | 'outbox'>;

/** Who was told of what is over now, and is no longer told of what fires: another is on call by now. */
export function pastRecipients(
  group: AggregationGroup,
  passed: Passed,
  { integrations, pastIntegrations, log }: Context,
): readonly PastRecipient[] {
  if (passed.resolved.size === 0) return [];
  return pastIntegrations.flatMap((running): PastRecipient[] => {
    const isAsked = integrations.some(({ key }) => key === running.key);
    const entry = isAsked ? null : log.get(group.id, running.key);
    if (entry === null) return [];
    const resolved = entry.firing.intersection(passed.resolved);
    if (resolved.size === 0) return [];
    const heldBack = entry.firing.difference(resolved);
    const alerts = passed.alerts.filter(({ fingerprint }) => resolved.has(fingerprint));
    const reason = heldBack.size === 0 ? 'all_resolved' : 'new_resolved';
    return [{ running, entry, reason, passed: { ...passed, alerts, firing: new Set(), resolved, heldBack } }];
  });
}

/** Of what is over, that of which somebody has heard who is no longer told of the group. */
export function toldToPast(
  { id }: Pick<AggregationGroup, 'id'>,
  resolved: ReadonlySet<string>,
  { integrations, pastIntegrations, log }: Pick<Context, 'integrations' | 'pastIntegrations' | 'log'>,
): ReadonlySet<string> {
  const told = new Set<string>();
  if (resolved.size === 0) return told;
  for (const { key } of pastIntegrations) {
    const entry = integrations.some((one) => one.key === key) ? null : log.get(id, key);
    if (entry === null) continue;
    for (const one of resolved) if (entry.firing.has(one) || entry.resolved.has(one)) told.add(one);
  }
  return told;
}

/** Messages that wait for whoever is no longer told of the group: another is on call by now, or a reload has said so. */
export function unasked(
  { id }: Pick<AggregationGroup, 'id'>,
  { integrations, pastIntegrations, log, outbox }: Context,
): Outstanding[] {
  const asked = new Set(integrations.map(({ key }) => key));
  const past = new Set(pastIntegrations.map(({ key }) => key));
  // Who has heard that it fires hears that it is over.
  const isEnd = ({ reason, integration }: Outstanding['notification']): boolean =>
    (reason === 'all_resolved' || reason === 'new_resolved') &&
    past.has(integration) &&
    log.get(id, integration) !== null;
  return outbox
    .outstandingOf(id)
    .filter(
      ({ state, notification }) =>
        state === 'waiting' && !asked.has(notification.integration) && !isEnd(notification),
    );
}
