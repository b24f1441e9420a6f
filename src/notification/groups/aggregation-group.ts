import { createHash } from 'node:crypto';
import type { Timer } from '#telemetry';
import type { Notification } from '../outbox/outbox-rows.ts';
import type { RoutedTo } from '../ports.ts';
import type { Quiet } from './quiet.ts';
import type { TrackedAlert } from './tracked-alert.ts';

/** A message that an integration has refused for good, or that was given up. */
export interface Refusal {
  readonly notification: Notification;
  readonly attempts: number;
  readonly answer: string;
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
  /** Keys of integrations that have refused a message for good: they are asked again when the group's time has come. */
  readonly refused: Set<string>;
  /** By the keys of integrations that took none of the last messages: what became of the newest. */
  readonly refusals: Map<string, Refusal>;
  /** Whether something came meanwhile that must not wait for the next interval. */
  isUrgent: boolean;
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
