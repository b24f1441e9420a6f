import { createId, OmoiError, suggestKey, type Clock, type Random } from '#telemetry';
import type { NotificationConfiguration } from '../configuration/notification-configuration.ts';
import type { ReceiverTest } from '../notification-parts.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { testMessage } from './test-message.ts';

export interface ReceiverTestParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly externalUrl: () => string;
  readonly receivers: NotificationConfiguration['receivers'];
  readonly integrations: readonly RunningIntegration[];
}

/**
 * Sends a message that says that it is a test, by each integration of a receiver that is built; no rate limit counts it.
 * @throws OmoiError `unknown_receiver`
 */
export async function testReceiver(
  name: string,
  by: string,
  { clock, random, externalUrl, receivers, integrations }: ReceiverTestParts,
): Promise<readonly ReceiverTest[]> {
  const receiver = receivers.get(name);
  if (!receiver) {
    const message = `There is no receiver ${JSON.stringify(name)}${suggestKey(name, [...receivers.keys()])}`;
    throw new OmoiError('unknown_receiver', message);
  }
  const atMs = Math.floor(clock.wallMs());
  const built = integrations.filter((one) => one.receiver === name && one.note === null);
  return Promise.all(
    built.map(async ({ key, integration }) => {
      const message = testMessage({
        notificationId: createId('ntf', atMs, random),
        receiver: name,
        receiverLabels: receiver.labels,
        externalUrl: externalUrl(),
        by,
        atMs,
      });
      const controller = new AbortController();
      const deadline = clock.after(integration.timeoutMs, () => controller.abort());
      const delivery = await integration.send(message, { signal: controller.signal, memory: null });
      deadline.cancel();
      return { key, delivery };
    }),
  );
}
