import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Message, NotificationReason } from '../../message.ts';
import type { Delivery, ReceiverMemory } from '../integration.ts';
import { exampleMessage, resolvedMessage } from '../message.test-support.ts';
import { createIntegration, loopbackClient } from '../receiver-conformance.test-support.ts';
import { ReceiverServer, type Reply } from '../receiver-server.test-support.ts';
import { slackReceiver } from './slack-receiver.ts';

const server = new ReceiverServer();
const http = loopbackClient();

beforeAll(async () => {
  await server.open();
});
beforeEach(() => server.reset());
afterAll(async () => {
  http.close();
  await server.close();
});

const json = (body: object, status = 200): Reply => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body),
});

/** Slack, as far as these calls go. */
class SlackApi {
  #count = 0;
  readonly deleted = new Set<string>();

  readonly reaction = ({ path, body }: { readonly path: string; readonly body: string }): Reply => {
    const { ts, channel } = JSON.parse(body) as { readonly ts?: string; readonly channel?: string };
    if (path === '/api/chat.update') {
      if (ts === undefined || this.deleted.has(ts)) return json({ ok: false, error: 'message_not_found' });
      return json({ ok: true, channel, ts });
    }
    return json({ ok: true, channel: 'C1', ts: `17.${++this.#count}` });
  };
}

function integrationWith(written: Readonly<Record<string, unknown>>) {
  return createIntegration({ kind: slackReceiver }, { written, http });
}

function withToken(written: Readonly<Record<string, unknown>> = {}) {
  const app_url = `${server.addressAs()}/api/chat.postMessage`;
  return integrationWith({ app_token: 'xoxb-1', app_url, channel: '#alerts', ...written });
}

async function send(
  integration: ReturnType<typeof integrationWith>,
  message: Message,
  memory: ReceiverMemory | null = null,
): Promise<Delivery> {
  return await integration.send(message, { signal: new AbortController().signal, memory });
}

function memoryOf(delivery: Delivery): ReceiverMemory | null {
  expect(delivery.outcome).toBe('delivered');
  return delivery.outcome === 'delivered' ? (delivery.memory ?? null) : null;
}

function calls(): readonly Readonly<Record<string, unknown>>[] {
  return server.received.map(({ path, body }) => ({ path, ...(JSON.parse(body) as object) }));
}

const because = (reason: NotificationReason): Message => exampleMessage({ reason });

describe('by a webhook', () => {
  it('each message is one of its own', async () => {
    server.reaction = () => ({ body: 'ok' });
    const slack = integrationWith({
      api_url: `${server.addressAs()}/services/T/B/x`,
      channel: '#{{ .CommonLabels.severity }}',
    });
    const delivery = await send(slack, exampleMessage());
    expect(delivery).toEqual({ outcome: 'delivered', answer: 'HTTP 200' });
    await send(slack, because('new_alerts'), { channel: 'C1', ts: '17.1' });
    expect(calls()).toMatchObject([
      { path: '/services/T/B/x', channel: '#critical' },
      { path: '/services/T/B/x' },
    ]);
  });

  it('sends what Alertmanager sends', async () => {
    server.reaction = () => ({ body: 'ok' });
    const slack = integrationWith({
      api_url: `${server.addressAs()}/x`,
      username: '',
      icon_emoji: '',
      icon_url: '',
      pretext: '',
      color: '{{ .Status }}',
      title: 'a'.repeat(2000),
      title_link: '',
      message_text: 'Hello',
      link_names: true,
      short_fields: true,
      fields: [
        { title: 'Severity', value: '{{ .CommonLabels.severity }}' },
        { title: 'Long', value: 'x', short: false },
      ],
      actions: [
        {
          type: 'button',
          text: 'Open',
          url: 'https://example.com',
          name: 'ignored',
          confirm: { text: 'ignored' },
        },
        { type: 'button', text: 'Do', name: 'n', value: 'v', confirm: { text: 'Sure?', ok_text: 'Yes' } },
      ],
    });
    await send(slack, exampleMessage());
    expect(calls()).toEqual([
      {
        path: '/x',
        text: 'Hello',
        link_names: true,
        attachments: [
          {
            title: `${'a'.repeat(1023)}…`,
            text: 'slack.default.text:firing',
            fallback: 'slack.default.fallback:firing',
            callback_id: 'slack.default.callbackid:firing',
            footer: 'slack.default.footer:firing',
            color: 'firing',
            mrkdwn_in: ['fallback', 'pretext', 'text'],
            fields: [
              { title: 'Severity', value: 'critical', short: true },
              { title: 'Long', value: 'x', short: false },
            ],
            actions: [
              { type: 'button', text: 'Open', url: 'https://example.com' },
              {
                type: 'button',
                text: 'Do',
                name: 'n',
                value: 'v',
                confirm: { text: 'Sure?', ok_text: 'Yes' },
              },
            ],
          },
        ],
      },
    ]);
  });
});

it('cuts the text of its attachment, and of a field, where Slack would not take them', async () => {
  server.reaction = () => ({ body: 'ok' });
  const sentWith = async (characters: number): Promise<unknown> => {
    server.reset();
    server.reaction = () => ({ body: 'ok' });
    const text = 'ä'.repeat(characters);
    const fields = [{ title: 'T', value: text }];
    await send(integrationWith({ api_url: `${server.addressAs()}/x`, text, fields }), exampleMessage());
    const [call] = calls() as readonly { readonly attachments: readonly object[] }[];
    return call?.attachments[0];
  };
  const longest = 'ä'.repeat(40_000);
  const cut = `${'ä'.repeat(39_999)}…`;
  expect(await sentWith(40_000)).toMatchObject({ text: longest, fields: [{ value: longest }] });
  expect(await sentWith(40_001)).toMatchObject({ text: cut, fields: [{ value: cut }] });
});

describe('with a token', () => {
  it('an episode is one message, edited as it changes, with its history in the thread', async () => {
    server.reaction = new SlackApi().reaction;
    const slack = withToken();
    const first = memoryOf(await send(slack, exampleMessage()));
    expect(first).toEqual({ channel: 'C1', ts: '17.1' });
    const second = memoryOf(await send(slack, because('new_alerts'), first));
    const ended = memoryOf(await send(slack, resolvedMessage(), second));
    expect(ended).toEqual({ channel: 'C1', ts: '17.1', ended: 'true' });
    expect(server.received[0]?.headers['authorization']).toBe('Bearer xoxb-1');
    expect(calls()).toMatchObject([
      { path: '/api/chat.postMessage', channel: '#alerts' },
      { path: '/api/chat.update', channel: 'C1', ts: '17.1' },
      {
        path: '/api/chat.postMessage',
        channel: 'C1',
        thread_ts: '17.1',
        text: 'new alerts added: slack.default.title:firing',
        // An edit tells nobody.
        reply_broadcast: true,
      },
      { path: '/api/chat.update', channel: 'C1', ts: '17.1' },
      { thread_ts: '17.1', text: 'all alerts resolved: slack.default.title:resolved' },
    ]);
    expect(calls()[4]).not.toHaveProperty('reply_broadcast');
    // The next episode is a message of its own.
    expect(memoryOf(await send(slack, exampleMessage(), ended))).toEqual({ channel: 'C1', ts: '17.4' });
    expect(memoryOf(await send(slack, because('new_alerts'), ended))).toEqual({ channel: 'C1', ts: '17.5' });
  });

  it.each<[NotificationReason, boolean]>([
    ['new_alerts', true],
    ['repeat', true],
    ['escalation', true],
    ['not_healed', true],
    ['new_resolved', false],
    ['all_resolved', false],
  ])('%s is seen in the channel: %s', async (reason, isSeen) => {
    server.reaction = new SlackApi().reaction;
    await send(withToken(), because(reason), { channel: 'C1', ts: '17.1' });
    expect(calls()[1]?.['reply_broadcast'] ?? false).toBe(isSeen);
  });

  it('calls nobody by what a label says', async () => {
    server.reaction = new SlackApi().reaction;
    const slack = withToken({ title: '{{ .CommonLabels.team }} <!channel>' });
    await send(slack, because('repeat'), { channel: 'C1', ts: '17.1' });
    const expected = 'repeat interval elapsed: &lt;Ärger&gt; &amp; "Söhne" &lt;!channel&gt;';
    expect(calls()[1]).toMatchObject({ text: expected });
  });

  it('a title in the thread is cut as in the message', async () => {
    server.reaction = new SlackApi().reaction;
    await send(withToken({ title: '&'.repeat(1025) }), because('repeat'), { channel: 'C1', ts: '17.1' });
    expect(calls()[1]).toMatchObject({ text: `repeat interval elapsed: ${'&amp;'.repeat(1023)}…` });
  });

  it('a message that was deleted is followed by another', async () => {
    const api = new SlackApi();
    api.deleted.add('16.1');
    server.reaction = api.reaction;
    const memory = memoryOf(await send(withToken(), because('repeat'), { channel: 'C1', ts: '16.1' }));
    expect(memory).toEqual({ channel: 'C1', ts: '17.1' });
    expect(calls().map(({ path }) => path)).toEqual(['/api/chat.update', '/api/chat.postMessage']);
  });

  it('a thread that fails for now is tried again, one that nobody may write to is told of', async () => {
    let reply: Reply = json({ ok: false, error: 'internal_error' });
    server.reaction = ({ path }) =>
      path === '/api/chat.update' ? json({ ok: true, channel: 'C1', ts: '17.1' }) : reply;
    const memory = { channel: 'C1', ts: '17.1' };
    expect(await send(withToken(), because('repeat'), memory)).toMatchObject({
      failure: 'serverError',
      retryable: true,
    });
    reply = json({ ok: false, error: 'restricted_action' });
    expect(await send(withToken(), because('repeat'), memory)).toEqual({
      outcome: 'delivered',
      answer: 'edited; thread: error response from Slack: restricted_action',
      memory,
    });
  });

  it('each message is one of its own where the configuration says so', async () => {
    server.reaction = new SlackApi().reaction;
    const slack = withToken({ update_message: false });
    const delivery = await send(slack, because('new_alerts'), { channel: 'C1', ts: '17.1' });
    expect(delivery).toEqual({ outcome: 'delivered', answer: 'HTTP 200' });
    expect(calls()).toMatchObject([{ path: '/api/chat.postMessage', channel: '#alerts' }]);
  });
});

describe('an answer', () => {
  it.each<[Reply, object]>([
    [{ body: 'ok' }, { outcome: 'delivered' }],
    [
      { body: 'invalid_payload' },
      { failure: 'clientError', retryable: false, reason: expect.stringContaining('invalid_payload') },
    ],
    [
      { status: 400, body: 'attachment_payload_limit_exceeded' },
      { retryable: false, isTooLong: true },
    ],
    [json({ ok: false, error: 'msg_too_long' }), { retryable: false, isTooLong: true }],
    [json({ ok: false, error: 'channel_not_found' }), { failure: 'clientError', retryable: false }],
    [json({ ok: false, error: 'token_revoked' }), { failure: 'authError', retryable: false }],
    [
      {
        ...json({ ok: false, error: 'ratelimited' }),
        headers: { 'content-type': 'application/json', 'retry-after': '3' },
      },
      { failure: 'rateLimited', retryable: true, retryAfterMs: 3000 },
    ],
    [json({ ok: false, error: 'fatal_error' }), { failure: 'serverError', retryable: true }],
    [
      { headers: { 'content-type': 'application/json' }, body: '{' },
      { failure: 'serverError', retryable: true },
    ],
  ])('%j', async (reply, expected) => {
    server.reaction = () => reply;
    const slack = integrationWith({ api_url: `${server.addressAs()}/x` });
    expect(await send(slack, exampleMessage())).toMatchObject(expected);
  });
});
