import type { NotificationReason } from '../message.ts';
import { withhold } from '../outbox/delivery-queue.ts';
import type { RememberedEntry, LogUpdate } from '../outbox/notification-log.ts';
import type { PlannedNotification } from '../outbox/outbox.ts';
import type { MessageMember } from '../outbox/outbox-rows.ts';
import { toldGroupOf, type AggregationGroup } from './aggregation-group.ts';
import type { PassContext, RetiredEnd } from './pass-context.ts';
import { whyStillOpen } from './past-recipients.ts';
import { decidedMessage, isSaidBy, type PlannedMessage } from './planned-messages.ts';
import type { RetiredGroups } from './retired-groups.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** The end of an alert that a group that is no more has told of, and the group that tells it in its place. */
export interface EndInPlace extends RetiredEnd {
  readonly by: AggregationGroup;
}

export interface PlannedEnds {
  readonly planned: readonly PlannedNotification[];
  /** What integrations know that are not told. */
  readonly logs: readonly LogUpdate[];
  /** Those that wait for what the same group has told before: it is still on its way. */
  readonly waiting: readonly EndInPlace[];
}

type Context = Pick<PassContext, 'log' | 'outbox' | 'decisions' | 'nowMs' | 'createId'> & {
  readonly retired: Pick<RetiredGroups, 'fingerprintsOf'>;
};

/**
 * Tells the ends of alerts under the key under which a group that is no more has told that they fire: an incident is closed that was
 * opened under it. Several groups may hold what was told together by now: what their passes found together is told together.
 */
export function* planRetiredEnds(
  ends: readonly EndInPlace[],
  context: Context,
): Generator<void, PlannedEnds> {
  const planned: PlannedNotification[] = [];
  const logs: LogUpdate[] = [];
  const waiting: EndInPlace[] = [];
  const together = Map.groupBy(ends, ({ groupId, running }) => `${groupId} ${running.key}`);
  for (const [place, [first, ...others]] of together) {
    yield;
    if (!first) continue;
    const outstanding = context.outbox.outstanding(first.groupId, first.running.key);
    const all: readonly [EndInPlace, ...EndInPlace[]] = [first, ...others];
    if (outstanding?.state === 'sending') {
      waiting.push(...all);
      continue;
    }
    const knows = knowledgeOf(all, context);
    const { running } = first;
    const over = new Set(all.map(({ alert }) => alert.fingerprint));
    const awaited = outstanding?.notification.resolved.intersection(knows.firing) ?? new Set<string>();
    const rest = knows.firing
      .intersection(context.retired.fingerprintsOf(first.groupId))
      .difference(over)
      .difference(awaited);
    if (!running.integration.sendResolved || (running.integration.opensIncidents === true && rest.size > 0)) {
      logs.push(...knows.entries.map((known) => withoutEnded(first.groupId, known, { over, ...context })));
      explainSilence(all, place, context);
      continue;
    }
    const next = messageOf(all, { knows, over: over.union(awaited), rest, context });
    if (isSaidBy(outstanding, next)) continue;
    if (withhold(outstanding)) planned.push(yield* decidedMessage(first.by, next, context));
    else waiting.push(...all);
  }
  return { planned, logs, waiting };
}

interface Knowledge {
  readonly entries: readonly (readonly [key: string, entry: RememberedEntry])[];
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
}

/** What an integration knows of a group that is no more, by the names that it has had. */
function knowledgeOf(ends: readonly EndInPlace[], { log }: Context): Knowledge {
  const keys = new Set(ends.flatMap(({ key, running }) => [running.key, key]));
  const groupId = ends[0]?.groupId ?? '';
  const entries = log.entriesOf(groupId).filter(([key]) => keys.has(key));
  let firing: ReadonlySet<string> = new Set();
  let resolved: ReadonlySet<string> = new Set();
  for (const [, entry] of entries) {
    firing = firing.union(entry.firing);
    resolved = resolved.union(entry.resolved);
  }
  return { entries, firing, resolved };
}

function withoutEnded(
  groupId: string,
  [integration, entry]: readonly [string, RememberedEntry],
  { over, nowMs }: Pick<Context, 'nowMs'> & { readonly over: ReadonlySet<string> },
): LogUpdate {
  const firing = entry.firing.difference(over);
  const resolved = entry.resolved.union(entry.firing.intersection(over));
  return { groupId, integration, entry: { ...entry, firing, resolved, notifiedAtMs: Math.floor(nowMs) } };
}

function explainSilence(ends: readonly EndInPlace[], place: string, { decisions }: Context): void {
  for (const { alert, running } of ends) {
    const { key, receiver, integration } = running;
    const reason = integration.sendResolved
      ? whyStillOpen(running)
      : `${key}: it is over, and is not told of what is over (send_resolved)`;
    const silent = { stage: 'dedup', decision: 'not sent', notificationId: null } as const;
    decisions.record({ ...silent, alertId: alert.alertId, receiver, reason }, place);
  }
}

interface Known {
  readonly knows: Knowledge;
  readonly over: ReadonlySet<string>;
  /** What it knows to fire beside these. */
  readonly rest: ReadonlySet<string>;
  readonly context: Context;
}

function messageOf(
  ends: readonly [EndInPlace, ...EndInPlace[]],
  { knows, over, rest, context }: Known,
): PlannedMessage {
  const [{ groupId, running, by }] = ends;
  const { key, receiver, integration, note } = running;
  const replaces = context.outbox.outstanding(groupId, key);
  const told = [...new Map(ends.map(({ alert }) => [alert.alertId, alert])).values()].toSorted(byStart);
  const isTold = new Set(told.map(({ alertId }) => alertId));
  const members = [
    ...told.map(({ alertId, endsAtMs }): MessageMember => [alertId, endsAtMs]),
    ...(replaces?.notification.members ?? []).filter(([alertId]) => !isTold.has(alertId)),
  ];
  const reason: NotificationReason = rest.size === 0 ? 'all_resolved' : 'new_resolved';
  const group = knows.entries.find(([, entry]) => entry.group !== null)?.[1].group ?? toldGroupOf(by);
  const notification = {
    id: context.createId(),
    groupId,
    ...group,
    receiver,
    integration: key,
    reason,
    members: members.slice(0, integration.maxAlerts),
    truncated: Math.max(0, members.length - integration.maxAlerts),
    note,
    severity: null,
    firing: rest,
    resolved: knows.resolved.union(over),
    createdAtMs: Math.floor(context.nowMs),
    traceparent: told.find(({ traceparent }) => traceparent !== null)?.traceparent ?? null,
  };
  return { notification, replaces, isUrgent: false, told };
}

function byStart(a: TrackedAlert, b: TrackedAlert): number {
  return a.startsAtMs - b.startsAtMs || (a.fingerprint < b.fingerprint ? -1 : 1);
}
