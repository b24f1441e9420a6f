import { createId, formatDuration, type NewSystemEvent, type Random } from '#telemetry';
import type { Escalation } from '../configuration/omoi-settings.ts';
import type { Decision } from '../explain/decision-log.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { LogUpdate, NotificationLog } from '../outbox/notification-log.ts';
import type { Outbox, PlannedNotification } from '../outbox/outbox.ts';
import type { MessageMember, Notification } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { ladderGroupId, type Climb } from './climb.ts';
import { rungAfter, severityAt, stepOf } from './ladder.ts';

/** An event names so many of a step's alerts. */
const maxAlertsInEvent = 20;

export interface LadderMessageParts {
  readonly log: NotificationLog;
  readonly outbox: Pick<Outbox, 'outstanding'>;
  readonly random: Random;
  readonly nowMs: number;
}

export interface StepMember {
  readonly climb: Climb;
  readonly alert: TrackedAlert;
}

/** Alerts of one group that take the same step of one ladder; at least one. */
export interface Step {
  readonly escalation: Escalation;
  readonly told: readonly StepMember[];
  readonly first: Climb;
  readonly receiver: string;
  readonly integrations: readonly RunningIntegration[];
}

export interface PlannedStep {
  readonly planned: readonly PlannedNotification[];
  readonly decisions: readonly Decision[];
  readonly event: NewSystemEvent;
}

/** Who is told by a step: the receiver that it names, or that of the alert's route as it is now. */
export function receiverOf(escalation: Escalation, { step }: Climb, ofRoute: string): string {
  return stepOf(escalation, step).receiver ?? ofRoute;
}

export function planStep(step: Step, parts: LadderMessageParts): PlannedStep {
  const { escalation, told, first, receiver, integrations } = step;
  const severity = severityAt(escalation, first);
  const place = placeOf(escalation, first);
  const waitedMs = Math.max(1000, Math.round((parts.nowMs - first.beganAtMs) / 1000) * 1000);
  const note = `Escalation ${first.escalation}, ${place}: nobody has acknowledged for ${formatDuration(waitedMs)}.`;
  const fingerprints = new Set(told.map(({ alert }) => alert.fingerprint));
  const planned = integrations.map((running) => {
    const entry = parts.log.get(ladderGroupId(first), running.key);
    const members = told.map(({ alert }): MessageMember => [alert.alertId, null]);
    return ladderMessage(first, running, parts, {
      reason: 'escalation',
      members: members.slice(0, running.integration.maxAlerts),
      truncated: Math.max(0, members.length - running.integration.maxAlerts),
      note,
      severity,
      firing: entry ? fingerprints.union(entry.firing) : fingerprints,
      resolved: entry ? entry.resolved.difference(fingerprints) : new Set<string>(),
      traceparent: told.find(({ alert }) => alert.traceparent !== null)?.alert.traceparent ?? null,
    });
  });
  const raised = severity === null ? '' : `, as ${severity}`;
  const nobody = integrations.length === 0 ? ', which tells nobody' : '';
  const last = rungAfter(escalation, first) === null ? '; that was the last step' : '';
  const reason = `${place} of ${first.escalation}: to ${receiver}${nobody}${raised}${last}`;
  const notificationId = planned[0]?.notification.id ?? null;
  return {
    planned,
    decisions: told.map(({ climb }) =>
      escalationDecision(climb, 'escalated', reason, { receiver, notificationId }),
    ),
    event: {
      event_type: 'notification.escalated',
      entity_type: 'escalation',
      entity_id: first.escalation,
      payload: {
        escalation: first.escalation,
        step: first.step + 1,
        round: first.round + 1,
        receiver,
        severity,
        group_key: first.group.key,
        alert_ids: told.slice(0, maxAlertsInEvent).map(({ climb }) => climb.alertId),
        alerts: told.length,
      },
      traceparent: null,
    },
  };
}

/** `step 1 of 2`, `step 1 of 2, round 3` */
function placeOf({ steps }: Escalation, { step, round }: Climb): string {
  const again = round === 0 ? '' : `, round ${round + 1}`;
  return `step ${Math.min(step + 1, steps.length)} of ${steps.length}${again}`;
}

/** Alerts of one group that one ladder has told of, and that are over, with those of them that fire on. */
export interface LadderEnd {
  readonly over: readonly { readonly climb: Climb; readonly endsAtMs: number }[];
  readonly still: readonly Climb[];
  readonly first: Climb;
  readonly integrationByKey: (key: string) => RunningIntegration | null;
}

export interface PlannedEnd {
  readonly planned: readonly PlannedNotification[];
  /** Integrations that are not told of what is over. */
  readonly logs: readonly LogUpdate[];
}

/** Whoever was told by the ladder hears that it is over. */
export function planEnd(
  { over, still, first, integrationByKey }: LadderEnd,
  parts: LadderMessageParts,
): PlannedEnd {
  const groupId = ladderGroupId(first);
  const ended = new Set(over.map(({ climb }) => climb.fingerprint));
  const planned: PlannedNotification[] = [];
  const logs: LogUpdate[] = [];
  for (const [key, entry] of parts.log.entriesOf(groupId)) {
    const told = over.filter(({ climb }) => entry.firing.has(climb.fingerprint));
    const running = integrationByKey(key);
    if (told.length === 0 || !running) continue;
    const firing = entry.firing.difference(ended);
    const resolved = entry.resolved.union(entry.firing.intersection(ended));
    if (!running.integration.sendResolved) {
      logs.push({ groupId, integration: key, entry: { ...entry, firing, resolved } });
      continue;
    }
    const { maxAlerts } = running.integration;
    const members = [
      ...told.map(({ climb, endsAtMs }): MessageMember => [climb.alertId, endsAtMs]),
      ...still.flatMap((climb): MessageMember[] =>
        firing.has(climb.fingerprint) ? [[climb.alertId, null]] : [],
      ),
    ];
    const message = ladderMessage(first, running, parts, {
      reason: firing.size === 0 ? 'all_resolved' : 'new_resolved',
      members: members.slice(0, maxAlerts),
      truncated: Math.max(0, members.length - maxAlerts),
      note: null,
      severity: null,
      firing,
      resolved,
      traceparent: null,
    });
    planned.push(message);
  }
  return { planned, logs };
}

type Said = Pick<
  Notification,
  'reason' | 'members' | 'truncated' | 'note' | 'severity' | 'firing' | 'resolved' | 'traceparent'
>;

function ladderMessage(
  climb: Climb,
  { key, receiver, note }: RunningIntegration,
  { outbox, nowMs, random }: LadderMessageParts,
  said: Said,
): PlannedNotification {
  const groupId = ladderGroupId(climb);
  const { key: groupKey, labels: groupLabels, routeLabels } = climb.group;
  const notes = [said.note, note].filter((text) => text !== null);
  const notification: Notification = {
    ...said,
    id: createId('ntf', nowMs, random),
    groupId,
    groupKey,
    receiver,
    integration: key,
    groupLabels,
    routeLabels,
    note: notes.length === 0 ? null : notes.join(' '),
    createdAtMs: Math.floor(nowMs),
  };
  return { notification, replaces: outbox.outstanding(groupId, key) };
}

export function escalationDecision(
  { alertId }: Pick<Climb, 'alertId'>,
  decision: string,
  reason: string,
  { receiver = null, notificationId = null }: Partial<Pick<Decision, 'receiver' | 'notificationId'>> = {},
): Decision {
  return { alertId, stage: 'escalation', decision, receiver, notificationId, reason };
}
