import type { NewSystemEvent } from '#telemetry';
import type { Delivery } from '../receivers/integration.ts';
import type { Outstanding } from './delivery-queue.ts';

/** An answer is kept up to here. */
export const maxAnswerCharacters = 500;
/** An event names so many of a message's alerts. */
export const maxAlertsInEvent = 20;

/** What a receiver said, as it is kept. */
export function answerOf(delivery: Delivery): string {
  const text = delivery.outcome === 'delivered' ? delivery.answer : delivery.reason;
  return text.length > maxAnswerCharacters ? `${text.slice(0, maxAnswerCharacters - 1)}…` : text;
}

/** The event of a message that was delivered, or given up. */
export function eventOfDelivery(
  { notification, attempts }: Pick<Outstanding, 'notification' | 'attempts'>,
  delivery: Delivery,
): NewSystemEvent {
  const about = {
    entity_type: 'notification',
    entity_id: notification.id,
    traceparent: notification.traceparent,
  };
  const facts = {
    notification_id: notification.id,
    receiver: notification.receiver,
    integration: notification.integration,
    reason: notification.reason,
    group_key: notification.groupKey,
    alert_ids: notification.members.slice(0, maxAlertsInEvent).map(([alertId]) => alertId),
    alerts: notification.members.length + notification.truncated,
    attempts,
  };
  return delivery.outcome === 'delivered'
    ? { event_type: 'notification.delivered', ...about, payload: { ...facts, answer: answerOf(delivery) } }
    : {
        event_type: 'notification.failed',
        ...about,
        payload: { ...facts, failure: delivery.failure, error: answerOf(delivery) },
      };
}
