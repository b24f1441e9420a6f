import { fingerprintOf, type Labels } from '#telemetry';
import type { Message, MessageAlert } from '../message.ts';

export interface TestMessageOptions {
  readonly notificationId: string;
  readonly receiver: string;
  readonly receiverLabels: Labels;
  readonly externalUrl: string;
  /** Who asked for it. */
  readonly by: string;
  /** Wall ms. */
  readonly atMs: number;
  /** Why it comes to whom it was not asked for. */
  readonly note: string | null;
}

/** A message that says of itself that it is a test: an alert that is none, which fires for no group. */
export function testMessage(options: TestMessageOptions): Message {
  const { notificationId, receiver, receiverLabels, externalUrl, by, atMs, note } = options;
  const labels = { alertname: 'TestOfReceiver', receiver, severity: 'info' };
  const alert: MessageAlert = {
    alertId: notificationId,
    fingerprint: fingerprintOf(labels),
    labels,
    annotations: {
      summary: `This is a test of the receiver ${receiver}`,
      description: `${by} asked Omoi to send it. Nothing is wrong, and nothing has to be done.`,
    },
    startsAtMs: atMs,
    endsAtMs: null,
    generatorUrl: externalUrl,
    acknowledgedBy: null,
    remediation: null,
    traceparent: null,
    status: 'firing',
    links: { alert: externalUrl, acknowledge: externalUrl, silence: externalUrl, trace: null },
  };
  return {
    notificationId,
    groupKey: `{}:{receiver=${JSON.stringify(receiver)}, test="${notificationId}"}`,
    receiver,
    reason: 'test',
    groupLabels: { alertname: labels.alertname, receiver },
    routeLabels: {},
    receiverLabels,
    alerts: [alert],
    truncatedAlerts: 0,
    acknowledgeAll: null,
    externalUrl,
    atMs,
    traceparent: null,
    note: note === null ? 'This is a test.' : `This is a test. ${note}`,
  };
}
