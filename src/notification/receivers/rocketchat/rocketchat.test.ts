import { beforeEach, describe, expect, it } from 'vitest';
import { exampleAlert, exampleGlobal, exampleMessage } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { rocketchatReceiver } from './rocketchat.ts';

const minimal = { token: 'the token', token_id: 'the user' };

describe('rocketchat', () => {
  const { server, send, sent } = stageReceiver(rocketchatReceiver, (address) => ({
    api_url: `${address}/`,
    ...minimal,
  }));

  beforeEach(() => {
    server.reaction = () => ({ body: '{"success":true}' });
  });

  it('posts a message', async () => {
    const settings = {
      channel: '#{{ .CommonLabels.agent_id }}',
      color: 'red',
      fields: [
        { title: 'a', value: 'A' },
        { title: 'b', value: 'B', short: false },
      ],
      short_fields: true,
      actions: [
        { text: 'Look', url: 'https://example.org' },
        { text: 'Say', msg: 'ack' },
      ],
    };
    expect(await send({ settings })).toMatchObject({ outcome: 'delivered' });
    expect(server.received[0]).toMatchObject({
      path: '/api/v1/chat.postMessage',
      headers: { 'x-auth-token': 'the token', 'x-user-id': 'the user' },
    });
    const button = { type: 'button', is_webview: false, msg_in_chat_window: false };
    expect(sent()).toEqual([
      {
        channel: '#w-1',
        emoji: 'rocketchat.default.emoji:firing',
        avatar: 'rocketchat.default.iconurl:firing',
        attachments: [
          {
            title: 'rocketchat.default.title:firing',
            title_link: 'rocketchat.default.titlelink:firing',
            text: 'rocketchat.default.text:firing',
            color: 'red',
            fields: [
              { short: true, title: 'a', value: 'A' },
              { short: false, title: 'b', value: 'B' },
            ],
            actions: [
              { ...button, text: 'Look', url: 'https://example.org' },
              { ...button, text: 'Say', msg: 'ack' },
            ],
          },
        ],
      },
    ]);
  });

  it.each([
    ['{"success":false,"error":"no such channel"}', 'clientError', false, 'HTTP 200: no such channel'],
    [
      '<html>login</html>',
      'serverError',
      true,
      'the answer is none of Rocket.Chat; is api_url the address of its server?',
    ],
  ])('is not fooled by a 200 that says %s', async (body, failure, retryable, reason) => {
    server.reaction = () => ({ body });
    expect(await send()).toMatchObject({ outcome: 'failed', failure, retryable, reason });
  });

  it('sends a text whole, and 5,000 characters of one alert where the server takes no more', async () => {
    const longest = 'ä'.repeat(5_001);
    const isTooLong = (body: string): boolean => body.includes(longest);
    const body = '{"success":false,"error":"Message size exceeds [error-message-size-exceeded]"}';
    const settings = { text: longest, fields: [{ title: 'a', value: longest }] };
    expect(await send({ settings })).toMatchObject({ outcome: 'delivered' });
    expect(sent()).toMatchObject([{ attachments: [{ text: longest, fields: [{ value: longest }] }] }]);
    server.reset();
    for (const status of [200, 400]) {
      server.reset();
      server.reaction = (request) =>
        isTooLong(request.body) ? { status, body } : { body: '{"success":true}' };
      expect(await send({ settings })).toMatchObject({ outcome: 'delivered' });
      const cut = `${'ä'.repeat(4_999)}…`;
      expect(sent()).toMatchObject([{}, { attachments: [{ text: cut, fields: [{ value: cut }] }] }]);
      const alerts = [exampleAlert(), exampleAlert({ alertId: 'alrt_2' })];
      const refused = await send({ settings, message: exampleMessage({ alerts }) });
      expect(refused).toMatchObject({ retryable: false, isTooLong: true });
    }
  });

  it('takes token and user from files', async () => {
    const settings = { token: null, token_file: '/token', token_id: null, token_id_file: '/user' };
    await send({ settings, files: { '/token': 't\n', '/user': 'u\n' } });
    expect(server.received[0]?.headers).toMatchObject({ 'x-auth-token': 't', 'x-user-id': 'u' });
  });

  it.each([
    [{ token_file: '/t' }, 'at most one of token & token_file must be configured'],
    [{ token_id_file: '/u' }, 'at most one of token_id & token_id_file must be configured'],
  ])('refuses %j', (settings, message) => {
    expect(refusalsOf(rocketchatReceiver, { ...minimal, ...settings })).toEqual([message]);
  });

  it('takes what is missing from the global block, and names what is missing there', () => {
    const settings = rocketchatReceiver.settings.parse({});
    expect(settings.send_resolved).toBe(false);
    expect(rocketchatReceiver.complete(settings, exampleGlobal())).toEqual({
      problems: [
        { path: [], message: 'no global Rocketchat TokenID set either inline or in a file' },
        { path: [], message: 'no global Rocketchat Token set either inline or in a file' },
      ],
    });
    const global = exampleGlobal({ rocketchat_token: 't', rocketchat_token_id_file: '/user' });
    expect(rocketchatReceiver.complete(settings, global)).toMatchObject({
      settings: { api_url: 'https://open.rocket.chat/', token: 't', token_id: null, token_id_file: '/user' },
    });
  });

  it('names each field that is a template', () => {
    const settings = rocketchatReceiver.settings.parse({
      fields: [{ title: 't', value: 'v' }],
      actions: [{ text: 'a' }],
    });
    const paths = rocketchatReceiver.templatedFields(settings).map(({ path }) => path.join('.'));
    expect(paths).toEqual(
      expect.arrayContaining(['channel', 'text', 'fields.0.title', 'fields.0.value', 'actions.0.msg']),
    );
  });
});
