import {
  PreparedInsert,
  PreparedQuery,
  type StateDatabase,
  type StateTables,
  type StateTransaction,
} from '#storage';
import { allSettled, labelsKey, parseLabels, Stretch, type Clock, type Labels } from '#telemetry';
import { NOTIFICATION_REASONS, type NotificationReason } from '../message.ts';
import { joinFingerprints, splitFingerprints } from './fingerprints.ts';

/** An alert in a message: its id, and when it was resolved (wall ms), null where it fired as the message was decided. */
export type MessageMember = readonly [alertId: string, endsAtMs: number | null];

/** A message to one integration that is not delivered yet. What it says does not change; another one takes its place. */
export interface Notification {
  readonly id: string;
  readonly groupId: string;
  readonly groupKey: string;
  readonly receiver: string;
  readonly integration: string;
  readonly reason: NotificationReason;
  readonly members: readonly MessageMember[];
  readonly truncated: number;
  readonly groupLabels: Labels;
  readonly routeLabels: Labels;
  readonly note: string | null;
  /** That to which an escalation has raised its alerts; null where none has. */
  readonly severity: string | null;
  /** What the integration knows once it is delivered. */
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
  readonly createdAtMs: number;
  readonly traceparent: string | null;
}

/** Whether two messages for one integration about one group differ in nothing but their ids and times. */
export function saysTheSame(a: Notification, b: Notification): boolean {
  return (
    a.reason === b.reason &&
    a.note === b.note &&
    a.truncated === b.truncated &&
    a.members.length === b.members.length &&
    a.members.every(([alertId, endsAtMs], place) => {
      const [otherId, otherEndsAtMs] = b.members[place] ?? [];
      return alertId === otherId && endsAtMs === otherEndsAtMs;
    }) &&
    areSame(a.firing, b.firing) &&
    areSame(a.resolved, b.resolved) &&
    labelsKey(a.routeLabels) === labelsKey(b.routeLabels)
  );
}

function areSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}

type Row = StateTables['notifications'];

const INSERT = new PreparedInsert<Row, unknown>((db, rows) => db.insertInto('notifications').values(rows));

/** @param heldUntilMs of those that their receivers' rate limits hold, by id */
export async function insertNotifications(
  tx: StateTransaction,
  notifications: readonly Notification[],
  heldUntilMs: ReadonlyMap<string, number> = new Map(),
): Promise<void> {
  if (notifications.length === 0) return;
  await INSERT.rows(
    tx,
    notifications.map((notification) => rowOf(notification, heldUntilMs.get(notification.id) ?? null)),
  );
}

const REPEAT = new PreparedInsert<Row, unknown>((db, rows) =>
  db
    .insertInto('notifications')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet((row) => ({
        state: row.ref('excluded.state'),
        created_at_ms: row.ref('excluded.created_at_ms'),
        next_attempt_at_ms: row.ref('excluded.next_attempt_at_ms'),
        finished_at_ms: row.ref('excluded.finished_at_ms'),
        held_until_ms: row.ref('excluded.held_until_ms'),
        digest_id: row.ref('excluded.digest_id'),
      })),
    ),
);

/** Those that were over without being taken, and are tried again. They are decided anew: their links count from now on. */
export async function repeatNotifications(
  tx: StateTransaction,
  notifications: readonly Notification[],
  heldUntilMs: ReadonlyMap<string, number>,
): Promise<void> {
  if (notifications.length === 0) return;
  await REPEAT.rows(
    tx,
    notifications.map((notification) => rowOf(notification, heldUntilMs.get(notification.id) ?? null)),
  );
}

/** So many rows are named by one statement: databases take a bounded number of parameters. */
export const maxSupersededPerStatement = 500;

/** Those that take their place say what they would have said, or nothing is left to say. */
export async function supersedeNotifications(
  tx: StateTransaction,
  ids: readonly string[],
  nowMs: number,
): Promise<void> {
  for (let at = 0; at < ids.length; at += maxSupersededPerStatement) {
    await tx.db
      .updateTable('notifications')
      .set({ state: 'superseded', finished_at_ms: nowMs })
      .where('id', 'in', ids.slice(at, at + maxSupersededPerStatement))
      .where('state', '=', 'pending')
      .execute();
  }
}

/** What came of a try. */
export interface Outcome {
  readonly id: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Where it is tried again: when, wall ms. */
  readonly nextAttemptAtMs: number;
  readonly answer: string;
  readonly failure: string | null;
  /** The recipients that have it, where others could not be given it. */
  readonly takenBy: readonly string[];
}

type TriedRow = Omit<Outcome, 'state' | 'takenBy'> & { readonly takenBy: string | null };

const TRIED = new PreparedQuery<TriedRow, unknown>(
  (db, { id, attempts, nextAttemptAtMs, answer, failure, takenBy }) =>
    db
      .updateTable('notifications')
      .set({ attempts, next_attempt_at_ms: nextAttemptAtMs, answer, failure, taken_by: takenBy })
      .where('id', '=', id)
      .where('state', '=', 'pending'),
);

/** Writes what came of tries: what ended alike, as of a receiver that takes all, in one statement. At most 500. */
export async function writeOutcomes(
  tx: StateTransaction,
  outcomes: readonly Outcome[],
  nowMs: number,
): Promise<void> {
  const over = outcomes.filter(({ state }) => state !== 'pending');
  const alike = Map.groupBy(over, ({ state, attempts, answer, failure }) =>
    JSON.stringify([state, attempts, answer, failure]),
  );
  await allSettled([
    ...outcomes
      .filter(({ state }) => state === 'pending')
      .map(({ takenBy, ...outcome }) => TRIED.run(tx, { ...outcome, takenBy: takenByText(takenBy) })),
    ...[...alike.values()].map((ended) => writeEnds(tx, ended, nowMs)),
  ]);
}

function takenByText(takenBy: Outcome['takenBy']): string | null {
  return takenBy.length === 0 ? null : JSON.stringify(takenBy);
}

async function writeEnds(tx: StateTransaction, ended: readonly Outcome[], nowMs: number): Promise<void> {
  const [first] = ended;
  if (!first) return;
  const { state, attempts, answer, failure } = first;
  await tx.db
    .updateTable('notifications')
    .set({ state, attempts, finished_at_ms: nowMs, answer, failure })
    .where(
      'id',
      'in',
      ended.map(({ id }) => id),
    )
    .where('state', '=', 'pending')
    .execute();
}

/** What is known of a notification that waits, beside what it says. */
export interface PendingNotification {
  readonly notification: Notification;
  readonly attempts: number;
  readonly nextAttemptAtMs: number;
  /** Until when its receiver's rate limit holds it; null where it does not. */
  readonly heldUntilMs: number | null;
  /** The digest that tells of it; null where none does. */
  readonly digestId: string | null;
  /** The recipients that have it already. */
  readonly takenBy: readonly string[];
}

/** So many rows are read at once: each may name hundreds of alerts. */
const maxRowsPerPage = 200;

/** Those that an earlier run of the server left, in the order in which they were made. In pages and slices: they may be very many. */
export async function readPending(
  { reader }: StateDatabase,
  clock: Clock,
): Promise<readonly PendingNotification[]> {
  const pending: PendingNotification[] = [];
  const stretch = new Stretch(clock);
  for (;;) {
    const rows = await reader
      .selectFrom('notifications')
      .selectAll()
      .where('state', '=', 'pending')
      .where('id', '>', pending.at(-1)?.notification.id ?? '')
      .orderBy('id')
      .limit(maxRowsPerPage)
      .execute();
    for (const row of rows) {
      pending.push({
        notification: notificationOf(row),
        attempts: row.attempts,
        nextAttemptAtMs: row.next_attempt_at_ms,
        heldUntilMs: row.held_until_ms,
        digestId: row.digest_id,
        // Written by `takenByText` alone.
        takenBy: row.taken_by === null ? [] : (JSON.parse(row.taken_by) as string[]),
      });
      if (stretch.isOver) await stretch.pause();
    }
    if (rows.length < maxRowsPerPage) return pending;
  }
}

/** What a message tells of, also when it was sent long ago; null where it is on record no more. */
export async function readMembers(
  { reader }: StateDatabase,
  notificationId: string,
): Promise<Pick<Notification, 'members' | 'truncated'> | null> {
  const row = await reader
    .selectFrom('notifications')
    .select(['alerts', 'truncated'])
    .where('id', '=', notificationId)
    .executeTakeFirst();
  return row ? { members: membersOf(row), truncated: row.truncated } : null;
}

function rowOf(notification: Notification, heldUntilMs: number | null): Row {
  const { id, groupId, groupKey, receiver, integration, reason, members, truncated, note } = notification;
  return {
    id,
    group_id: groupId,
    group_key: groupKey,
    receiver,
    integration,
    reason,
    state: 'pending',
    alerts: JSON.stringify(members),
    truncated,
    group_labels: JSON.stringify(notification.groupLabels),
    route_labels: JSON.stringify(notification.routeLabels),
    note,
    severity: notification.severity,
    firing: joinFingerprints(notification.firing),
    resolved: joinFingerprints(notification.resolved),
    attempts: 0,
    created_at_ms: notification.createdAtMs,
    next_attempt_at_ms: heldUntilMs ?? notification.createdAtMs,
    finished_at_ms: null,
    answer: null,
    failure: null,
    traceparent: notification.traceparent,
    held_until_ms: heldUntilMs,
    digest_id: null,
    taken_by: null,
  };
}

function notificationOf(row: Row): Notification {
  return {
    id: row.id,
    groupId: row.group_id,
    groupKey: row.group_key,
    receiver: row.receiver,
    integration: row.integration,
    reason: NOTIFICATION_REASONS.find((reason) => reason === row.reason) ?? 'first_notification',
    members: membersOf(row),
    truncated: row.truncated,
    groupLabels: parseLabels(row.group_labels),
    routeLabels: parseLabels(row.route_labels),
    note: row.note,
    severity: row.severity,
    firing: splitFingerprints(row.firing),
    resolved: splitFingerprints(row.resolved),
    createdAtMs: row.created_at_ms,
    traceparent: row.traceparent,
  };
}

/** Written by `rowOf` alone. */
function membersOf({ alerts }: Pick<Row, 'alerts'>): MessageMember[] {
  return JSON.parse(alerts) as MessageMember[];
}
