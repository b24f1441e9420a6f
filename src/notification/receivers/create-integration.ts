import { statusOfMessage, type Message, type MessageAlert } from '../message.ts';
import type { Delivery, Integration, SendOptions } from './integration.ts';
import type { IntegrationTools, ReceiverKind } from './receiver-kind.ts';

/** What a configuration says of an integration, made; null where Omoi does not send to its kind yet. */
export function createIntegration<Settings>(
  { create, opensIncidents }: Pick<ReceiverKind<Settings>, 'create' | 'opensIncidents'>,
  { settings, index }: { readonly settings: Settings; readonly index: number },
  tools: IntegrationTools,
): Integration | null {
  if (!create) return null;
  const integration = create(settings, index, tools);
  return opensIncidents === true ? openingIncidents(integration) : integration;
}

/**
 * An integration to which each group is an incident: what came and went before anybody was told (`brief`) opens one there and closes it, in
 * one delivery. Both may be done again: what is open is opened no second time, so that a crash between them ends closed.
 */
function openingIncidents(integration: Integration): Integration {
  return {
    ...integration,
    opensIncidents: true,
    send: (message, options) =>
      message.reason === 'brief' && statusOfMessage(message) === 'resolved'
        ? openAndClose(integration, message, options)
        : integration.send(message, options),
  };
}

async function openAndClose(
  integration: Integration,
  message: Message,
  options: SendOptions,
): Promise<Delivery> {
  const opened = await integration.send(asItFired(message), options);
  if (opened.outcome === 'failed') return opened;
  // Who closes no incident of theirs by messages closes this one by hand, too.
  if (!integration.sendResolved) {
    return { ...opened, answer: `incident opened (${opened.answer}), to be closed by hand (send_resolved)` };
  }
  const { memory = options.memory } = opened;
  const closed = await integration.send(message, { ...options, memory });
  if (closed.outcome === 'failed') {
    return { ...closed, isOpened: true, reason: `incident opened, but not closed: ${closed.reason}` };
  }
  const kept = closed.memory ?? opened.memory;
  return {
    outcome: 'delivered',
    answer: `incident opened (${opened.answer}) and closed (${closed.answer})`,
    ...(kept && { memory: kept }),
  };
}

/** The message as it would have been while its alerts fired. */
function asItFired(message: Message): Message {
  return { ...message, alerts: message.alerts.map(asFiring) };
}

function asFiring(alert: MessageAlert): MessageAlert {
  const { alertId, fingerprint, labels, annotations, startsAtMs } = alert;
  const { generatorUrl, acknowledgedBy, remediation, traceparent } = alert;
  return {
    alertId,
    fingerprint,
    labels,
    annotations,
    startsAtMs,
    endsAtMs: null,
    generatorUrl,
    acknowledgedBy,
    remediation,
    traceparent,
    status: 'firing',
    // Signed when somebody asks, as those of the alert: copied, all would be.
    get links() {
      return alert.links;
    },
  };
}
