import type { StateTransaction } from '#storage';
import { createId, paced, Stretch, toRfc3339, type Clock, type Random } from '#telemetry';
import type { DecisionLog } from '../explain/decision-log.ts';
import type { AggregationGroup } from '../groups/aggregation-group.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import { withhold } from '../outbox/delivery-queue.ts';
import type { Outbox, PlannedNotification } from '../outbox/outbox.ts';
import type { MessageMember, Notification } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { compiling, coversLabels, type Silence, silenceStateAt } from './silence.ts';

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

const GROUP = 'silence ending ';

/** What rows name the messages by that tell of the end of a silence. */
export function endingGroupId(silenceId: string): string {
  return `${GROUP}${silenceId}`;
}

/**
 * Whether a message tells of the end of a silence that has ended by now, another one has taken the place of, or that ends at another
 * time: that is told by itself. One that an older version has written names no silence, and counts.
 */
export function isOutdatedEnding(
  { reason, groupId, createdAtMs }: Pick<Notification, 'reason' | 'groupId' | 'createdAtMs'>,
  live: (silenceId: string) => Silence | null,
  nowMs: number,
): boolean {
  if (reason !== 'silence_ending' || !groupId.startsWith(GROUP)) return false;
  const silence = live(groupId.slice(GROUP.length));
  if (!silence || silenceStateAt(silence, nowMs) !== 'active') return true;
  return silence.warnedAtMs === null || createdAtMs < silence.warnedAtMs;
}

/**
 * Tells that a silence is about to end, to whoever will be told of its alerts then: a message to each receiver of the routes of those
 * that fire. Where none fires nobody will hear of anything, and nobody is told. All that fire are looked at, in slices.
 */
export async function tellEndingSilence(
  tx: StateTransaction,
  silence: Silence,
  parts: EndingMessageParts,
): Promise<void> {
  const { clock, outbox } = parts;
  const messages = await paced(messagesOf(silence, parts), new Stretch(clock));
  const planned = messages.map((notification): PlannedNotification => {
    const before = outbox.outstanding(notification.groupId, notification.integration);
    // One that is on its way says when it was to end before.
    return { notification, replaces: withhold(before) ? before : null };
  });
  if (planned.length > 0) await outbox.plan(tx, planned, []);
}

function* messagesOf(silence: Silence, parts: EndingMessageParts): Generator<void, readonly Notification[]> {
  try {
    yield* compiling(silence);
  } catch {
    // It is not in force, which the log says: nobody is silenced by it.
    return [];
  }
  const covered = new Map<string, Covered>();
  // What begins to fire meanwhile comes last, and is looked at, too.
  for (const alert of parts.firing()) {
    yield;
    if (!coversLabels(silence, alert.labels)) continue;
    for (const group of parts.groupsOf(alert.alertId)) {
      const known = covered.get(group.route.receiver);
      if (!known) covered.set(group.route.receiver, { group, alerts: [alert] });
      else if (known.alerts.at(-1) !== alert) known.alerts.push(alert);
    }
  }
  const messages: Notification[] = [];
  for (const [receiver, about] of covered) {
    for (const running of parts.integrationsOf(receiver)) {
      messages.push(yield* messageTo(running, about, { silence, parts }));
    }
  }
  return messages;
}

function* messageTo(
  { key, receiver, note, integration }: RunningIntegration,
  { group, alerts }: Covered,
  { silence, parts }: { readonly silence: Silence; readonly parts: EndingMessageParts },
): Generator<void, Notification> {
  const { clock, random, decisions } = parts;
  const nowMs = clock.wallMs();
  const groupId = endingGroupId(silence.id);
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
    // The wall clock may have been set back meanwhile.
    createdAtMs: Math.max(Math.floor(nowMs), silence.warnedAtMs ?? 0),
    traceparent: null,
  };
  for (const { alertId } of named) {
    const reason = `a message to ${key}: the silence ${silence.id} is about to end`;
    decisions.record(
      { alertId, stage: 'delivery', decision: 'queued', receiver, notificationId: notification.id, reason },
      `${groupId} ${key}`,
    );
    yield;
  }
  return notification;
}
