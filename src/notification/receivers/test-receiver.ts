import { createId, OmoiError, suggestKey, type Clock, type Random } from '#telemetry';
import type { NotificationConfiguration } from '../configuration/notification-configuration.ts';
import type { ReceiverTest } from '../notification-parts.ts';
import { integrationKey, type RunningIntegration } from '../outbox/running-integration.ts';
import type { Message, MessageAlert } from '../message.ts';
import type { Delivery, Integration, ReceiverMemory } from './integration.ts';
import { testMessage } from './test-message.ts';

export interface ReceiverTestParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly externalUrl: () => string;
  readonly receivers: NotificationConfiguration['receivers'];
  readonly integrations: readonly RunningIntegration[];
  /** By which a message for a receiver would go now: those of who is on call for it, say. */
  readonly integrationsOf: (receiver: string) => readonly RunningIntegration[];
}

/**
 * Sends a message that says that it is a test, by each integration of a receiver, and its end to whom it opens an incident; in the place of one that is not built by those of
 * the fallback receiver, with the note that messages have there. Of a receiver that has none itself it goes to who is on call. No
 * rate limit counts it.
 * @throws OmoiError `unknown_receiver`
 */
export async function testReceiver(
  name: string,
  by: string,
  parts: ReceiverTestParts,
): Promise<readonly ReceiverTest[]> {
  const { clock, random, externalUrl, receivers, integrations, integrationsOf } = parts;
  const receiver = receivers.get(name);
  if (!receiver) {
    const message = `There is no receiver ${JSON.stringify(name)}${suggestKey(name, [...receivers.keys()])}`;
    throw new OmoiError('unknown_receiver', message);
  }
  const atMs = Math.floor(clock.wallMs());
  const test = async ({
    key,
    integration,
    note,
    receiver: told,
  }: RunningIntegration): Promise<ReceiverTest> => {
    const message = testMessage({
      notificationId: createId('ntf', atMs, random),
      receiver: told,
      receiverLabels: receivers.get(told)?.labels ?? receiver.labels,
      externalUrl: externalUrl(),
      by,
      atMs,
      note,
    });
    return { key, delivery: await sent(integration, message, clock) };
  };
  const own = integrations.filter((one) => one.receiver === name && one.note === null);
  const inPlace = receiver.integrations.flatMap(({ kind, index }) => {
    if (kind.create) return [];
    const meant = integrationKey(name, { type: kind.type, index });
    const fallback = integrations.filter(({ key }) => key.startsWith(`${meant}>`));
    const told = fallback.filter(({ integration }) => integration.type !== 'log');
    return told.length > 0 ? told.map(test) : [Promise.resolve(notSent(meant, kind.type, fallback))];
  });
  const all = [...own.map(test), ...inPlace];
  return Promise.all(all.length > 0 ? all : integrationsOf(name).map(test));
}

/** Nobody reads a log for a test that they wait for. */
function notSent(key: string, type: string, [log]: readonly RunningIntegration[]): ReceiverTest {
  const place =
    log === undefined || !log.key.endsWith('>log/log/0')
      ? 'x-omoi.fallback_receiver has no integration'
      : 'no x-omoi.fallback_receiver is named';
  const reason = `Omoi does not send to ${type} yet, and ${place}: what is for it goes to the dashboard and the log`;
  return { key, delivery: { outcome: 'not_sent', reason } };
}

/** To whom each group is an incident the end is told, too: an incident of a test would stay open for ever. */
async function sent(integration: Integration, message: Message, clock: Clock): Promise<Delivery> {
  const opened = await triedOnce(integration, { message, memory: null }, clock);
  if (opened.outcome === 'failed' || integration.opensIncidents !== true) return opened;
  const ended = { message: endOf(message, clock.wallMs()), memory: opened.memory ?? null };
  const closed = await triedOnce(integration, ended, clock);
  const asOpened = `test incident opened (${opened.answer})`;
  return closed.outcome === 'failed'
    ? { ...closed, reason: `${asOpened}, its end was not taken, close it by hand: ${closed.reason}` }
    : { ...closed, answer: `${asOpened}, then resolved (${closed.answer})` };
}

interface Tried {
  readonly message: Message;
  readonly memory: ReceiverMemory | null;
}

async function triedOnce(
  integration: Integration,
  { message, memory }: Tried,
  clock: Clock,
): Promise<Delivery> {
  const controller = new AbortController();
  const deadline = clock.after(integration.timeoutMs, () => controller.abort());
  const delivery = await integration.send(message, { signal: controller.signal, memory });
  deadline.cancel();
  return delivery;
}

/** A message that its alerts are over. */
function endOf(message: Message, atMs: number): Message {
  const endsAtMs = Math.floor(atMs);
  const alerts = message.alerts.map((alert): MessageAlert => ({ ...alert, status: 'resolved', endsAtMs }));
  return { ...message, alerts, atMs: endsAtMs };
}
