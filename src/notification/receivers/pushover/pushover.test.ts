import { describe, expect, it } from 'vitest';
import { namingTemplates, resolvedMessage } from '../message.test-support.ts';
import { refusalsOf, stageReceiver, type ReceiverStage } from '../receiver-stage.test-support.ts';
import { createPushoverReceiver, pushoverReceiver } from './pushover.ts';

const minimal = { token: 'app-1', user_key: 'user-1' };

describe('pushover', () => {
  const stage: ReceiverStage = stageReceiver(
    createPushoverReceiver(() => stage.server.addressAs()),
    () => minimal,
  );
  const { server, send } = stage;
  const parameters = () => Object.fromEntries(new URLSearchParams(server.received[0]?.body ?? ''));

  it('sends a message, with nothing secret in its address', async () => {
    await send({
      settings: { priority: '{{ .Status }}', device: 'phone', sound: 'siren', url_title: 'Omoi' },
    });
    expect(server.received[0]?.path).toBe('/');
    expect(parameters()).toEqual({
      token: 'app-1',
      user: 'user-1',
      title: 'pushover.default.title:firing',
      message: 'pushover.default.message:firing',
      url: 'pushover.default.url:firing',
      url_title: 'Omoi',
      priority: 'firing',
      retry: '60',
      expire: '3600',
      device: 'phone',
      sound: 'siren',
    });
  });

  it.each([
    ['title', 251, { title: `${'x'.repeat(249)}…` }],
    ['message', 1_025, { message: `${'x'.repeat(1_023)}…` }],
    ['url', 513, { url: `${'x'.repeat(511)}…` }],
    ['url_title', 101, { url_title: `${'x'.repeat(99)}…` }],
  ])('cuts a %s of %i characters', async (key, length, expected) => {
    await send({ settings: { [key]: 'x'.repeat(length) } });
    expect(parameters()).toMatchObject(expected);
  });

  it.each([
    ['title', 250],
    ['message', 1_024],
    ['url', 512],
    ['url_title', 100],
  ])('sends a %s of %i characters whole', async (key, length) => {
    await send({ settings: { [key]: 'x'.repeat(length) } });
    expect(parameters()).toMatchObject({ [key]: 'x'.repeat(length) });
  });

  it('closes the tags of a message that it cuts', async () => {
    const templates = { ...namingTemplates, html: async () => `<b>${'&amp;'.repeat(500)}</b>` };
    await send({ settings: { html: true }, templates });
    const { message = '', html } = parameters();
    expect(html).toBe('1');
    expect(message).toMatch(/^<b>(&amp;)+…<\/b>$/);
    expect(message.length).toBeLessThanOrEqual(1_024);
  });

  it.each([
    [{ monospace: true }, { monospace: '1' }],
    [{ ttl: '1m30s' }, { ttl: '90' }],
    [
      { retry: '5m', expire: '2h' },
      { retry: '300', expire: '7200' },
    ],
    [{ message: ' \n' }, { message: '(no details)' }],
  ])('with %j says so', async (settings, expected) => {
    await send({ settings, message: resolvedMessage() });
    expect(parameters()).toMatchObject(expected);
  });

  it('takes token and user from files', async () => {
    const settings = { token: null, token_file: '/token', user_key: null, user_key_file: '/user' };
    await send({ settings, files: { '/token': 't\n', '/user': 'u\n' } });
    expect(parameters()).toMatchObject({ token: 't', user: 'u' });
  });

  it('tells what is wrong', async () => {
    server.reaction = () => ({ status: 400, body: '{"status":0,"errors":["application token is invalid"]}' });
    expect(await send()).toMatchObject({ reason: 'HTTP 400: application token is invalid' });
  });

  it.each([
    [{ token: '' }, ['one of token or token_file must be configured']],
    [{ token_file: '/t' }, ['at most one of token & token_file must be configured']],
    [{ user_key: null }, ['one of user_key or user_key_file must be configured']],
    [{ user_key_file: '/u' }, ['at most one of user_key & user_key_file must be configured']],
    [{ html: true, monospace: true }, ['at most one of monospace & html must be configured']],
  ])('refuses %j', (settings, messages) => {
    expect(refusalsOf(pushoverReceiver, { ...minimal, ...settings })).toEqual(messages);
  });
});
