import { messageOf } from '#telemetry';
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
 * one delivery. That it is open is written down in between, so that whoever comes after a crash closes it, whatever a reload has changed.
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
  const { incident } = options;
  // Who closes no incident of theirs by messages closes this one by hand, too.
  const isLeftOpen = !integration.sendResolved;
  if (incident?.isOpen === true) {
    const said = 'incident opened before';
    return isLeftOpen
      ? { outcome: 'delivered', answer: leftOpen(said) }
      : closed(await integration.send(message, options), said);
  }
  const opened = await integration.send(asItFired(message), options);
  if (opened.outcome === 'failed') return opened;
  const said = `incident opened (${opened.answer})`;
  if (isLeftOpen) return { ...opened, answer: leftOpen(said) };
  const memory = opened.memory ?? options.memory;
  try {
    await incident?.opened(memory);
  } catch (thrown) {
    // Written with the outcome of this try, which is written however long the database is away: the next one closes it.
    return notClosed({
      outcome: 'failed',
      failure: 'connection',
      reason: `that it is open cannot be written down now: ${messageOf(thrown)}`,
      retryable: true,
      retryAfterMs: null,
    });
  }
  return closed(await integration.send(message, { ...options, memory }), said, opened.memory);
}

function leftOpen(said: string): string {
  return `${said}, to be closed by hand (send_resolved)`;
}

/** @param said of its opening @param memory what that has left */
function closed(delivery: Delivery, said: string, memory?: SendOptions['memory']): Delivery {
  if (delivery.outcome === 'failed') return notClosed(delivery);
  const kept = delivery.memory ?? memory;
  return {
    outcome: 'delivered',
    answer: `${said} and closed (${delivery.answer})`,
    ...(kept && { memory: kept }),
  };
}

function notClosed(failed: Extract<Delivery, { readonly outcome: 'failed' }>): Delivery {
  return { ...failed, isOpened: true, reason: `incident opened, but not closed: ${failed.reason}` };
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
