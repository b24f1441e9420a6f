import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultConfiguration, readConfigurationFile } from '#notification';
import { GamedayWebhook, maxMessageBytes, maxMessagesKept } from './webhook.ts';

let webhook: GamedayWebhook;
let url: string;
beforeEach(async () => {
  webhook = await GamedayWebhook.open();
  url = /http:[^']*/.exec(readFileSync(webhook.routingFile, 'utf8'))?.[0] ?? '';
});
afterEach(() => webhook.close());

const post = (body: string, id = 'ntf_1'): Promise<number> =>
  fetch(url, { method: 'POST', headers: { 'idempotency-key': id }, body }).then(({ status }) => status);

it('has a routing file that tells it of every alert, by itself and at once', async () => {
  const text = readFileSync(webhook.routingFile, 'utf8');
  const files = { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('none')) };
  const source = { name: webhook.routingFile, text, directory: '/' };
  const { route, receivers } = await readConfigurationFile(source, { files });
  expect(route).toMatchObject({ receiver: 'gameday', groupWaitMs: 0, groupIntervalMs: 1000, routes: [] });
  expect(receivers.size).toBe((await defaultConfiguration()).receivers.size);
});

it('keeps messages, and gives them to who waits, before they come or after', async () => {
  const later = webhook.waitFor(({ body }) => JSON.stringify(body) === '{"n":2}', 30_000);
  expect([await post('{"n":1}', 'ntf_a'), await post('{"n":2}', 'ntf_b')]).toEqual([200, 200]);
  expect(await later).toMatchObject({ id: 'ntf_b' });
  expect(await webhook.waitFor(() => true, 0)).toMatchObject({ id: 'ntf_a', body: { n: 1 } });
  expect(await webhook.waitFor(() => false, 1)).toBe(null);
});

it('refuses what is no JSON, and what is too long', async () => {
  expect(await post('{')).toBe(400);
  expect(await post(`"${'x'.repeat(maxMessageBytes)}"`)).toBe(400);
  expect(webhook.messages).toEqual([]);
});

it('says of more messages than it keeps that it has not kept all', async () => {
  for (let n = 0; n < maxMessagesKept; n++) await post(String(n));
  expect(await webhook.waitFor(() => false, 1)).toBe(null);
  expect(await post('"one more"')).toBe(200);
  expect(webhook.messages.length).toBe(maxMessagesKept);
  await expect(webhook.waitFor(() => false, 1)).rejects.toThrow('maxMessagesKept');
});
