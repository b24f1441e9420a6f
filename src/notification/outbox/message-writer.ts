import { copyLabels, messageOf, type Clock, type Labels, type Logger, type Tracing } from '#telemetry';
import type { Message, MessageAlert } from '../message.ts';
import { statusOf, type NotifiedAlert } from '../notified-alert.ts';
import type { AlertReader, LinksOf } from '../ports.ts';
import type { Delivery } from '../receivers/integration.ts';
import { TemplateFailure } from '../templates/message-templates.ts';
import type { DeliveryQueueParts, Outstanding } from './delivery-queue.ts';
import type { NotificationLog } from './notification-log.ts';
import type { RunningIntegration } from './running-integration.ts';
import { sendWithFewerAlerts } from './shortened-delivery.ts';

/** So many alerts are read with one question. */
const maxAlertsPerRead = 500;

export interface MessageWriterParts {
  readonly alerts: AlertReader;
  readonly log: NotificationLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** Where people reach Omoi, without a slash at the end. */
  readonly externalUrl: () => string;
  readonly linksOf: LinksOf;
  readonly receiverLabelsOf: (receiver: string) => Labels;
  /** The route's labels, which are templates, as they are for a message. @throws TemplateFailure */
  readonly routeLabelsOf: (message: Message) => Labels;
}

/** Writes messages as they are at the time of sending, with the newest texts of their alerts, and sends them. */
export function messageSender(parts: MessageWriterParts): DeliveryQueueParts['send'] {
  return async (outstanding, running, signal) => {
    const { notification } = outstanding;
    const span = parts.tracing.startSpan('notification.deliver', {
      parent: notification.traceparent,
      attributes: {
        'omoi.notification.id': notification.id,
        'omoi.notification.integration': running.key,
        'omoi.notification.reason': notification.reason,
        'omoi.notification.attempt': outstanding.attempts,
      },
    });
    const delivery = await send(parts, { outstanding, running, signal, traceparent: span.traceparent });
    if (delivery.outcome === 'failed') span.fail(`${delivery.failure}: ${delivery.reason}`);
    span.end();
    return delivery;
  };
}

interface Sending {
  readonly outstanding: Outstanding;
  readonly running: RunningIntegration;
  readonly signal: AbortSignal;
  readonly traceparent: string;
}

async function send(parts: MessageWriterParts, sending: Sending): Promise<Delivery> {
  const { running, signal } = sending;
  const { notification } = sending.outstanding;
  try {
    const facts = await readAlerts(
      parts.alerts,
      notification.members.map(([alertId]) => alertId),
    ).catch((thrown: unknown) => messageOf(thrown));
    if (typeof facts === 'string') return unreadable(facts);
    const message = write(parts, sending, facts);
    if (message.alerts.length === 0) return refused('the alerts it is about are no longer on record');
    const { memory } = parts.log.get(notification.groupId, running.key) ?? { memory: null };
    return await sendWithFewerAlerts(running.integration, message, { signal, memory });
  } catch (thrown) {
    if (thrown instanceof TemplateFailure) return { ...refused(thrown.message), failure: 'template' };
    // A mistake of the program: it would fail again, and others wait.
    parts.logger.error(
      { error: messageOf(thrown), notification: notification.id, integration: running.key },
      'Message not sent: the integration failed unexpectedly',
    );
    return refused(messageOf(thrown));
  }
}

function refused(reason: string): Extract<Delivery, { readonly outcome: 'failed' }> {
  return { outcome: 'failed', failure: 'clientError', reason, retryable: false, retryAfterMs: null };
}

/** The database is away: nothing is wrong with the message. */
function unreadable(error: string): Delivery {
  const reason = `the alerts it is about cannot be read now: ${error}`;
  return { outcome: 'failed', failure: 'connection', reason, retryable: true, retryAfterMs: null };
}

function write(
  parts: MessageWriterParts,
  { outstanding, running, traceparent }: Sending,
  facts: ReadonlyMap<string, NotifiedAlert>,
): Message {
  const { notification } = outstanding;
  const about = { receiver: notification.receiver, atMs: notification.createdAtMs };
  const alerts = notification.members.flatMap(([alertId, endsAtMs]): MessageAlert[] => {
    const found = facts.get(alertId);
    if (!found) return [];
    // The message says what was so when it was decided: the group goes on from there.
    const alert = { ...found, endsAtMs: endsAtMs === null ? null : (found.endsAtMs ?? endsAtMs) };
    const labels = raised(alert.labels, notification.severity);
    return [{ ...alert, labels, status: statusOf(alert), links: parts.linksOf(alert, about) }];
  });
  const message: Message = {
    notificationId: notification.id,
    groupKey: notification.groupKey,
    receiver: notification.receiver,
    reason: notification.reason,
    groupLabels: notification.groupLabels,
    routeLabels: notification.routeLabels,
    receiverLabels: parts.receiverLabelsOf(running.receiver),
    alerts,
    truncatedAlerts: notification.truncated,
    externalUrl: parts.externalUrl(),
    atMs: notification.createdAtMs,
    traceparent,
    note: notification.note,
  };
  return { ...message, routeLabels: parts.routeLabelsOf(message) };
}

/** The labels of an alert whose severity an escalation has raised. */
function raised(labels: Labels, severity: string | null): Labels {
  if (severity === null) return labels;
  const copy = copyLabels(labels);
  copy['severity'] = severity;
  return copy;
}

async function readAlerts(
  alerts: AlertReader,
  alertIds: readonly string[],
): Promise<ReadonlyMap<string, NotifiedAlert>> {
  const found = new Map<string, NotifiedAlert>();
  for (let at = 0; at < alertIds.length; at += maxAlertsPerRead) {
    for (const alert of await alerts.read(alertIds.slice(at, at + maxAlertsPerRead)))
      found.set(alert.alertId, alert);
  }
  return found;
}
