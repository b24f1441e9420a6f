import { describe, expect, it } from 'vitest';
import { createSeededRandom, silentLogger, VirtualClock } from '#telemetry';
import type { ReceiverTest } from '../notification-parts.ts';
import { prepareNotification } from '../prepare-notification.ts';
import { readConfigurationFile } from '../read-configuration-file.ts';
import type { RunningIntegration } from '../outbox/running-integration.ts';
import { createCheckedNetwork } from './http/checked-lookup.ts';
import type { HttpRequest } from './http/http-client.ts';
import type { Delivery, Integration } from './integration.ts';
import { NO_SILENCES_FOUND } from '../silences/silences.test-support.ts';
import { testReceiver } from './test-receiver.ts';

const CONFIGURATION = `
route: { receiver: team }
receivers:
  - name: team
    webhook_configs: [{ url: 'http://team.test' }]
    sns_configs: [{ topic_arn: a, sigv4: { region: b } }]
  - name: cloud
    sns_configs: [{ topic_arn: a, sigv4: { region: b } }]
  - { name: hook, webhook_configs: [{ url: 'http://hook.test' }] }
  - { name: ada, webhook_configs: [{ url: 'http://ada.test' }] }
  - { name: infra, x-omoi: { on_call: infra } }
  - { name: nobody }
x-omoi:
  people: { ada: { receiver: ada } }
  on_call: { infra: { layers: [{ people: [ada], rotation: daily, starts_on: 2026-01-01 }] } }
`;

function textOf(body: HttpRequest['body']): string {
  if (body === null || typeof body === 'string') return body ?? '';
  return Buffer.concat(body instanceof Uint8Array ? [body] : body).toString();
}

interface Tested {
  readonly results: readonly ReceiverTest[];
  /** What was sent, as `url: note`. */
  readonly sent: readonly string[];
}

async function tested(name: string, fallback: string): Promise<Tested> {
  const clock = new VirtualClock(Date.parse('2026-12-01T19:00:00Z'));
  const sent: string[] = [];
  const nowhere = () => Promise.reject(new Error('no file and no network'));
  const configuration = await readConfigurationFile(
    { name: 'alertmanager.yml', text: `${CONFIGURATION}${fallback}`, directory: '/' },
    { files: { list: () => Promise.resolve([]), read: nowhere } },
  );
  const { integrations, routing } = prepareNotification(configuration, {
    logger: silentLogger,
    toolsOf: () => ({
      clock,
      random: createSeededRandom(3),
      http: {
        request({ url, body }) {
          const { note } = JSON.parse(textOf(body)) as { note: string };
          sent.push(`${url}: ${note}`);
          const withoutSecrets = (text: string): string => text;
          return Promise.resolve({ status: 200, headers: {}, body: '', isCut: false, withoutSecrets });
        },
      },
      network: createCheckedNetwork([], nowhere),
      readSecret: nowhere,
    }),
    maintenanceOf: () => null,
    silences: NO_SILENCES_FOUND,
    overrides: { at: () => null, list: () => [] },
    clock,
  });
  const results = await testReceiver(name, 'ann', {
    clock,
    random: createSeededRandom(3),
    externalUrl: () => 'http://omoi.test',
    receivers: configuration.receivers,
    integrations,
    integrationsOf: (receiver) => routing.integrationsOf(receiver),
  });
  return { results, sent: sent.toSorted() };
}

const FALLBACK = '  fallback_receiver: hook\n';

it.each<[string, string, string, readonly string[], readonly string[]]>([
  [
    'an integration that is not built: by the fallback receiver, which is told why',
    'cloud',
    FALLBACK,
    ['cloud/sns/0>hook/webhook/0: delivered'],
    ['http://hook.test: This is a test. This is for cloud/sns/0, which Omoi does not send to yet.'],
  ],
  [
    'one of several that is not built: the others, and the fallback receiver',
    'team',
    FALLBACK,
    ['team/webhook/0: delivered', 'team/sns/0>hook/webhook/0: delivered'],
    [
      'http://hook.test: This is a test. This is for team/sns/0, which Omoi does not send to yet.',
      'http://team.test: This is a test.',
    ],
  ],
  ['without a fallback receiver: nothing is sent', 'cloud', '', ['cloud/sns/0: not_sent'], []],
  [
    'with one that has no integration: nothing is sent',
    'cloud',
    '  fallback_receiver: nobody\n',
    ['cloud/sns/0: not_sent'],
    [],
  ],
  [
    'one that names a schedule: whoever is on call',
    'infra',
    '',
    ['ada/webhook/0: delivered'],
    ['http://ada.test: This is a test.'],
  ],
  ['one without integrations', 'nobody', '', [], []],
])('%s', async (_what, name, fallback, outcomes, expected) => {
  const { results, sent } = await tested(name, fallback);
  expect(results.map(({ key, delivery }) => `${key}: ${delivery.outcome}`)).toEqual(outcomes);
  expect(sent).toEqual(expected);
});

it('what is not sent says where it goes', async () => {
  const { results: unnamed } = await tested('cloud', '');
  expect(unnamed[0]?.delivery).toMatchObject({
    reason:
      'Omoi does not send to sns yet, and no x-omoi.fallback_receiver is named: what is for it goes to the dashboard and the log',
  });
  const { results: empty } = await tested('cloud', '  fallback_receiver: nobody\n');
  expect(empty[0]?.delivery).toMatchObject({
    reason: expect.stringContaining('x-omoi.fallback_receiver has no integration') as string,
  });
});

describe('an integration to which each group is an incident', () => {
  const MESSAGES = { delivered: 'HTTP 202', failed: 'HTTP 500: no' };

  async function outcomeOf(...answers: readonly (keyof typeof MESSAGES)[]) {
    const told: (readonly [string, string, unknown])[] = [];
    const incidents: Integration = {
      type: 'pagerduty',
      index: 0,
      sendResolved: false,
      maxAlerts: 500,
      timeoutMs: 30_000,
      opensIncidents: true,
      send(message, { memory }) {
        const outcome = answers[told.length] ?? 'failed';
        told.push([message.alerts[0]?.status ?? '', message.groupKey, memory]);
        return Promise.resolve<Delivery>(
          outcome === 'delivered'
            ? { outcome, answer: MESSAGES.delivered, memory: { issue: '7' } }
            : {
                outcome,
                failure: 'serverError',
                reason: MESSAGES.failed,
                retryable: true,
                retryAfterMs: null,
              },
        );
      },
    };
    const { receivers } = await readConfigurationFile(
      { name: 'alertmanager.yml', text: CONFIGURATION, directory: '/' },
      { files: { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no file')) } },
    );
    const integrations: readonly RunningIntegration[] = [
      {
        key: 'hook/pagerduty/0',
        receiver: 'hook',
        note: null,
        rateLimit: null,
        integration: incidents,
        settings: null,
      },
    ];
    const [result] = await testReceiver('hook', 'ann', {
      clock: new VirtualClock(1_000),
      random: createSeededRandom(3),
      externalUrl: () => 'http://omoi.test',
      receivers,
      integrations,
      integrationsOf: () => [],
    });
    return { told, delivery: result?.delivery };
  }

  it('hears of the end of the test, whatever send_resolved says', async () => {
    const { told, delivery } = await outcomeOf('delivered', 'delivered');
    expect(told.map(([status, , memory]) => [status, memory])).toEqual([
      ['firing', null],
      ['resolved', { issue: '7' }],
    ]);
    expect(told[0]?.[1]).toBe(told[1]?.[1]);
    expect(delivery).toMatchObject({
      outcome: 'delivered',
      answer: 'test incident opened (HTTP 202), then resolved (HTTP 202)',
    });
  });

  it('is asked to be closed by hand where it does not take the end', async () => {
    const { delivery } = await outcomeOf('delivered', 'failed');
    expect(delivery).toMatchObject({
      outcome: 'failed',
      reason: 'test incident opened (HTTP 202), its end was not taken, close it by hand: HTTP 500: no',
    });
  });

  it('hears of no end where it has not taken the test', async () => {
    const { told, delivery } = await outcomeOf('failed');
    expect(told).toHaveLength(1);
    expect(delivery).toMatchObject({ outcome: 'failed', reason: MESSAGES.failed });
  });
});
