import { severityRank } from '#telemetry';
import type { NotificationReason } from '../message.ts';
import type { Decision } from '../explain/decision.ts';
import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { LogUpdate } from '../outbox/notification-log.ts';
import { maxNotificationAgeMs, type PlannedNotification } from '../outbox/outbox.ts';
import { saysTheSame, type MessageMember } from '../outbox/outbox-rows.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { dedup, isBrief, type Dedup, type LogEntry } from '../stages/dedup-stage.ts';
import { mutedBy } from '../stages/mute-stage.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { PassContext, Passed } from './pass-context.ts';
import {
  earlierKnowledge,
  knownByOthers,
  endUnheard,
  pastRecipients,
  stillToTell,
  toldByOthers,
  unasked,
  wasTold,
} from './past-recipients.ts';
import { flappingNote, keptByFlapping } from './flapping-texts.ts';
import type { Flapping } from './flap-history.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** What a pass of a group comes to. */
export interface Pass {
  readonly group: AggregationGroup;
  /** Of the group, as it was when the pass began. */
  readonly changes: number;
  /** Whether all its members may be told of. */
  readonly isWhole: boolean;
  /** Whether it found nothing but what is held back for repairs. */
  readonly isAllHeld: boolean;
  readonly planned: readonly PlannedNotification[];
  /** Messages that wait although nothing is left to say. */
  readonly withdrawn: readonly Outstanding[];
  /** Integrations that are told nothing, but know something else now. */
  readonly logs: readonly LogUpdate[];
  /** Over, and nobody has to hear of it: they leave the group. */
  readonly left: readonly TrackedAlert[];
  /** Whether a message was on its way, so that it has to be decided again when it has arrived. */
  readonly isBlocked: boolean;
  /** Wall ms at which what keeps an alert back ends; Infinity where no time is known. */
  readonly lookAtMs: number;
  /** What fires and may be told of. */
  readonly firing: readonly TrackedAlert[];
  /** Those that fire and are kept back for the first time. */
  readonly keptBack: readonly string[];
  /** How much there is to write, in rows. */
  readonly rows: number;
}

const CRITICAL = severityRank('critical');
/** So many members are judged between two pauses. */
const membersPerPiece = 100;

/** Decides what has to be told of a group now. Changes nothing but what has kept its members back; pauses now and then. */
export function* decidePass(group: AggregationGroup, context: PassContext): Generator<void, Pass> {
  const { changes } = group;
  const all = yield* judgeMembers(group, context);
  const isWhole = all.alerts.length === group.members.size;
  const planned: PlannedNotification[] = [];
  const withdrawn: Outstanding[] = unasked(group, all, context);
  const logs: LogUpdate[] = [];
  let isBlocked = context.outbox
    .outstandingOf(group.id)
    .some(({ state, notification }) => state === 'sending' && !isAsked(notification.integration, context));
  let isKept = all.earlier.awaited.size > 0;
  let isRefused = false;
  for (const running of context.integrations) {
    const outstanding = context.outbox.outstanding(group.id, running.key);
    if (outstanding?.state === 'sending') {
      isBlocked = true;
      continue;
    }
    if (group.refused.has(running.key)) {
      isRefused = true;
      continue;
    }
    const passed = stillToTell(all, running.key);
    if (passed !== all) {
      for (const decision of toldByOthers(all, passed, running)) {
        context.decisions.record(decision, `${group.id} ${running.key}`);
      }
    }
    // Nobody will take it: it would be told in vain at each interval for ever.
    if (passed.firing.size === 0 && refusesForLong(group, running.key, context.nowMs)) continue;
    const before = context.log.get(group.id, running.key);
    const others = knownByOthers(all, running.key, before);
    if (others) logs.push({ groupId: group.id, integration: running.key, entry: others });
    const entry = others ?? before;
    const decided = dedup(entry, passed, {
      sendResolved: running.integration.sendResolved,
      opensIncidents: running.integration.opensIncidents === true,
      repeatIntervalMs: group.route.repeatIntervalMs,
      nowMs: context.nowMs,
    });
    if (decided.send !== null) {
      const reason = reasonOf(decided.send, { passed, entry, context });
      const message = { running, reason, passed, entry, replaces: outstanding, context };
      const next = yield* plan(group, message);
      // Kept, it goes out under the id that a receiver may know already: a crash may have taken its answer.
      if (isSaidBy(outstanding, next)) isKept = true;
      else planned.push(yield* decidedMessage(group, next, context));
      continue;
    }
    if (outstanding) withdrawn.push(outstanding);
    if (decided.why === 'logs') {
      const known = {
        ...knownAfter(passed, entry),
        notifiedAtMs: Math.floor(context.nowMs),
        memory: entry?.memory ?? null,
      };
      logs.push({ groupId: group.id, integration: running.key, entry: known });
    }
    explainSilence(passed, running, decided, context, group);
    yield;
  }
  for (const [key, alert] of all.earlier.lost) {
    context.decisions.record(endUnheard(key, alert), `${group.id} ${key}`);
  }
  for (const { running, entry, reason, passed: over } of pastRecipients(group, all, context)) {
    const outstanding = context.outbox.outstanding(group.id, running.key);
    if (outstanding?.state === 'sending') isBlocked = true;
    else if (!running.integration.sendResolved) {
      const known = { ...knownAfter(over, entry), notifiedAtMs: Math.floor(context.nowMs), memory: null };
      logs.push({ groupId: group.id, integration: running.key, entry: known });
    } else if (group.refused.has(running.key)) isRefused = true;
    else if (!refusesForLong(group, running.key, context.nowMs)) {
      const next = yield* plan(group, {
        running,
        reason,
        passed: over,
        entry,
        replaces: outstanding,
        context,
      });
      if (isSaidBy(outstanding, next)) isKept = true;
      else planned.push(yield* decidedMessage(group, next, context));
    }
  }
  const waits = isBlocked || isKept || isRefused || planned.length > 0;
  const left = [...group.members.values()].filter((alert) =>
    waits ? isGivenUp(alert, group, context) : hasLeft(alert, all),
  );
  const { keptBack, lookAtMs } = all;
  const rows = planned.length + withdrawn.length + logs.length + left.length + keptBack.length;
  const firing = planned.length === 0 ? [] : all.alerts.filter(({ endsAtMs }) => endsAtMs === null);
  return {
    group,
    changes,
    isWhole,
    isAllHeld: all.awaitingRepair === group.members.size,
    planned,
    withdrawn,
    logs,
    left,
    firing,
    isBlocked,
    lookAtMs,
    keptBack,
    rows,
  };
}

/** A message is told; one that says what nobody took is that one, tried again. */
function* decidedMessage(
  group: AggregationGroup,
  next: PlannedMessage,
  context: PassContext,
): Generator<void, PlannedNotification> {
  const { notification } = next;
  const refusal = group.refusals.get(notification.integration);
  const isReplaced = next.replaces?.notification.id === refusal?.notification.id;
  if (refusal && !isReplaced && saysTheSame(refusal.notification, notification)) {
    const { attempts, answer } = refusal;
    return {
      ...next,
      notification: { ...notification, id: refusal.notification.id },
      again: { attempts, answer },
    };
  }
  yield* explainMessage(next, context);
  if (notification.reason === 'repeat') yield* explainAcknowledged(group, next, context);
  return next;
}

function isAsked(key: string, { integrations }: Pick<PassContext, 'integrations'>): boolean {
  return integrations.some((one) => one.key === key);
}

/**
 * Whether a message that waits says what is to be told. One that another was to replace is not begun any more, also where the
 * other could not be written.
 */
function isSaidBy(outstanding: Outstanding | null, { notification }: PlannedNotification): boolean {
  if (!outstanding || outstanding.state === 'replaced') return false;
  return saysTheSame(outstanding.notification, notification);
}

/** Whether all that is new was held back for a repair that has not healed it. */
function reasonOf(
  reason: NotificationReason,
  { passed, entry, context }: Pick<MessagePlan, 'passed' | 'entry' | 'context'>,
): NotificationReason {
  if (reason !== 'first_notification' && reason !== 'new_alerts') return reason;
  const isNotHealed = passed.alerts.every(
    ({ alertId, endsAtMs, fingerprint }) =>
      endsAtMs !== null || entry?.firing.has(fingerprint) === true || context.wasHeld(alertId),
  );
  return isNotHealed ? 'not_healed' : reason;
}

function hasLeft({ endsAtMs, fingerprint }: TrackedAlert, { heldBack }: Passed): boolean {
  return endsAtMs !== null && !heldBack.has(fingerprint);
}

/** Whether an integration has refused all messages about a group for as long as a message is tried. */
function refusesForLong({ refusals }: AggregationGroup, key: string, nowMs: number): boolean {
  return nowMs - (refusals.get(key)?.sinceMs ?? nowMs) > maxNotificationAgeMs;
}

/** Over for so long that who has not heard of it never will: others of its group fire, and are told in vain, too. */
function isGivenUp(
  { endsAtMs, fingerprint }: TrackedAlert,
  group: AggregationGroup,
  { integrations, log, nowMs }: PassContext,
): boolean {
  if (endsAtMs === null || nowMs - endsAtMs <= maxNotificationAgeMs) return false;
  return integrations.every(
    ({ key }) =>
      refusesForLong(group, key, nowMs) || log.get(group.id, key)?.resolved.has(fingerprint) === true,
  );
}

/** What an integration knows once it was told what has passed. What is kept back is still to be told. */
function knownAfter(
  { firing, resolved, heldBack }: Passed,
  entry: LogEntry | null,
): Pick<LogEntry, 'firing' | 'resolved'> {
  return { firing: entry ? firing.union(heldBack.intersection(entry.firing)) : firing, resolved };
}

type Leaving = Pick<PassContext, 'integrations' | 'integrationByKey' | 'log' | 'outbox' | 'retiredGroupsOf'>;

/** The members that are over and of which everybody has heard who was told, or is not told: they may leave. */
export function membersThatLeave(group: AggregationGroup, context: Leaving): readonly TrackedAlert[] {
  const { integrations, integrationByKey, log, outbox, retiredGroupsOf } = context;
  if (outbox.outstandingOf(group.id).length > 0) return [];
  const entries = integrations.map(({ key }) => log.get(group.id, key));
  const past = log.entriesOf(group.id).flatMap(([key, entry]) => {
    const isToHear = !isAsked(key, context) && integrationByKey(key) !== null;
    return isToHear ? [entry] : [];
  });
  return [...group.members.values()].filter(
    ({ alertId, endsAtMs, fingerprint }) =>
      endsAtMs !== null &&
      entries.every((entry) => entry?.resolved.has(fingerprint) === true && !entry.firing.has(fingerprint)) &&
      !past.some((entry) => entry.firing.has(fingerprint)) &&
      // What groups have told that are no more is looked through by a pass.
      retiredGroupsOf(alertId).size === 0,
  );
}

/** Which members may be told of now. */
function* judgeMembers(group: AggregationGroup, context: PassContext): Generator<void, Passed> {
  const { stages, decisions, nowMs } = context;
  const alerts: TrackedAlert[] = [];
  const firing = new Set<string>();
  const resolved = new Set<string>();
  const heldBack = new Set<string>();
  const silent = new Set<string>();
  const keptBack: string[] = [];
  let allAcknowledged = true;
  let snoozeEndedAtMs = 0;
  let lookAtMs = Infinity;
  const flapping = new Map<string, Flapping>();
  let awaitingRepair = 0;
  for (const alert of group.members.values()) {
    // A thousand silences by regular expressions take a millisecond for each that has not been looked up.
    yield;
    const isTold = wasTold(group, alert, context);
    const flaps = context.flappingOf(alert);
    const muted =
      mutedBy(stages, alert, {
        route: group.route,
        nowMs,
        isAwaited: isTold && alert.endsAtMs !== null,
      }) ?? (flaps && isTold && alert.endsAtMs !== null ? keptByFlapping(flaps) : null);
    if (alert.endsAtMs === null) alert.isInhibited = muted?.stage === 'inhibition';
    if (muted && !(isTold && muted.spares === 'told')) {
      decisions.record(
        {
          alertId: alert.alertId,
          stage: muted.stage,
          decision: muted.decision ?? 'kept back',
          receiver: group.route.receiver,
          notificationId: null,
          reason: muted.reason,
        },
        muted.scope ?? group.id,
      );
      if (muted.stage === 'hold') awaitingRepair++;
      lookAtMs = Math.min(lookAtMs, muted.untilMs ?? Infinity);
      const isUndecided = muted.untilMs !== undefined;
      if (alert.endsAtMs !== null) {
        if (isTold || isUndecided) heldBack.add(alert.fingerprint);
      } else if (!isUndecided && !group.keptBack.has(alert.alertId)) keptBack.push(alert.alertId);
      continue;
    }
    alerts.push(alert);
    (alert.endsAtMs === null ? firing : resolved).add(alert.fingerprint);
    if (alert.endsAtMs !== null) {
      const wasKeptBack = group.keptBack.has(alert.alertId) || alert.isInhibited;
      if (wasKeptBack) silent.add(alert.fingerprint);
      if (wasKeptBack && !isTold) decisions.record(keptBackToItsEnd(alert, group), group.id);
      continue;
    }
    if (alert.acknowledgedBy === null) allAcknowledged = false;
    snoozeEndedAtMs = Math.max(snoozeEndedAtMs, alert.snoozedUntilMs ?? 0);
    if (flaps) flapping.set(alert.fingerprint, flaps);
  }
  const over = resolved.size === 0 ? [] : alerts.filter(({ endsAtMs }) => endsAtMs !== null);
  const earlier = earlierKnowledge(group, over, context);
  const flappingSinceMs = Math.max(0, ...[...flapping.values()].map(({ sinceMs }) => sinceMs));
  return {
    alerts,
    firing,
    resolved,
    heldBack,
    silent,
    toldBefore: earlier.told,
    earlier,
    keptBack,
    awaitingRepair,
    allAcknowledged,
    snoozeEndedAtMs,
    flappingSinceMs,
    flapping,
    lookAtMs,
  };
}

function keptBackToItsEnd({ alertId, isInhibited }: TrackedAlert, { route }: AggregationGroup): Decision {
  const stage = isInhibited ? 'inhibition' : 'dedup';
  const reason = isInhibited ? 'it was inhibited until it was over' : 'it was kept back until it was over';
  return { alertId, stage, decision: 'kept back', receiver: route.receiver, notificationId: null, reason };
}

interface MessagePlan {
  readonly running: RunningIntegration;
  readonly reason: NotificationReason;
  readonly passed: Passed;
  readonly entry: LogEntry | null;
  readonly replaces: Outstanding | null;
  readonly context: PassContext;
}

interface PlannedMessage extends PlannedNotification {
  /** Those that it is about, also where it does not name them all. */
  readonly told: readonly TrackedAlert[];
}

function* plan(group: AggregationGroup, message: MessagePlan): Generator<void, PlannedMessage> {
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
  { decisions }: PassContext,
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
  { decisions }: PassContext,
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

const WHY_SILENT: Readonly<Record<Extract<Dedup, { readonly send: null }>['why'], string>> = {
  unchanged: 'nothing has changed since its last message',
  acknowledged: 'its repetition is due, but somebody has acknowledged all that fires',
  logs: 'all is over, and it is not told of what is over (send_resolved)',
  no_incident: 'it is over, and it has no incident to close: others were told that it fired',
};

function explainSilence(
  { alerts }: Passed,
  { key, receiver }: RunningIntegration,
  decided: Extract<Dedup, { readonly send: null }>,
  { decisions }: PassContext,
  group: AggregationGroup,
): void {
  if (decided.why === 'unchanged') return;
  for (const { alertId } of alerts) {
    decisions.record(
      {
        alertId,
        stage: 'dedup',
        decision: 'not sent',
        receiver,
        notificationId: null,
        reason: `${key}: ${WHY_SILENT[decided.why]}`,
      },
      `${group.id} ${key}`,
    );
  }
}
