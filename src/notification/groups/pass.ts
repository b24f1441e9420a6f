import type { NotificationReason } from '../message.ts';
import type { Decision } from '../explain/decision.ts';
import { withhold, type Outstanding } from '../outbox/delivery-queue.ts';
import type { LogUpdate } from '../outbox/notification-log.ts';
import { maxNotificationAgeMs, type PlannedNotification } from '../outbox/outbox.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { dedup, type Dedup } from '../stages/dedup-stage.ts';
import { mutedBy } from '../stages/mute-stage.ts';
import { refusalPlaceOf, toldGroupOf, type AggregationGroup } from './aggregation-group.ts';
import { keptByFlapping } from './flapping-texts.ts';
import type { Flapping } from './flap-history.ts';
import type { PassContext, Passed, RetiredEnd } from './pass-context.ts';
import {
  earlierKnowledge,
  endUnheard,
  inherited,
  knownByOthers,
  pastRecipients,
  stillToTell,
  staysOpen,
  toldByOthers,
  unasked,
  wasTold,
  whyStillOpen,
  type PastRecipient,
} from './past-recipients.ts';
import { decidedMessage, isSaidBy, knownAfter, planMessage, type MessagePlan } from './planned-messages.ts';
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
  /** What is to be told in the place of groups that are no more. */
  readonly ends: readonly RetiredEnd[];
  /** Messages that wait although nothing is left to say. */
  readonly withdrawn: readonly Outstanding[];
  /** Integrations that are told nothing, but know something else now. */
  readonly logs: readonly LogUpdate[];
  /** Over, and nobody has to hear of it: they leave the group. */
  readonly left: readonly TrackedAlert[];
  /** Whether a message was on its way, or has gone out meanwhile, so that it has to be decided again when it has arrived. */
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
    const before = context.log.get(group.id, running.key) ?? inherited(group, running, context);
    const passed = stillToTell(all, running, before);
    if (passed !== all) {
      for (const decision of toldByOthers(all, passed, running)) {
        context.decisions.record(decision, `${group.id} ${running.key}`);
      }
    }
    // Nobody will take it: it would be told in vain at each interval for ever.
    if (passed.firing.size === 0 && refusesForLong(group, running.key, context.nowMs)) continue;
    const others = knownByOthers(all, running, before);
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
      const next = yield* planMessage(group, message);
      // Kept, it goes out under the id that a receiver may know already: a crash may have taken its answer.
      if (isSaidBy(outstanding, next)) isKept = true;
      else if (!withhold(outstanding)) isBlocked = true;
      else planned.push(yield* decidedMessage(group, next, context));
      continue;
    }
    if (outstanding && withhold(outstanding)) withdrawn.push(outstanding);
    if (decided.why === 'logs') {
      const known = {
        ...knownAfter(passed, entry),
        notifiedAtMs: Math.floor(context.nowMs),
        memory: entry?.memory ?? null,
        group: toldGroupOf(group),
      };
      logs.push({ groupId: group.id, integration: running.key, entry: known });
    }
    explainSilence(passed, running, decided, context, group);
    yield;
  }
  for (const [key, alert] of all.earlier.lost) {
    context.decisions.record(endUnheard(key, alert), `${group.id} ${key}`);
  }
  for (const past of pastRecipients(group, all, context)) {
    const { running, entry, reason, passed: over } = past;
    const outstanding = context.outbox.outstanding(group.id, running.key);
    const isStillOpen = staysOpen(group, past);
    if (outstanding?.state === 'sending') isBlocked = true;
    else if (isStillOpen || !running.integration.sendResolved) {
      const { memory = null } = context.log.get(group.id, running.key) ?? {};
      const notifiedAtMs = Math.floor(context.nowMs);
      const known = { ...knownAfter(over, entry), notifiedAtMs, memory, group: toldGroupOf(group) };
      logs.push({ groupId: group.id, integration: running.key, entry: known });
      if (isStillOpen) explainStillOpen(past, context, group);
    } else if (group.refused.has(running.key)) isRefused = true;
    else if (!refusesForLong(group, running.key, context.nowMs)) {
      const next = yield* planMessage(group, {
        running,
        reason,
        passed: over,
        entry,
        replaces: outstanding,
        context,
      });
      if (isSaidBy(outstanding, next)) isKept = true;
      else if (!withhold(outstanding)) isBlocked = true;
      else planned.push(yield* decidedMessage(group, next, context));
    }
  }
  const ends: RetiredEnd[] = [];
  for (const end of all.earlier.retired) {
    const { groupId, running } = end;
    const place = refusalPlaceOf(group, { groupId, integration: running.key });
    if (group.refused.has(place)) isRefused = true;
    else if (!refusesForLong(group, place, context.nowMs)) ends.push(end);
  }
  const waits = isBlocked || isKept || isRefused || planned.length + ends.length > 0;
  const left = [...group.members.values()].filter((alert) =>
    waits ? isGivenUp(alert, group, context) : hasLeft(alert, all),
  );
  const { keptBack, lookAtMs } = all;
  const rows = planned.length + ends.length + withdrawn.length + logs.length + left.length + keptBack.length;
  const firing = planned.length === 0 ? [] : all.alerts.filter(({ endsAtMs }) => endsAtMs === null);
  return {
    group,
    changes,
    isWhole,
    isAllHeld: all.awaitingRepair === group.members.size,
    planned,
    ends,
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

function isAsked(key: string, { integrations }: Pick<PassContext, 'integrations'>): boolean {
  return integrations.some((one) => one.key === key);
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
function refusesForLong({ refusals }: AggregationGroup, place: string, nowMs: number): boolean {
  return nowMs - (refusals.get(place)?.sinceMs ?? nowMs) > maxNotificationAgeMs;
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

function explainStillOpen(
  { running, passed: { alerts } }: PastRecipient,
  { decisions }: PassContext,
  { id }: AggregationGroup,
): void {
  const { key, receiver } = running;
  const silent = { stage: 'dedup', decision: 'not sent', notificationId: null } as const;
  for (const { alertId } of alerts)
    decisions.record({ ...silent, alertId, receiver, reason: whyStillOpen(running) }, `${id} ${key}`);
}
