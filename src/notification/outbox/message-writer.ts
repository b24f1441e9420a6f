import {
  copyLabels,
  messageOf,
  SharedStretch,
  type Clock,
  type Labels,
  type Logger,
  type Tracing,
} from '#telemetry';
import type { Message, MessageAlert } from '../message.ts';
import { statusOf, type NotifiedAlert } from '../notified-alert.ts';
import type { AlertReader, LinksOf, MessageLinkOf } from '../ports.ts';
import type { Delivery } from '../receivers/integration.ts';
import { TemplateFailure } from '../templates/message-templates.ts';
import { AlertsAhead } from './alerts-ahead.ts';
import type { DeliveryQueueParts, Outstanding } from './delivery-queue.ts';
import type { NotificationLog } from './notification-log.ts';
import type { OpenedIncidents } from './opened-incidents.ts';
import type { Notification } from './outbox-rows.ts';
import type { RunningIntegration } from './running-integration.ts';
import { sendWithFewerAlerts } from './shortened-delivery.ts';

/** So many alerts are written between two pauses. */
const alertsPerPiece = 100;

export interface MessageWriterParts {
  readonly alerts: AlertReader;
  readonly log: NotificationLog;
  readonly incidents: Pick<OpenedIncidents, 'of'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** Where people reach Omoi, without a slash at the end; known once they do. */
  readonly externalUrl: () => string;
  /** Until then nothing is sent: links would lead nowhere. They work from the beginning where it is absent. */
  readonly reachable?: Promise<unknown>;
  readonly linksOf: LinksOf;
  readonly acknowledgeAllOf: MessageLinkOf;
  /** Whether a group is there; of one that a reload has taken away others tell. */
  readonly hasGroup: (groupId: string) => boolean;
  readonly receiverLabelsOf: (receiver: string) => Labels;
  /** The route's labels, which are templates, as they are for a message. @throws TemplateFailure */
  readonly routeLabelsOf: (message: Message) => Generator<void, Labels>;
}

/** Writes messages as they are at the time of sending, with the newest texts of their alerts, and sends them. */
export function messageSender(parts: MessageWriterParts): DeliveryQueueParts['send'] {
  const alerts = new AlertsAhead(parts.alerts, parts.clock);
  const writing = new SharedStretch(parts.clock);
  return async (outstanding, running, signal, next) => {
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
    const reading = alerts.of(notification, next);
    const { traceparent } = span;
    const delivery = await send(parts, { outstanding, running, signal, reading, traceparent, writing });
    if (delivery.outcome === 'failed') span.fail(`${delivery.failure}: ${delivery.reason}`);
    span.end();
    return delivery;
  };
}

interface Sending {
  readonly outstanding: Outstanding;
  readonly running: RunningIntegration;
  readonly signal: AbortSignal;
  readonly reading: Promise<ReadonlyMap<string, NotifiedAlert>>;
  readonly traceparent: string;
  /** What all messages that are being written share of a turn. */
  readonly writing: SharedStretch;
}

async function send(parts: MessageWriterParts, sending: Sending): Promise<Delivery> {
  const { running, signal, reading } = sending;
  const { notification } = sending.outstanding;
  try {
    const read = reading.catch((thrown: unknown) => messageOf(thrown));
    if (parts.reachable && !(await comesBefore(signal, parts.reachable))) return unreachable();
    const facts = await read;
    if (typeof facts === 'string') return unreadable(facts);
    const message = await sending.writing.run(write(parts, sending, facts));
    const acknowledgeFirst = (count: number): string | null =>
      acknowledgeAll(parts, notification, message.alerts.slice(0, count));
    if (message.alerts.length === 0) return refused('the alerts it is about are no longer on record');
    const { memory } = parts.log.get(notification.groupId, running.key) ?? { memory: null };
    const { takenBy = [] } = sending.outstanding;
    const incident = parts.incidents.of(notification);
    const options = { signal, memory, takenBy, incident, acknowledgeFirst };
    return await sendWithFewerAlerts(running.integration, message, options);
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

/** The server does not listen yet: nothing is wrong with the message. */
function unreachable(): Delivery {
  const reason = 'Omoi does not listen yet, so that links in messages lead nowhere';
  return { outcome: 'failed', failure: 'connection', reason, retryable: true, retryAfterMs: null };
}

/** Whether something comes before a delivery has taken too long, or is given up. */
function comesBefore(signal: AbortSignal, coming: Promise<unknown>): Promise<boolean> {
  const tooLate = Promise.withResolvers<boolean>();
  signal.addEventListener('abort', () => tooLate.resolve(false), { once: true });
  return Promise.race([coming.then(() => true), tooLate.promise]);
}

function* write(
  parts: MessageWriterParts,
  { outstanding, running, traceparent }: Sending,
  facts: ReadonlyMap<string, NotifiedAlert>,
): Generator<void, Message> {
  const { notification } = outstanding;
  const about = { receiver: notification.receiver, atMs: notification.createdAtMs };
  const isOutdated = tellsOfBefore(notification, running, parts);
  const namesEnds = notification.members.some(([, endsAtMs]) => endsAtMs !== null);
  const alerts: MessageAlert[] = [];
  for (const [place, [alertId, endsAtMs]] of notification.members.entries()) {
    if (place % alertsPerPiece === alertsPerPiece - 1) yield;
    const found = facts.get(alertId);
    if (!found) continue;
    const isOverSince = isOutdated && endsAtMs === null && found.endsAtMs !== null;
    if (isOverSince && namesEnds) continue;
    // The message says what was so when it was decided: the group goes on from there.
    const isOver = endsAtMs !== null || isOverSince;
    const alert = { ...found, endsAtMs: isOver ? (found.endsAtMs ?? endsAtMs) : null };
    alerts.push({
      ...alert,
      labels: raised(alert.labels, notification.severity),
      status: statusOf(alert),
      // Signed when somebody asks: most integrations do not show them.
      get links() {
        return parts.linksOf(alert, about);
      },
    });
  }
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
    acknowledgeAll: acknowledgeAll(parts, notification, alerts),
    externalUrl: parts.externalUrl(),
    atMs: notification.createdAtMs,
    traceparent,
    note: notification.note,
  };
  return { ...message, routeLabels: yield* parts.routeLabelsOf(message) };
}

/**
 * Whether a message tells ends of a group that a reload has taken away. What fired as it was decided may be over since, and the groups of
 * today tell that, perhaps before this one gets out: it leaves such alerts out, or says that they are over where it names no others.
 * Where each group is an incident none but its own messages count.
 */
function tellsOfBefore(
  { groupId, reason }: Notification,
  { integration }: RunningIntegration,
  { hasGroup }: Pick<MessageWriterParts, 'hasGroup'>,
): boolean {
  return reason === 'new_resolved' && integration.opensIncidents !== true && !hasGroup(groupId);
}

/** Where all alerts that a message names are acknowledged at once; null where one at most is left to be. */
function acknowledgeAll(
  parts: MessageWriterParts,
  { id, receiver, createdAtMs: atMs, members }: Notification,
  alerts: readonly MessageAlert[],
): string | null {
  const isOpen = ({ status, acknowledgedBy: by }: MessageAlert): boolean =>
    status === 'firing' && by === null;
  if (alerts.filter(isOpen).length < 2) return null;
  const last = alerts.at(-1)?.alertId;
  const named = members.findLastIndex(([alertId]) => alertId === last) + 1;
  return parts.acknowledgeAllOf(id, { receiver, atMs, ...(named < members.length && { named }) });
}

/** The labels of an alert whose severity an escalation has raised. */
function raised(labels: Labels, severity: string | null): Labels {
  if (severity === null) return labels;
  const copy = copyLabels(labels);
  copy['severity'] = severity;
  return copy;
}
