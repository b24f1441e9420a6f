import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import {
  TEST_AUTHORITY_CERTIFICATE,
  TEST_CLIENT_CERTIFICATE,
  TEST_CLIENT_KEY,
  TEST_SERVER_CERTIFICATE,
} from '../certificates.test-support.ts';
import { ReceiverServer } from '../receiver-server.test-support.ts';
import { failureOfRequest, requestTo, settingsWith, testClient } from './http-client.test-support.ts';
import type { HttpClientSettings } from './http-client.ts';

const server = new ReceiverServer('https');
const strict = new ReceiverServer('https', { clientAuthority: TEST_AUTHORITY_CERTIFICATE });
const files = new Map<string, string>();
const client = testClient({ files });

beforeAll(async () => {
  await Promise.all([server.open(), strict.open()]);
});
beforeEach(() => {
  server.reset();
  strict.reset();
  files.clear();
});
afterAll(async () => {
  client.close();
  await Promise.all([server.close(), strict.close()]);
});

function withTls(tls: Partial<HttpClientSettings['tls_config']>): HttpClientSettings {
  return settingsWith({ tls_config: { insecure_skip_verify: false, ...tls } });
}

it.each([
  ['an authority that is written', { ca: TEST_AUTHORITY_CERTIFICATE }, 'receiver.test'],
  ['an address in the certificate', { ca: TEST_AUTHORITY_CERTIFICATE }, '127.0.0.1'],
  ['another name', { ca: TEST_AUTHORITY_CERTIFICATE, server_name: 'receiver.test' }, 'other.test'],
  ['no check', { insecure_skip_verify: true }, 'other.test'],
  ['TLS 1.2', { ca: TEST_AUTHORITY_CERTIFICATE, max_version: 'TLS12' }, 'receiver.test'],
])('connects by %s', async (_, tls, host) => {
  const request = requestTo(server.addressAs(host), { settings: withTls(tls) });
  expect((await client.request(request)).status).toBe(200);
});

it.each([
  ['an authority that nobody trusts', {}, 'receiver.test', 'connection', /certificate .*not trusted/],
  [
    'a certificate of another name',
    { ca: TEST_AUTHORITY_CERTIFICATE },
    'other.test',
    'connection',
    /made out to another name/,
  ],
  ['no certificate at all', { ca: 'nothing' }, 'receiver.test', 'settings', /tls_config cannot be used/],
  [
    'a key that is none',
    { cert: TEST_CLIENT_CERTIFICATE, key: 'SECRET-no-key' },
    'receiver.test',
    'settings',
    /tls_config cannot be used/,
  ],
  ['a file that is not there', { ca_file: '/ca.pem' }, 'receiver.test', 'connection', /\/ca\.pem/],
])('refuses %s', async (_, tls, host, kind, message) => {
  const request = requestTo(server.addressAs(host), { settings: withTls(tls) });
  const failure = await failureOfRequest(client.request(request));
  expect(failure.kind).toBe(kind);
  expect(failure.message).toMatch(message);
  expect(failure.message).not.toContain('SECRET');
  expect(server.received).toEqual([]);
});

it('shows its own certificate where it is asked for', async () => {
  const tls = { ca: TEST_AUTHORITY_CERTIFICATE };
  const own = { cert: TEST_CLIENT_CERTIFICATE, key: TEST_CLIENT_KEY };
  const without = requestTo(strict.addressAs('receiver.test'), { settings: withTls(tls) });
  expect((await failureOfRequest(client.request(without))).kind).toBe('connection');
  const shown = requestTo(strict.addressAs('receiver.test'), { settings: withTls({ ...tls, ...own }) });
  expect((await client.request(shown)).status).toBe(200);
});

it('reads files again when they change, and keeps connections while they do not', async () => {
  files.set('/ca.pem', TEST_AUTHORITY_CERTIFICATE);
  const request = requestTo(server.addressAs('receiver.test'), {
    settings: withTls({ ca_file: '/ca.pem' }),
  });
  await client.request(request);
  await client.request(request);
  expect(server.connections).toBe(1);
  // A certificate that has not signed the server's.
  files.set('/ca.pem', TEST_CLIENT_CERTIFICATE);
  expect((await failureOfRequest(client.request(request))).kind).toBe('connection');
  files.set('/ca.pem', `${TEST_SERVER_CERTIFICATE}${TEST_AUTHORITY_CERTIFICATE}`);
  expect((await client.request(request)).status).toBe(200);
});
