import { createHmac } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Message } from '../../message.ts';
import { exampleMessage } from '../message.test-support.ts';
import { createIntegration, loopbackClient } from '../receiver-conformance.test-support.ts';
import { ReceiverServer } from '../receiver-server.test-support.ts';
import { webhookReceiver } from './webhook-receiver.ts';

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

function webhook(written: object, files: Readonly<Record<string, string>> = {}) {
  const url = `${server.addressAs()}/hook`;
  return createIntegration({ kind: webhookReceiver, files }, { written: { url, ...written }, http });
}

async function send(integration: ReturnType<typeof webhook>, message: Message = exampleMessage()) {
  return await integration.send(message, { signal: new AbortController().signal, memory: null });
}

const sent = () => server.received.at(-1);

describe('limits', () => {
  it.each([
    [{}, 500, 30_000],
    [{ max_alerts: 0 }, Number.MAX_SAFE_INTEGER, 30_000],
    [{ max_alerts: 7, timeout: '1.5s' }, 7, 1500],
  ])('%j', (written, maxAlerts, timeoutMs) => {
    expect(webhook(written)).toMatchObject({ maxAlerts, timeoutMs, sendResolved: true });
  });

  it.each([
    [{ url: null }, 'one of url or url_file must be configured'],
    [{ url_file: '/f' }, 'at most one of url & url_file must be configured'],
    [{ max_alerts: -1 }, 'expected a whole number from 0'],
    [
      { 'x-omoi': { signing_secret: 'a', signing_secret_file: '/f' } },
      'at most one of signing_secret & signing_secret_file must be configured',
    ],
  ])('%j is a mistake', (written, message) => {
    const parsed = webhookReceiver.settings.safeParse({ url: 'https://a.example/', ...written });
    expect(parsed.error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

describe('the address', () => {
  it('may be a template, and stand in a file', async () => {
    const template = `${server.addressAs()}/{{ .GroupLabels.alertname }}/{{ .CommonLabels.severity }}`;
    await send(webhook({ url: template }));
    expect(sent()?.path).toBe('/AgentUnresponsive/critical');
    await send(webhook({ url: null, url_file: '/url' }, { '/url': `${template}\n` }));
    expect(server.received.length).toBe(2);
    expect(sent()?.path).toBe('/AgentUnresponsive/critical');
  });

  it.each([
    ['{{ .CommonLabels.nothing }}', 'url: the address is empty after its template was run'],
    ['https://hooks.example/SECRET/{{ fail }}', 'url: template: fail: it was asked to'],
  ])('%s fails without being told', async (url, reason) => {
    const delivery = await send(webhook({ url }));
    expect(delivery).toMatchObject({ failure: 'template', retryable: false, reason });
  });
});

describe('the payload', () => {
  it('may be one of the configuration', async () => {
    const payload = { status: '{{ .Status }}', count: '3', list: ['{{ .CommonLabels.severity }}'] };
    await send(webhook({ payload }));
    expect(sent()?.body).toBe('{"count":3,"list":["critical"],"status":"firing"}\n');
  });

  it('that cannot be written is not sent', async () => {
    expect(await send(webhook({ payload: { a: '.nan' } }))).toMatchObject({
      failure: 'template',
      retryable: false,
    });
    expect(server.received).toEqual([]);
  });
});

describe('headers', () => {
  it('tell repetitions apart, and carry the trace on', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await send(webhook({}), exampleMessage({ traceparent }));
    expect(sent()?.headers).toMatchObject({
      'idempotency-key': 'ntf_01',
      traceparent,
      'content-type': 'application/json',
    });
    expect(sent()?.headers).not.toHaveProperty('omoi-signature');
    await send(webhook({}), exampleMessage({ traceparent: 'none\r\nof ours' }));
    expect(sent()?.headers).not.toHaveProperty('traceparent');
  });

  it.each([
    ['written', { signing_secret: 'shared' }],
    ['in a file', { signing_secret_file: '/secret' }],
  ])('sign the message by a secret that is %s', async (_, own) => {
    await send(webhook({ 'x-omoi': own }, { '/secret': 'shared\n' }));
    const [, seconds = '', signature] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(sent()?.headers['omoi-signature'] ?? '') ?? [];
    const expected = createHmac('sha256', 'shared').update(`${seconds}.${sent()?.body}`).digest('hex');
    expect(signature).toBe(expected);
    expect(Math.abs(Number(seconds) * 1000 - Date.now())).toBeLessThan(60_000);
  });
});
