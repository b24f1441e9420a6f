import type { StateTransaction } from '#storage';
import { createId, toRfc3339, type Clock, type Random } from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import { groupIdOf, type AggregationGroup } from '../groups/aggregation-group.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { Outbox, PlannedNotification } from '../outbox/outbox.ts';
import type { MessageMember, Notification } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { coversLabels, type Silence } from './silence.ts';

export interface EndingMessageParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly outbox: Pick<Outbox, 'outstanding' | 'plan'>;
  readonly decisions: Pick<DecisionLog, 'record'>;
  readonly firing: () => Iterable<TrackedAlert>;
  readonly groupsOf: (alertId: string) => Iterable<AggregationGroup>;
  readonly integrationsOf: (receiver: string) => readonly RunningIntegration[];
}

/** What a receiver is told of a silence. */
interface Covered {
  readonly group: AggregationGroup;
  readonly alerts: TrackedAlert[];
}

/**
 * Tells that a silence is about to end, to whoever will be told of its alerts then: a message to each receiver of the routes of those
 * that fire. Where none fires nobody will hear of anything, and nobody is told.
 */
export async function tellEndingSilence(
  tx: StateTransaction,
  silence: Silence,
  parts: EndingMessageParts,
): Promise<void> {
  const covered = new Map<string, Covered>();
  for (const alert of parts.firing()) {
    if (!coversLabels(silence, alert.labels)) continue;
    for (const group of parts.groupsOf(alert.alertId)) {
      const known = covered.get(group.route.receiver);
      if (!known) covered.set(group.route.receiver, { group, alerts: [alert] });
      else if (known.alerts.at(-1) !== alert) known.alerts.push(alert);
    }
  }
  const planned = [...covered].flatMap(([receiver, about]) =>
    parts.integrationsOf(receiver).map((running) => messageTo(running, about, { silence, parts })),
  );
  if (planned.length > 0) await parts.outbox.plan(tx, planned, []);
}

function messageTo(
  { key, receiver, note, integration }: RunningIntegration,
  { group, alerts }: Covered,
  { silence, parts }: { readonly silence: Silence; readonly parts: EndingMessageParts },
): PlannedNotification {
  const { clock, random, outbox, decisions } = parts;
  const nowMs = clock.wallMs();
  const groupId = groupIdOf('silence ending', silence.id);
  const ends = `The silence ${silence.id} by ${silence.createdBy} ends at ${toRfc3339(silence.endsAtMs)}: ${silence.comment}`;
  const named = alerts.slice(0, integration.maxAlerts);
  const notification: Notification = {
    id: createId('ntf', nowMs, random),
    groupId,
    groupKey: group.groupKey,
    receiver,
    integration: key,
    reason: 'silence_ending',
    members: named.map(({ alertId }): MessageMember => [alertId, null]),
    truncated: alerts.length - named.length,
    groupLabels: group.groupLabels,
    routeLabels: group.route.labels,
    note: note === null ? ends : `${ends} ${note}`,
    severity: null,
    firing: new Set(),
    resolved: new Set(),
    createdAtMs: Math.floor(nowMs),
    traceparent: null,
  };
  for (const { alertId } of named) {
    const reason = `a message to ${key}: the silence ${silence.id} is about to end`;
    decisions.record(
      { alertId, stage: 'delivery', decision: 'queued', receiver, notificationId: notification.id, reason },
      `${groupId} ${key}`,
    );
  }
  return { notification, replaces: outbox.outstanding(groupId, key) };
}
