import { createId, formatDuration, type NewSystemEvent, type Random } from '#telemetry';
import type { Escalation } from '../configuration/omoi-settings.ts';
import type { Decision } from '../explain/decision.ts';
import { whyUnheard } from '../groups/past-recipients.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { LogUpdate, NotificationLog } from '../outbox/notification-log.ts';
import type { Outbox, PlannedNotification } from '../outbox/outbox.ts';
import type { MessageMember, Notification } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { ladderGroupId, type Climb } from './climb.ts';
import { rungAfter, severityAt, stepOf, type Rung } from './ladder.ts';
import { carriedOver, type LadderNow } from './waiting-messages.ts';

/** An event names so many of a step's alerts. */
export const maxAlertsInEvent = 20;

export interface LadderMessageParts {
  readonly log: NotificationLog;
  readonly outbox: Pick<Outbox, 'outstanding'>;
  readonly random: Random;
  readonly nowMs: number;
}

/** How the alerts of the ladder's group stand. */
type Now = Pick<LadderNow, 'climbOf' | 'climbStateOf'>;

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
export function receiverOf(escalation: Escalation, { step }: Rung, ofRoute: string): string {
  return stepOf(escalation, step).receiver ?? ofRoute;
}

export function planStep(step: Step, parts: LadderMessageParts, now: Now): PlannedStep {
  const { escalation, told, first, receiver, integrations } = step;
  const severity = severityAt(escalation, first);
  const place = placeOf(escalation, first);
  const waitedMs = Math.max(1000, Math.round((parts.nowMs - first.beganAtMs) / 1000) * 1000);
  const note = `Escalation ${first.escalation}, ${place}: nobody has acknowledged for ${formatDuration(waitedMs)}.`;
  const fingerprints = new Set(told.map(({ alert }) => alert.fingerprint));
  const planned = integrations.map((running) => {
    const groupId = ladderGroupId(first);
    const entry = parts.log.get(groupId, running.key);
    const waiting = parts.outbox.outstanding(groupId, running.key)?.notification ?? null;
    const carried = carriedOver(waiting, entry, now);
    const isTold = new Set(told.map(({ alert }) => alert.alertId));
    const firing = carried.firing.union(fingerprints);
    const members = [
      ...told.map(({ alert }): MessageMember => [alert.alertId, null]),
      ...carried.escalated.filter(([alertId]) => !isTold.has(alertId)),
      ...carried.ended,
    ];
    return ladderMessage(first, running, parts, {
      reason: 'escalation',
      members: members.slice(0, running.integration.maxAlerts),
      truncated: Math.max(0, members.length - running.integration.maxAlerts),
      note,
      severity,
      firing,
      resolved: carried.resolved.difference(firing),
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
  /** That integrations were told which are not in force any more. */
  readonly unheard: readonly Decision[];
}

/** A message of a step that waits, without those that need not be told of any more. */
export function planRevision(
  outstanding: Outstanding,
  said: Omit<Said, 'traceparent'>,
  { random, nowMs }: Pick<LadderMessageParts, 'random' | 'nowMs'>,
): PlannedNotification {
  // It is as old as it was: it is given up at its time.
  const notification = { ...outstanding.notification, ...said, id: createId('ntf', nowMs, random) };
  return { notification, replaces: outstanding };
}

/** Whoever was told by the ladder hears that it is over. */
export function planEnd(
  { over, still, first, integrationByKey }: LadderEnd,
  parts: LadderMessageParts,
  now: Now,
): PlannedEnd {
  const groupId = ladderGroupId(first);
  const ended = new Set(over.map(({ climb }) => climb.fingerprint));
  const planned: PlannedNotification[] = [];
  const logs: LogUpdate[] = [];
  const unheard: Decision[] = [];
  for (const [key, entry] of parts.log.entriesOf(groupId)) {
    const running = integrationByKey(key);
    // One that goes by another name now may have been told by that.
    const other = running && running.key !== key ? parts.log.get(groupId, running.key) : null;
    const told = over.filter(
      ({ climb: { fingerprint } }) =>
        entry.firing.has(fingerprint) && !other?.firing.has(fingerprint) && !other?.resolved.has(fingerprint),
    );
    if (!running)
      unheard.push(...told.map(({ climb }) => escalationDecision(climb, 'not sent', whyUnheard(key))));
    if (told.length === 0 || !running) continue;
    const waiting = parts.outbox.outstanding(groupId, key)?.notification ?? null;
    const { sendResolved, maxAlerts } = running.integration;
    if (!sendResolved) {
      const firing = entry.firing.difference(ended);
      const resolved = entry.resolved.union(entry.firing.intersection(ended));
      logs.push({ groupId, integration: key, entry: { ...entry, firing, resolved } });
      continue;
    }
    const carried = carriedOver(waiting, entry, now);
    const firing = carried.firing.difference(ended);
    // A step that nobody has heard of yet is told together with the end of others.
    const isStep = carried.escalated.length > 0;
    const ends = [
      ...told.map(({ climb, endsAtMs }): MessageMember => [climb.alertId, endsAtMs]),
      ...carried.ended,
    ];
    const others = still.flatMap((climb): MessageMember[] =>
      firing.has(climb.fingerprint) ? [[climb.alertId, null]] : [],
    );
    const members = isStep ? [...carried.escalated, ...ends] : [...ends, ...others];
    const message = ladderMessage(first, running, parts, {
      reason: isStep ? 'escalation' : firing.size === 0 ? 'all_resolved' : 'new_resolved',
      members: members.slice(0, maxAlerts),
      truncated: Math.max(0, members.length - maxAlerts),
      note: isStep ? (waiting?.note ?? null) : null,
      severity: isStep ? (waiting?.severity ?? null) : null,
      firing,
      resolved: carried.resolved.union(carried.firing.intersection(ended)),
      traceparent: null,
    });
    planned.push(message);
  }
  return { planned, logs, unheard };
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
  // That of a message that waited names it already.
  const notes = [said.note, note !== null && said.note?.includes(note) ? null : note].filter(
    (text) => text !== null,
  );
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
