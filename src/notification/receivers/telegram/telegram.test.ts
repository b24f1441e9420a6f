import { beforeEach, describe, expect, it } from 'vitest';
import type { MessageTemplates } from '../../templates/message-templates.ts';
import { exampleGlobal, namingTemplates } from '../message.test-support.ts';
import { refusalsOf, stageReceiver } from '../receiver-stage.test-support.ts';
import { telegramReceiver } from './telegram.ts';

const minimal = { bot_token: '123:SECRET-token', chat_id: -100 };

const taken = () => ({ body: JSON.stringify({ ok: true, result: {} }) });

describe('telegram', () => {
  const { server, send, sent } = stageReceiver(telegramReceiver, (address) => ({
    api_url: `${address}/`,
    ...minimal,
  }));

  beforeEach(() => {
    server.reaction = taken;
  });

  const saying = (text: string): MessageTemplates => ({
    ...namingTemplates,
    text: async () => text,
    html: async () => text,
  });

  it('sends a message to a topic, silently', async () => {
    const settings = { message_thread_id: 7, disable_notifications: true };
    expect(await send({ settings })).toMatchObject({ outcome: 'delivered' });
    expect(server.received[0]?.path).toBe('/bot123:SECRET-token/sendMessage');
    expect(sent()).toEqual([
      {
        chat_id: -100,
        message_thread_id: 7,
        text: 'telegram.default.message:firing',
        parse_mode: 'HTML',
        disable_notification: true,
        link_preview_options: { is_disabled: true },
      },
    ]);
  });

  it('takes token and chat from files', async () => {
    const settings = { bot_token: null, bot_token_file: '/token', chat_id: 0, chat_id_file: '/chat' };
    await send({ settings, files: { '/token': '9:from-file\n', '/chat': '-42\n' } });
    expect(server.received[0]?.path).toBe('/bot9:from-file/sendMessage');
    expect(sent()).toMatchObject([{ chat_id: -42 }]);
    expect(await send({ settings, files: { '/token': '9:x', '/chat': '@ops' } })).toMatchObject({
      failure: 'clientError',
      retryable: false,
      reason: 'chat_id_file /chat does not hold the number of a chat',
    });
  });

  it.each([
    ['HTML', `<b>${'x'.repeat(5_000)}</b>`, `<b>${'x'.repeat(4_095)}…</b>`, 'HTML'],
    ['HTML', `<b>${'x'.repeat(4_096)}</b>`, `<b>${'x'.repeat(4_096)}</b>`, 'HTML'],
    ['MarkdownV2', `${'x'.repeat(4_000)}*${'y'.repeat(200)}*`, `${'x'.repeat(4_000)}…`, 'MarkdownV2'],
    ['MarkdownV2', `*${'y'.repeat(5_000)}*`, `*${'y'.repeat(4_094)}…`, undefined],
    ['Markdown', 'short _words_', 'short _words_', 'Markdown'],
    ['', `<b>${'x'.repeat(5_000)}`, `<b>${'x'.repeat(4_092)}…`, undefined],
    ['', `${'x'.repeat(4_094)}😀x`, `${'x'.repeat(4_094)}…`, undefined],
  ])('keeps to what Telegram shows, as %j', async (mode, text, expected, parseMode) => {
    await send({ settings: { parse_mode: mode }, templates: saying(text) });
    expect(sent()).toMatchObject([{ text: expected }]);
    expect(sent()[0]?.['parse_mode']).toBe(parseMode);
  });

  it.each([
    ['HTML', '<b>a &lt; b</b> & <i>c</i>', 'a < b & c'],
    ['MarkdownV2', 'a_b', 'a_b'],
  ])('sends %s that Telegram cannot read as plain text', async (mode, text, plain) => {
    const refused = {
      ok: false,
      error_code: 400,
      description: "Bad Request: can't parse entities: byte offset 1",
    };
    server.reaction = ({ body }) =>
      body.includes('parse_mode') ? { status: 400, body: JSON.stringify(refused) } : taken();
    expect(await send({ settings: { parse_mode: mode }, templates: saying(text) })).toMatchObject({
      outcome: 'delivered',
    });
    expect(sent().map((each) => each['text'])).toEqual([text, plain]);
  });

  it.each([
    [
      429,
      { description: 'Too Many Requests: retry after 35', parameters: { retry_after: 35 } },
      'rateLimited',
      true,
      35_000,
    ],
    [400, { description: 'Bad Request: chat not found' }, 'clientError', false, null],
    [401, { description: 'Unauthorized' }, 'authError', false, null],
    [403, { description: 'Forbidden: bot was kicked from the group chat' }, 'authError', false, null],
    [502, { description: 'Bad Gateway' }, 'serverError', true, null],
  ])('judges an answer of %i', async (status, said, failure, retryable, retryAfterMs) => {
    server.reaction = () => ({ status, body: JSON.stringify({ ok: false, error_code: status, ...said }) });
    expect(await send()).toEqual({
      outcome: 'failed',
      failure,
      retryable,
      retryAfterMs,
      reason: `HTTP ${status}: ${said.description}`,
    });
    expect(server.received).toHaveLength(1);
  });

  it('names the chat that a group has become', async () => {
    const description = 'Bad Request: group chat was upgraded to a supergroup chat';
    const parameters = { migrate_to_chat_id: -1_001_234_567_890 };
    server.reaction = () => ({ status: 400, body: JSON.stringify({ ok: false, description, parameters }) });
    expect(await send()).toMatchObject({
      failure: 'clientError',
      reason: `HTTP 400: ${description}; write chat_id: -1001234567890`,
    });
  });

  it.each([
    [{ bot_token_file: '/token' }, 'at most one of bot_token & bot_token_file must be configured'],
    [{ chat_id: 0 }, 'missing chat_id or chat_id_file on telegram_config'],
    [{ chat_id_file: '/chat' }, 'at most one of chat_id & chat_id_file must be configured'],
    [
      { parse_mode: 'html' },
      'unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string',
    ],
  ])('refuses %j', (settings, message) => {
    expect(refusalsOf(telegramReceiver, { ...minimal, ...settings })).toEqual([message]);
  });

  it('takes address and token from the global block', () => {
    const settings = telegramReceiver.settings.parse({ chat_id: 1 });
    expect(telegramReceiver.complete(settings, exampleGlobal())).toEqual({
      problems: [{ path: [], message: 'missing bot_token or bot_token_file on telegram_config' }],
    });
    const global = exampleGlobal({
      telegram_bot_token_file: '/token',
      telegram_api_url: 'https://bots.example.org',
    });
    expect(telegramReceiver.complete(settings, global)).toMatchObject({
      settings: { api_url: 'https://bots.example.org', bot_token: null, bot_token_file: '/token' },
    });
    const own = telegramReceiver.settings.parse(minimal);
    expect(telegramReceiver.complete(own, global)).toMatchObject({
      settings: { bot_token: '123:SECRET-token', bot_token_file: null },
    });
  });

  it.each([
    ['HTML', true],
    ['MarkdownV2', false],
  ])('checks its template as %s', (parse_mode, isHtml) => {
    const settings = telegramReceiver.settings.parse({ ...minimal, message: 'm', parse_mode });
    expect(telegramReceiver.templatedFields(settings)).toEqual([{ path: ['message'], text: 'm', isHtml }]);
  });

  it('asks for nothing where a template fails', async () => {
    expect(await send({ settings: { message: '{{ fail }}' } })).toMatchObject({ failure: 'template' });
    expect(server.received).toEqual([]);
  });
});
