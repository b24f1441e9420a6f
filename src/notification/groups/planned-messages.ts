import { severityRank } from '#telemetry';
import type { NotificationReason } from '../message.ts';
import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { PlannedNotification } from '../outbox/outbox.ts';
import { saysTheSame, type MessageMember } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { isBrief, type LogEntry } from '../stages/dedup-stage.ts';
import { refusalPlaceOf, type AggregationGroup } from './aggregation-group.ts';
import { flappingNote } from './flapping-texts.ts';
import type { PassContext, Passed } from './pass-context.ts';
import type { TrackedAlert } from './tracked-alert.ts';

const CRITICAL = severityRank('critical');
/** So many members are looked at between two pauses. */
const membersPerPiece = 100;

export interface MessagePlan {
  readonly running: RunningIntegration;
  readonly reason: NotificationReason;
  readonly passed: Passed;
  readonly entry: LogEntry | null;
  readonly replaces: Outstanding | null;
  readonly context: PassContext;
}

export interface PlannedMessage extends PlannedNotification {
  /** Those that it is about, also where it does not name them all. */
  readonly told: readonly TrackedAlert[];
}

/** What an integration is told by a pass of a group, as a message. */
export function* planMessage(group: AggregationGroup, message: MessagePlan): Generator<void, PlannedMessage> {
  const { running, reason, passed, entry, replaces, context } = message;
  const { integration, key, receiver } = running;
  // Who is not told of what is over is told of what came and went all the same: nothing else would be said of it.
  const told = passed.alerts.filter((alert) =>
    alert.endsAtMs === null
      ? reason !== 'repeat' || alert.acknowledgedBy === null
      : integration.sendResolved || isBrief(entry, passed, alert.fingerprint),
  );
  told.sort(byUrgency);
  yield;
  const named = told.slice(0, integration.maxAlerts);
  const members = named.map(({ alertId, endsAtMs }): MessageMember => [alertId, endsAtMs]);
  const notification = {
    id: context.createId(),
    groupId: group.id,
    groupKey: group.groupKey,
    receiver,
    integration: key,
    reason,
    members,
    truncated: told.length - named.length,
    groupLabels: group.groupLabels,
    routeLabels: group.route.labels,
    note: noteOf(running, named, passed.flapping),
    severity: null,
    ...knownAfter(passed, entry),
    createdAtMs: Math.floor(context.nowMs),
    traceparent: named.find(({ traceparent }) => traceparent !== null)?.traceparent ?? null,
  };
  const isUrgent = told.some(
    ({ severity, endsAtMs, fingerprint }) =>
      endsAtMs === null && severityRank(severity) >= CRITICAL && entry?.firing.has(fingerprint) !== true,
  );
  return { notification, replaces, isUrgent, told };
}

function noteOf(
  { note }: RunningIntegration,
  alerts: readonly TrackedAlert[],
  flapping: Passed['flapping'],
): string | null {
  const notes = [note, flappingNote(alerts, flapping)].filter((one) => one !== null);
  return notes.length === 0 ? null : notes.join(' ');
}

function* explainMessage(
  { notification: { id, groupId, integration, receiver, reason, members }, told }: PlannedMessage,
  { decisions }: Pick<PassContext, 'decisions'>,
): Generator<void, void> {
  for (const [place, { alertId }] of told.entries()) {
    if (place % membersPerPiece === 0) yield;
    decisions.record(
      {
        alertId,
        stage: 'delivery',
        decision: place < members.length ? 'queued' : 'left out',
        receiver,
        notificationId: id,
        reason:
          place < members.length
            ? `a message to ${integration}: ${shortReason(reason)}`
            : `the message to ${integration} names ${members.length} of ${told.length} alerts`,
      },
      `${groupId} ${integration}`,
    );
  }
}

function shortReason(reason: NotificationReason): string {
  return reason === 'brief' ? 'came and went' : reason.replaceAll('_', ' ');
}

/** What is repeated leaves out what somebody has acknowledged. */
function* explainAcknowledged(
  { id, members }: AggregationGroup,
  { notification: { integration, receiver }, told }: PlannedMessage,
  { decisions }: Pick<PassContext, 'decisions'>,
): Generator<void, void> {
  const named = new Set(told);
  const reason = `${integration}: its repetition leaves it out, as somebody has acknowledged it`;
  let looked = 0;
  for (const alert of members.values()) {
    if (++looked % membersPerPiece === 0) yield;
    const { alertId, acknowledgedBy, endsAtMs } = alert;
    if (acknowledgedBy === null || endsAtMs !== null || named.has(alert)) continue;
    const silent = { stage: 'dedup', decision: 'not sent', notificationId: null } as const;
    decisions.record({ ...silent, alertId, receiver, reason }, `${id} ${integration}`);
  }
}

/** Those that fire first, and of these the oldest: what began it all. */
function byUrgency(a: TrackedAlert, b: TrackedAlert): number {
  if ((a.endsAtMs === null) !== (b.endsAtMs === null)) return a.endsAtMs === null ? -1 : 1;
  return a.startsAtMs - b.startsAtMs || (a.fingerprint < b.fingerprint ? -1 : 1);
}

/** What an integration knows once it was told what has passed. What is kept back is still to be told. */
export function knownAfter(
  { firing, resolved, heldBack }: Passed,
  entry: LogEntry | null,
): Pick<LogEntry, 'firing' | 'resolved'> {
  return { firing: entry ? firing.union(heldBack.intersection(entry.firing)) : firing, resolved };
}

/** A message is told; one that says what nobody took is that one, tried again. */
export function* decidedMessage(
  group: AggregationGroup,
  next: PlannedMessage,
  context: Pick<PassContext, 'decisions'>,
): Generator<void, PlannedNotification> {
  const { notification } = next;
  const refusal = group.refusals.get(refusalPlaceOf(group, notification));
  const isReplaced = next.replaces?.notification.id === refusal?.notification.id;
  if (refusal && !isReplaced && saysTheSame(refusal.notification, notification)) {
    const { attempts, answer, takenBy } = refusal;
    return {
      ...next,
      notification: { ...notification, id: refusal.notification.id },
      again: { attempts, answer, takenBy },
    };
  }
  yield* explainMessage(next, context);
  if (notification.reason === 'repeat') yield* explainAcknowledged(group, next, context);
  return next;
}

/**
 * Whether a message that waits says what is to be told. One that another was to replace is not begun any more, also where the
 * other could not be written.
 */
export function isSaidBy(outstanding: Outstanding | null, { notification }: PlannedNotification): boolean {
  if (!outstanding || outstanding.state === 'replaced') return false;
  return saysTheSame(outstanding.notification, notification);
}
