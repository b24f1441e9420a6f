import { describe, expect, it } from 'vitest';
import { exampleGlobal } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { maxMessageBytes, webexReceiver } from './webex.ts';

const minimal = { room_id: 'room', http_config: { authorization: { credentials: 'token' } } };

describe('webex', () => {
  const { server, send, sent } = stageReceiver(webexReceiver, (address) => ({
    api_url: address,
    ...minimal,
  }));

  it('sends a message to a room', async () => {
    await send({ settings: { room_id: 'room-{{ .CommonLabels.agent_id }}' } });
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'Bearer token' });
    expect(sent()).toEqual([{ markdown: 'webex.default.message:firing', roomId: 'room-w-1' }]);
  });

  it(`cuts a message of more than ${maxMessageBytes} bytes`, async () => {
    await send({ settings: { message: 'a'.repeat(maxMessageBytes) } });
    await send({ settings: { message: 'a'.repeat(maxMessageBytes + 1) } });
    await send({ settings: { message: 'ä'.repeat(4_000) } });
    expect(sent()).toMatchObject([
      { markdown: 'a'.repeat(maxMessageBytes) },
      { markdown: `${'a'.repeat(maxMessageBytes - 3)}…` },
      { markdown: `${'ä'.repeat(3_718)}…` },
    ]);
    expect(maxMessageBytes).toBe(7_439);
  });

  it.each([
    [{ room_id: '' }, ['missing room_id on webex_config']],
    [{ http_config: null }, ['missing webex_configs.http_config.authorization']],
    [{ http_config: { basic_auth: { username: 'a' } } }, ['missing webex_configs.http_config.authorization']],
  ])('refuses %j', (settings, messages) => {
    expect(refusalsOf(webexReceiver, { ...minimal, ...settings })).toEqual(messages);
  });

  it('takes its address from the global block', () => {
    const settings = webexReceiver.settings.parse(minimal);
    expect(webexReceiver.complete(settings, exampleGlobal())).toMatchObject({
      settings: { api_url: 'https://webexapis.com/v1/messages' },
    });
  });
});
