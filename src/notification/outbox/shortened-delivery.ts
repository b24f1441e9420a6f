import { nextTurn } from '#telemetry';
import type { Message } from '../message.ts';
import type { Delivery, Integration, SendOptions } from '../receivers/integration.ts';

/** What is too long is told again with this share of its alerts. */
const keptShare = 1 / 4;

export interface ShorteningOptions extends SendOptions {
  /** Where the alerts of the message that it names are acknowledged at once, where it names the first so many of them. */
  readonly acknowledgeFirst: (alerts: number) => Message['acknowledgeAll'];
}

/**
 * Sends a message; where it is too long for its templates, or for its receiver, with fewer alerts, down to one: whoever hears of the
 * first of them, and how many there are, has been told.
 */
export async function sendWithFewerAlerts(
  integration: Pick<Integration, 'send'>,
  message: Message,
  { acknowledgeFirst, ...options }: ShorteningOptions,
): Promise<Delivery> {
  let shortened = message;
  for (;;) {
    const delivery = await integration.send(shortened, options);
    const named = shortened.alerts.length;
    if (delivery.outcome === 'delivered') {
      return named === message.alerts.length
        ? delivery
        : { ...delivery, answer: `${delivery.answer}; it names ${named} alerts, with more it is too long` };
    }
    if (delivery.isTooLong !== true || named <= 1 || options.signal.aborted) return delivery;
    const alerts = shortened.alerts.slice(0, Math.ceil(named * keptShare));
    const truncatedAlerts = shortened.truncatedAlerts + named - alerts.length;
    // Who reads of some acknowledges these, and not those that they were never told of.
    const acknowledgeAll = acknowledgeFirst(alerts.length);
    shortened = { ...shortened, alerts, truncatedAlerts, acknowledgeAll };
    await nextTurn();
  }
}
