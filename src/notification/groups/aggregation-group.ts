import { createHash } from 'node:crypto';
import type { Timer } from '#telemetry';
import type { ToldGroup } from '../outbox/notification-log.ts';
import type { EndOfMessage } from '../outbox/outcomes.ts';
import type { Notification } from '../outbox/outbox-rows.ts';
import type { RoutedTo } from '../ports.ts';
import type { Quiet } from './quiet.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** A message that an integration has refused for good, or that was given up. */
export interface Refusal {
  readonly notification: Notification;
  readonly attempts: number;
  readonly answer: string;
  /** The recipients that have it all the same. */
  readonly takenBy: readonly string[];
  /** Wall ms from which on it has taken nothing about the group. */
  readonly sinceMs: number;
}

/** Alerts of one route that are told of together. Changed by `Dispatcher` alone. */
export interface AggregationGroup extends RoutedTo {
  /** Of the route's id and the group's key: what rows name it by. */
  readonly id: string;
  /** By fingerprint: the newest episode of each label set. */
  readonly members: Map<string, TrackedAlert>;
  /** Ids of members that a pass has kept back while they fired: that they came and went is no news. */
  readonly keptBack: Set<string>;
  /** How many members have come into it so far. */
  changes: number;
  /** How its last pass has left it; null where the next one has to decide anew. */
  quiet: Quiet | null;
  /** Whether it has been passed once, so that what changes waits for the next interval. */
  hasPassed: boolean;
  /** Whether its last pass has found nothing in it but what is held back for repairs. */
  isAllHeld: boolean;
  /** Wall ms of the next pass. */
  dueAtMs: number;
  timer: Timer | null;
  /** Places (`refusalPlaceOf`) of messages that were refused for good: they are told again when the group's time has come. */
  readonly refused: Set<string>;
  /** By the places of which none of the last messages was taken: what became of the newest. */
  readonly refusals: Map<string, Refusal>;
  /** Whether something came meanwhile that must not wait for the next interval. */
  isUrgent: boolean;
}

/** Under what a group knows of refusals: of its own messages the integration; of those of a group that is no more, that as well. */
export function refusalPlaceOf(
  { id }: Pick<AggregationGroup, 'id'>,
  { groupId, integration }: Pick<Notification, 'groupId' | 'integration'>,
): string {
  return groupId === id ? integration : `${groupId} ${integration}`;
}

/** What became of a message that a group has told. It is decided again at the next interval, and not before: the receiver may have been repaired by then. */
export function noteRefusal(
  group: AggregationGroup,
  notification: Notification,
  { outcome, attempts, answer, takenBy }: EndOfMessage,
): void {
  const place = refusalPlaceOf(group, notification);
  if (outcome === 'delivered') {
    group.refusals.delete(place);
    return;
  }
  group.refused.add(place);
  // One that was given up has waited for as long as it is old.
  const sinceMs = group.refusals.get(place)?.sinceMs ?? notification.createdAtMs;
  group.refusals.set(place, { notification, attempts, answer, takenBy, sinceMs });
}

export function toldGroupOf({ groupKey, groupLabels, route }: RoutedTo): ToldGroup {
  return { groupKey, groupLabels, routeLabels: route.labels };
}

/** 32 hex digits. */
export function groupIdOf(routeId: string, groupKey: string): string {
  return createHash('sha256').update(`${routeId}\n${groupKey}`).digest('hex').slice(0, 32);
}

export function createGroup(to: RoutedTo, dueAtMs: number): AggregationGroup {
  return {
    ...to,
    id: groupIdOf(to.route.id, to.groupKey),
    members: new Map(),
    keptBack: new Set(),
    changes: 0,
    quiet: null,
    hasPassed: false,
    isAllHeld: false,
    dueAtMs,
    timer: null,
    refused: new Set(),
    refusals: new Map(),
    isUrgent: false,
  };
}

/** Whether it waits for no more than its interval. Its first pass may be decided by now, by what was so before, and not be written yet. */
export function isWaitOver(
  { hasPassed, dueAtMs }: Pick<AggregationGroup, 'hasPassed' | 'dueAtMs'>,
  nowMs: number,
): boolean {
  return hasPassed || dueAtMs <= nowMs;
}
