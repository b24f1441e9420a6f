import { describe, expect, it } from 'vitest';
import type { Message } from '../message.ts';
import { failed } from '../notification.test-support.ts';
import { attempt } from '../receivers/answers.ts';
import type { Delivery } from '../receivers/integration.ts';
import { alertWith, messageWith, templatesOf } from '../templates/message.test-support.ts';
import { sendWithFewerAlerts } from './shortened-delivery.ts';

/** As the rules of Kubernetes write them: two and a half thousand characters each, with their links. */
const long = messageWith({
  alerts: Array.from({ length: 500 }, (_, place) =>
    alertWith({
      alertId: `alrt_${place}`,
      labels: {
        alertname: 'KubePodCrashLooping',
        severity: 'critical',
        pod: `a-pod-${place}-${'p'.repeat(150)}`,
      },
      annotations: { summary: 'A pod is crash looping', description: 'd'.repeat(1500) },
      generatorUrl: `https://prometheus.example/graph?g0.expr=${'e'.repeat(600)}`,
    }),
  ),
  truncatedAlerts: 100,
});

const options = {
  signal: new AbortController().signal,
  memory: null,
  acknowledgeFirst: (alerts: number) => `link to ${alerts}`,
};

function receiver(answerOf: (message: Message) => Delivery) {
  const sizes: number[] = [];
  const send = (message: Message): Promise<Delivery> =>
    attempt(() => {
      sizes.push(message.alerts.length);
      expect(message.alerts.length + message.truncatedAlerts).toBe(600);
      return Promise.resolve(answerOf(message));
    });
  return { sizes, send };
}

const taken: Delivery = { outcome: 'delivered', answer: 'HTTP 200' };
const tooLong = failed('clientError', { retryable: false, isTooLong: true });

describe('a message that is too long', () => {
  it.each(['email.default.html', 'telegram.default.message', 'pagerduty.default.instances'])(
    'for %s is told with fewer alerts, the first of them',
    async (name) => {
      const templates = templatesOf();
      const field = name.startsWith('pagerduty') ? '.Alerts.Firing' : '.';
      const { sizes, send } = receiver((message) => {
        expect(templates.html(`{{ template "${name}" ${field} }}`, message)).toContain('a-pod-0-');
        return taken;
      });
      expect(await sendWithFewerAlerts({ send }, long, options)).toEqual({
        outcome: 'delivered',
        answer: 'HTTP 200; it names 125 alerts, with more it is too long',
      });
      expect(sizes).toEqual([500, 125]);
    },
  );

  it('for its receiver is told with as few as it takes, and links to these', async () => {
    const links: (string | null)[] = [];
    const { sizes, send } = receiver(({ alerts, acknowledgeAll }) => {
      links.push(acknowledgeAll);
      return alerts.length > 7 ? tooLong : taken;
    });
    expect(await sendWithFewerAlerts({ send }, long, options)).toMatchObject({ outcome: 'delivered' });
    expect(sizes).toEqual([500, 125, 32, 8, 2]);
    expect(links).toEqual([long.acknowledgeAll, 'link to 125', 'link to 32', 'link to 8', 'link to 2']);
  });

  it('with one alert is too long for good', async () => {
    const { sizes, send } = receiver(() => tooLong);
    expect(await sendWithFewerAlerts({ send }, long, options)).toEqual(tooLong);
    expect(sizes).toEqual([500, 125, 32, 8, 2, 1]);
  });
});

it('a message that is refused for another reason is sent once', async () => {
  const refused = failed('clientError', { retryable: false });
  const { sizes, send } = receiver(() => refused);
  expect(await sendWithFewerAlerts({ send }, long, options)).toEqual(refused);
  expect(sizes).toEqual([500]);
});
