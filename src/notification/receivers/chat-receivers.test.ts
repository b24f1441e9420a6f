import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { discordReceiver } from './discord/discord-receiver.ts';
import { exampleMessage, resolvedMessage } from './message.test-support.ts';
import { maxMessageBytes, msteamsv2Receiver } from './msteamsv2/msteamsv2-receiver.ts';
import { createIntegration, loopbackClient } from './receiver-conformance.test-support.ts';
import { ReceiverServer } from './receiver-server.test-support.ts';

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

const options = () => ({ signal: new AbortController().signal, memory: null });
const body = (): unknown => JSON.parse(server.received.at(-1)?.body ?? '');

describe('Discord', () => {
  const discord = (written: object, files: Readonly<Record<string, string>> = {}) =>
    createIntegration(
      { kind: discordReceiver, files },
      { written: { webhook_url: `${server.addressAs()}/api/webhooks/1/x`, ...written }, http },
    );

  it('gets an embed within its limits', async () => {
    const long = 'ü😀'.repeat(4000);
    const integration = discord({
      title: long,
      message: long,
      content: long,
      username: 'Omoi',
      avatar_url: 'https://example.com/a.png',
    });
    await integration.send(exampleMessage(), options());
    const { content, embeds, ...rest } = body() as {
      readonly content: string;
      readonly embeds: readonly {
        readonly title: string;
        readonly description: string;
        readonly color: number;
      }[];
    };
    const lengths = [content, embeds[0]?.title, embeds[0]?.description].map(
      (text) => Array.from(text ?? '').length,
    );
    expect(lengths).toEqual([2000, 256, 4096]);
    expect(embeds[0]?.color).toBe(0x99_2d_22);
    expect(rest).toEqual({ username: 'Omoi', avatar_url: 'https://example.com/a.png' });
  });

  it('is green where all is resolved, and shows no picture without an address', async () => {
    await discord({ avatar_url: 'no address' }).send(resolvedMessage(), options());
    expect(body()).toEqual({
      content: '',
      embeds: [
        {
          title: 'discord.default.title:resolved',
          description: 'discord.default.message:resolved',
          color: 0x2e_cc_71,
        },
      ],
    });
  });

  it('says in its answer when to come again', async () => {
    server.reaction = () => ({
      status: 429,
      headers: { 'content-type': 'application/json', 'retry-after': '65' },
      body: '{"message":"You are being rate limited.","retry_after":64.57,"global":false}',
    });
    const delivery = await discord({}).send(exampleMessage(), options());
    expect(delivery).toMatchObject({ failure: 'rateLimited', retryAfterMs: 64_570 });
  });

  it.each([
    ['?thread_id=7', '?thread_id=7&wait=true'],
    ['?wait=false', '?wait=false'],
  ])('is asked what became of the message, unless its address says otherwise: %s', async (query, asked) => {
    const webhook_url = `${server.addressAs()}/api/webhooks/1/x${query}`;
    await discord({ webhook_url }).send(exampleMessage(), options());
    expect(server.received[0]?.path).toBe(`/api/webhooks/1/x${asked}`);
  });

  it('reads its address from a file', async () => {
    const files = { '/url': `${server.addressAs()}/from/file\n` };
    await discord({ webhook_url: null, webhook_url_file: '/url' }, files).send(exampleMessage(), options());
    expect(server.received[0]?.path).toBe('/from/file?wait=true');
  });

  it('tries again where that file cannot be read', async () => {
    const integration = discord({ webhook_url: null, webhook_url_file: '/gone' });
    expect(await integration.send(exampleMessage(), options())).toMatchObject({
      failure: 'connection',
      retryable: true,
      reason: 'there is no /gone',
    });
  });

  it.each([
    [{}, 'one of webhook_url or webhook_url_file must be configured'],
    [
      { webhook_url: 'https://a.example/x', webhook_url_file: '/f' },
      'at most one of webhook_url & webhook_url_file must be configured',
    ],
  ])('%j is a mistake', (written, message) => {
    for (const { settings } of [discordReceiver, msteamsv2Receiver]) {
      const parsed = settings.safeParse(written);
      expect(parsed.error?.issues.map((issue) => issue.message)).toEqual([message]);
    }
  });
});

describe('Teams', () => {
  const teams = (written: object = {}) =>
    createIntegration(
      { kind: msteamsv2Receiver },
      { written: { webhook_url: `${server.addressAs()}/workflows/1`, ...written }, http },
    );

  it.each([
    ['firing', exampleMessage(), 'Attention'],
    ['resolved', resolvedMessage(), 'Good'],
  ])('gets a card of what is %s', async (status, message, color) => {
    await teams().send(message, options());
    expect(body()).toMatchObject({
      attachments: [
        {
          content: {
            body: [
              { text: `msteamsv2.default.title:${status}`, color },
              { text: `msteamsv2.default.text:${status}` },
            ],
          },
        },
      ],
    });
  });

  it.each(['x', '"', 'ü', '\u0001'])('gets no more than it takes of %j', async (character) => {
    await teams({ title: character.repeat(5000), text: character.repeat(50_000) }).send(
      exampleMessage(),
      options(),
    );
    const bytes = Buffer.byteLength(server.received[0]?.body ?? '');
    expect(bytes).toBeLessThanOrEqual(28_000);
    expect(bytes).toBeGreaterThan(20_000);
  });

  it(`gets a card of ${maxMessageBytes} bytes whole, and a longer one cut`, async () => {
    const sendText = async (length: number) => {
      server.reset();
      await teams({ title: 'T', text: 'x'.repeat(length) }).send(exampleMessage(), options());
      const sent = server.received[0]?.body ?? '';
      return { bytes: Buffer.byteLength(sent), isWhole: sent.includes('x'.repeat(length)) };
    };
    const around = (await sendText(1)).bytes - 1;
    const longest = maxMessageBytes - around;
    expect(await sendText(longest)).toEqual({ bytes: maxMessageBytes, isWhole: true });
    const cut = await sendText(longest + 1);
    expect(cut.isWhole).toBe(false);
    expect(cut.bytes).toBeLessThanOrEqual(maxMessageBytes);
  });

  it('may say in an answer of 200 that it took nothing', async () => {
    server.reaction = () => ({
      body: 'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId MS-CV=x',
    });
    expect(await teams().send(exampleMessage(), options())).toMatchObject({
      failure: 'rateLimited',
      retryable: true,
    });
  });
});
