import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApiApp } from './app.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { CONNECTION_BOUNDS } from './connection-limits.ts';

let test: TestApi;
let closed = false;

let polling: () => void;

/** A request that waits until the server stops, as a long poll does. */
function registerLongPoll(app: ApiApp): void {
  app.get('/poll', { config: { access: 'public' } }, async () => {
    polling();
    await new Promise((resolve) => app.closing.addEventListener('abort', resolve));
    return { work: null };
  });
}

beforeEach(async () => {
  closed = false;
  test = await startTestApi({ register: registerLongPoll });
});

afterEach(async () => {
  if (!closed) await test.close();
});

function call(options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(options, resolve).on('error', reject).end();
  });
}

describe('listening', () => {
  it('refuses a Host that the server does not go by', async () => {
    const url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
    const address = { host: url.hostname, port: url.port, path: '/healthz' };
    const own = await call(address);
    expect([own.statusCode, await text(own)]).toEqual([200, '{"status":"alive"}']);
    const rebound = await call({ ...address, headers: { host: 'attacker.example' } });
    expect([rebound.statusCode, JSON.parse(await text(rebound)).error]).toEqual([403, 'host_not_allowed']);
  });

  const hasIPv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ family }) => family === 'IPv6'),
  );
  const everyAddress: readonly (readonly [string, string])[] = [
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
  ];
  it.each(hasIPv6 ? everyAddress : everyAddress.slice(0, 1))(
    'on every address (%s) it is found at %s',
    async (host, hostname) => {
      for (const listen of ['listen', 'listenForIngest'] as const) {
        const url = new URL(await test.api[listen]({ host, port: 0 }));
        expect(url.hostname).toBe(hostname);
        expect(await fetch(url)).toHaveProperty('status', expect.any(Number));
      }
    },
  );

  it('listens on each address of localhost that the machine has, with the same limits, and ends there too', async () => {
    await test.close();
    const addressesOf = async () => ['127.0.0.1', '127.0.0.2', '203.0.113.7'];
    const connections = { ...CONNECTION_BOUNDS, maxConnections: 1 };
    test = await startTestApi({ register: registerLongPoll, parts: { addressesOf, connections } });
    for (const listen of ['listen', 'listenForIngest'] as const) {
      const url = new URL(await test.api[listen]({ host: 'localhost', port: 0 }));
      expect(url.hostname).toBe('localhost');
      for (const host of ['127.0.0.1', '127.0.0.2']) {
        const kept = connect(Number(url.port), host);
        await once(kept, 'connect');
        // Beyond the limit of the listener.
        expect(await text(connect(Number(url.port), host))).toBe('');
        kept.write('GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\nExpect: foo\r\n\r\n');
        expect(String(await once(kept, 'data'))).toMatch(/^HTTP\/1.1 417 /);
        kept.destroy();
      }
    }
  });

  it('answers what is no HTTP with a coded error', async () => {
    const url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(url.port), url.hostname);
    socket.write('rubbish\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 [^]*"error":"invalid_request"/);
  });

  it.each([
    ['Host: localhost\r\nExpect: foo', /^HTTP\/1.1 417 [^]*"error":"expectation_failed"[^]*Expect: foo/],
    [
      'Host: localhost\r\nhOsT: localhost',
      /^HTTP\/1.1 400 [^]*"error":"invalid_request"[^]*more than one Host header/,
    ],
    ['Accept: */*', /^HTTP\/1.1 403 [^]*"error":"host_not_allowed"/],
    [`Host: localhost\r\nX: ${'x'.repeat(20_000)}`, /^HTTP\/1.1 431 [^]*the headers exceed 16384 bytes/],
  ])('answers a request with the headers %.40j with a coded error', async (headers, expected) => {
    const url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(url.port), url.hostname);
    socket.write(`GET /healthz HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    expect(await text(socket)).toMatch(expected);
  });

  it.each([
    ['HTTP/1.0\r\n', /^HTTP\/1.1 200 [^]*{"status":"alive"}/],
    ['HTTP/1.0\r\nHost: attacker.example\r\n', /^HTTP\/1.1 403 [^]*"error":"host_not_allowed"/],
    ['HTTP/1.0\r\nHost:\r\n', /^HTTP\/1.1 403 [^]*"error":"host_not_allowed"/],
  ])('takes a probe of a load balancer, which names no host: %j', async (rest, expected) => {
    const url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(url.port), url.hostname);
    socket.write(`GET /healthz ${rest}\r\n`);
    expect(await text(socket)).toMatch(expected);
  });

  describe('asked whether to send a body', () => {
    /** What a client is told that waits for `100 Continue` before it sends `body`. */
    async function answersTo(headers: string, body: string): Promise<string> {
      const url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
      const socket = connect(Number(url.port), url.hostname);
      socket.write(
        `POST /api/v1/login-links HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
          `Expect: 100-continue\r\n${headers}\r\n\r\n`,
      );
      let answers = '';
      for await (const chunk of socket) {
        const text = String(chunk);
        answers += text;
        if (text.startsWith('HTTP/1.1 100')) socket.write(body);
        else if (!/connection: close/i.test(text)) socket.end();
      }
      return answers;
    }

    it('says yes where it will read it', async () => {
      const headers = `Authorization: ${test.as('admin').authorization}\r\nContent-Length: 2`;
      expect(await answersTo(headers, '{}')).toMatch(
        /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 201 [^]*Connection: keep-alive/,
      );
    });

    it.each([
      ['is longer than any that it reads', 'admin', 1_000_000, /^HTTP\/1.1 413 [^]*"error":"body_too_large"/],
      ['comes from nobody', null, 2, /^HTTP\/1.1 401 [^]*"error":"unauthenticated"/],
    ] as const)('says no at once where it %s', async (_, role, length, expected) => {
      const authorization = role === null ? '' : `Authorization: ${test.as(role).authorization}\r\n`;
      const answers = await answersTo(`${authorization}Content-Length: ${length}`, 'never sent');
      expect(answers).toMatch(expected);
      expect(answers).toMatch(/connection: close/i);
    });
  });

  it('repeats no more than the beginning of a path', async () => {
    const { message } = (
      await test.app.inject({ url: `/api/v1/${'x'.repeat(5000)}`, headers: test.as('viewer') })
    ).json();
    expect(message).toMatch(/^there is nothing at \/api\/v1\/x+…$/);
    expect(message.length).toBeLessThan(250);
  });

  it('lets the owner of the data directory in as admin, and nobody else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'omoi-socket-'));
    const socketPath = join(directory, 'omoi.sock');
    await test.api.listenLocally(socketPath);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    const session = await call({ socketPath, path: '/api/v1/session' });
    expect(JSON.parse(await text(session)).principal).toMatchObject({ kind: 'local', role: 'admin' });
    const link = await call({ socketPath, path: '/api/v1/login-links', method: 'POST' });
    const { path } = JSON.parse(await text(link));
    expect((await test.app.inject({ url: path })).statusCode).toBe(303);
    await rm(directory, { recursive: true });
  });
});

describe('stopping', () => {
  it('answers what waits inside and refuses what comes later', async () => {
    const url = new URL(await test.api.listen({ host: '127.0.0.1', port: 0 }));
    const arrived = new Promise<void>((resolve) => {
      polling = resolve;
    });
    const polled = call({ host: url.hostname, port: url.port, path: '/poll' });
    await arrived;
    const closing = test.close();
    closed = true;
    const late = await test.app.inject({ url: '/healthz' });
    expect([late.statusCode, late.json().error]).toEqual([503, 'shutting_down']);
    const answer = await polled;
    expect([answer.statusCode, answer.headers.connection, await text(answer)]).toEqual([
      200,
      'close',
      '{"work":null}',
    ]);
    await closing;
  });
});
