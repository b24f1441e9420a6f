import { toldBy } from '../rate-limit/digested.ts';
import type { Delivery, ReceiverMemory } from '../receivers/integration.ts';
import { answerOf } from './delivery-event.ts';
import type { Outstanding, Tried } from './delivery-queue.ts';
import type { LogUpdate, NotificationLog } from './notification-log.ts';
import type { Notification, Outcome } from './outbox-rows.ts';

/** What came of a message that is not tried any more. */
export interface EndOfMessage {
  readonly outcome: 'delivered' | 'failed';
  /** How often it was tried. */
  readonly attempts: number;
  readonly answer: string;
  /** The recipients that have it all the same. */
  readonly takenBy: readonly string[];
}

/** A try of a message, and how it went. */
export interface Ended {
  readonly outstanding: Outstanding;
  readonly tried: Tried;
}

/** What is written of a try. */
export function outcomeOf({ outstanding, tried: { delivery, isFinal } }: Ended): Outcome {
  return {
    id: outstanding.notification.id,
    state: delivery.outcome === 'delivered' ? 'delivered' : isFinal ? 'failed' : 'pending',
    attempts: outstanding.attempts,
    nextAttemptAtMs: outstanding.nextAttemptAtMs,
    answer: answerOf(delivery),
    failure: delivery.outcome === 'failed' ? delivery.failure : null,
    takenBy: outstanding.takenBy ?? [],
  };
}

export function endOf({ outstanding: { attempts, takenBy = [] }, tried: { delivery } }: Ended): EndOfMessage {
  return { outcome: delivery.outcome, attempts, answer: answerOf(delivery), takenBy };
}

/** What integrations know after a try of a message. */
export function knownAfterTry(
  { outstanding, tried: { delivery } }: Ended,
  log: Pick<NotificationLog, 'get'>,
): readonly LogUpdate[] {
  if (delivery.outcome === 'delivered')
    return toldBy(outstanding).map(({ notification }) => knownOnceDelivered(notification, delivery, log));
  return delivery.isOpened === true ? [knownOnceOpened(outstanding.notification, log)] : [];
}

/** What integrations know once a message has arrived. What a digest leaves is no memory of the groups in it. */
function knownOnceDelivered(
  notification: Notification,
  { memory }: Extract<Delivery, { readonly outcome: 'delivered' }>,
  log: Pick<NotificationLog, 'get'>,
): LogUpdate {
  const { groupId, integration, firing, resolved, createdAtMs: notifiedAtMs } = notification;
  const before = log.get(groupId, integration)?.memory ?? null;
  const entry = { firing, resolved, notifiedAtMs, memory: memory ?? before, group: groupOf(notification) };
  return { groupId, integration, entry };
}

/**
 * What an integration knows whose incident of what came and went is open, and not closed yet: that its alerts fire. Whatever
 * becomes of the message, it is to hear that they are over.
 */
export function knownOnceOpened(
  notification: Notification,
  log: Pick<NotificationLog, 'get'>,
  memory?: ReceiverMemory | null,
): LogUpdate {
  const { groupId, integration, createdAtMs: notifiedAtMs } = notification;
  const before = log.get(groupId, integration);
  const known = before?.resolved ?? new Set();
  const firing = notification.firing.union(notification.resolved.difference(known));
  const resolved = notification.resolved.intersection(known);
  const group = groupOf(notification);
  const kept = memory ?? before?.memory ?? null;
  return { groupId, integration, entry: { firing, resolved, notifiedAtMs, memory: kept, group } };
}

function groupOf({ groupKey, groupLabels, routeLabels }: Notification): LogUpdate['entry']['group'] {
  return { groupKey, groupLabels, routeLabels };
}

/** Whether it is over, and not as it was when it was over before. */
export function isNews({ outstanding: { refusedWith }, tried: { delivery, isFinal } }: Ended): boolean {
  return isFinal && (delivery.outcome === 'delivered' || answerOf(delivery) !== refusedWith);
}
