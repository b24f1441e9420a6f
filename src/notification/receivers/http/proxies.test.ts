import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { TEST_AUTHORITY_CERTIFICATE } from '../certificates.test-support.ts';
import { ReceiverServer } from '../receiver-server.test-support.ts';
import {
  failureOfRequest,
  ProxyServer,
  requestTo,
  settingsWith,
  testClient,
} from './http-client.test-support.ts';
import type { HttpClientSettings } from './http-client.ts';

const server = new ReceiverServer();
const secure = new ReceiverServer('https');
const proxy = new ProxyServer();
const client = testClient();

beforeAll(async () => {
  await Promise.all([server.open(), secure.open(), proxy.open()]);
});
beforeEach(() => {
  for (const each of [server, secure, proxy]) each.reset();
});
afterAll(async () => {
  client.close();
  await Promise.all([server.close(), secure.close(), proxy.close()]);
});

function byProxy(overrides: Partial<HttpClientSettings> = {}): HttpClientSettings {
  return settingsWith({
    proxy_url: proxy.address,
    tls_config: { insecure_skip_verify: false, ca: TEST_AUTHORITY_CERTIFICATE },
    ...overrides,
  });
}

it('asks a proxy for the whole address', async () => {
  const url = `${server.addressAs('receiver.test')}/a?b=c`;
  const settings = byProxy({ proxy_url: proxy.address.replace('//', '//me:p%40ss@') });
  expect((await client.request(requestTo(url, { settings }))).status).toBe(200);
  expect(proxy.asked).toEqual([`POST ${url}`]);
  const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  expect(proxy.headers[0]?.['proxy-authorization']).toBe(expected);
  expect(server.received[0]?.headers['host']).toBe(`receiver.test:${server.port}`);
});

it('speaks TLS through a tunnel, which is kept', async () => {
  const url = `${secure.addressAs('receiver.test')}/SECRET-path`;
  const settings = byProxy({
    proxy_url: proxy.address.replace('//', '//me:p%40ss@'),
    proxy_connect_header: { 'X-Team': ['web'] },
  });
  for (let count = 0; count < 3; count++) {
    expect((await client.request(requestTo(url, { settings }))).status).toBe(200);
  }
  expect(proxy.asked).toEqual([`CONNECT receiver.test:${secure.port}`]);
  expect(proxy.headers[0]).toMatchObject({ 'x-team': 'web', host: `receiver.test:${secure.port}` });
  expect(proxy.headers[0]).toHaveProperty('proxy-authorization');
  expect(secure.received.length).toBe(3);
  expect(secure.received[0]?.headers).not.toHaveProperty('proxy-authorization');
  expect(secure.received[0]?.headers).not.toHaveProperty('x-team');
});

it('checks the certificate behind a tunnel', async () => {
  const settings = byProxy({ tls_config: { insecure_skip_verify: false } });
  const url = secure.addressAs('receiver.test');
  const failure = await failureOfRequest(client.request(requestTo(url, { settings })));
  expect(failure.message).toContain('not trusted');
  expect(secure.received).toEqual([]);
});

it('tells of a proxy that refuses, and of one that is not there', async () => {
  proxy.connectStatus = 407;
  const url = secure.addressAs('receiver.test');
  const refused = await failureOfRequest(client.request(requestTo(url, { settings: byProxy() })));
  expect(refused.kind).toBe('connection');
  expect(refused.message).toBe(
    `the proxy ${new URL(proxy.address).host} refused the way to receiver.test:${secure.port}: HTTP 407`,
  );
  const gone = await new ProxyServer().open();
  const goneAddress = gone.address;
  const settings = byProxy({ proxy_url: goneAddress });
  await gone.close();
  const absent = await failureOfRequest(client.request(requestTo(url, { settings })));
  const { host } = new URL(goneAddress);
  expect(absent.message).toBe(`the proxy ${host}: connection refused (ECONNREFUSED)`);
  const plain = requestTo(server.addressAs('receiver.test'), { settings });
  expect((await failureOfRequest(client.request(plain))).message).toBe(absent.message);
});

it('speaks TLS to a proxy that wants it', async () => {
  const hidden = await new ProxyServer('https').open();
  const settings = byProxy({ proxy_url: hidden.address });
  const urls = [`${server.addressAs('receiver.test')}/a`, `${secure.addressAs('receiver.test')}/b`];
  for (const url of urls) expect((await client.request(requestTo(url, { settings }))).status).toBe(200);
  expect(hidden.asked).toEqual([`POST ${urls[0]}`, `CONNECT receiver.test:${secure.port}`]);
  // Its certificate is looked at as that of the target is.
  const strict = byProxy({ proxy_url: hidden.address, tls_config: { insecure_skip_verify: false } });
  for (const url of urls) {
    const failure = await failureOfRequest(client.request(requestTo(url, { settings: strict })));
    expect(failure.message).toMatch(/^the proxy 127\.0\.0\.1:\d+: its certificate .* not trusted/);
  }
  await hidden.close();
});

it('ends a tunnel that is being opened with its request', async () => {
  const silent = await new ReceiverServer().open();
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  silent.server.on('connect', (_, socket) => {
    socket.on('error', () => ended.resolve());
    socket.on('end', () => ended.resolve());
    socket.resume();
    opened.resolve();
  });
  const deadline = new AbortController();
  const settings = byProxy({ proxy_url: silent.addressAs() });
  const asked = client.request(
    requestTo(secure.addressAs('receiver.test'), { settings, signal: deadline.signal }),
  );
  await opened.promise;
  deadline.abort();
  expect((await failureOfRequest(asked)).kind).toBe('timeout');
  await ended.promise;
  await silent.close();
});

it('goes past the proxy where it is told to, and by the environment', async () => {
  const settings = byProxy({ no_proxy: 'receiver.test' });
  await client.request(requestTo(server.addressAs('receiver.test'), { settings }));
  expect(proxy.asked).toEqual([]);
  const fromEnvironment = testClient({ environment: { HTTP_PROXY: proxy.address } });
  const url = `${server.addressAs('receiver.test')}/`;
  await fromEnvironment.request(requestTo(url, { settings: settingsWith({ proxy_from_environment: true }) }));
  expect(proxy.asked).toEqual([`POST ${url}`]);
  fromEnvironment.close();
});

it('sends a proxy to no metadata service, and asks none at a blocked address', async () => {
  for (const url of ['http://169.254.169.254/', 'https://metadata.google.internal/']) {
    const failure = await failureOfRequest(client.request(requestTo(url, { settings: byProxy() })));
    expect(failure.kind).toBe('blocked');
  }
  const settings = byProxy({ proxy_url: 'http://169.254.1.1:3128' });
  const failure = await failureOfRequest(client.request(requestTo('http://receiver.test/', { settings })));
  expect(failure.kind).toBe('blocked');
  expect(proxy.asked).toEqual([]);
});
