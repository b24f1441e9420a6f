import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ReceiverServer } from '../receiver-server.test-support.ts';
import { maxConnectionsPerAddress } from './connection-pool.ts';
import { type ClosableHttpClient, maxConnectionPools } from './create-http-client.ts';
import { maxAnswerBytes } from './exchange.ts';
import { failureOfRequest, requestTo, settingsWith, testClient } from './http-client.test-support.ts';
import { maxRedirects } from './redirects.ts';

const server = new ReceiverServer();
const elsewhere = new ReceiverServer();
let client: ClosableHttpClient;

beforeAll(async () => {
  await Promise.all([server.open(), elsewhere.open()]);
});
beforeEach(() => {
  server.reset();
  elsewhere.reset();
  client = testClient();
});
afterEach(() => client.close());
afterAll(async () => {
  await Promise.all([server.close(), elsewhere.close()]);
});

describe('a request', () => {
  it('arrives as it was given, and its answer is read', async () => {
    server.reaction = () => ({ status: 418, headers: { 'X-Said': 'yes' }, body: 'tea' });
    const answer = await client.request(requestTo(`${server.addressAs()}/a?b=c`, { method: 'PUT' }));
    expect(answer).toMatchObject({ status: 418, body: 'tea' });
    expect(answer.headers['x-said']).toBe('yes');
    expect(server.received).toMatchObject([
      {
        method: 'PUT',
        path: '/a?b=c',
        body: '{"a":1}',
        headers: {
          'content-type': 'application/json',
          'content-length': '7',
          'user-agent': 'Omoi/test',
          host: `127.0.0.1:${server.port}`,
        },
      },
    ]);
  });

  it('may have its body in pieces', async () => {
    const body = Array.from({ length: 100 }, (_, index) => Buffer.from(`${index}`.repeat(10_000)));
    await client.request(requestTo(server.addressAs(), { body }));
    expect(server.received[0]?.body).toBe(Buffer.concat(body).toString());
    expect(server.received[0]?.headers).not.toHaveProperty('transfer-encoding');
  });

  it('may be a GET without a body', async () => {
    await client.request(requestTo(server.addressAs(), { method: 'GET', body: null, headers: {} }));
    expect(server.received).toMatchObject([{ method: 'GET', body: '' }]);
    expect(server.received[0]?.headers).not.toHaveProperty('content-length');
  });
});

describe('an answer', () => {
  it('is read up to a limit, and its connection closed', async () => {
    server.reaction = () => ({ body: 'ä'.repeat(maxAnswerBytes) });
    const answer = await client.request(requestTo(server.addressAs()));
    expect(Buffer.byteLength(answer.body)).toBe(maxAnswerBytes);
  });

  it('may be compressed', async () => {
    const headers = { 'content-encoding': 'gzip' };
    server.reaction = () => ({ headers, body: gzipSync('unpacked') });
    expect((await client.request(requestTo(server.addressAs()))).body).toBe('unpacked');
    // A bomb is not unpacked beyond the limit.
    server.reaction = () => ({ headers, body: gzipSync(Buffer.alloc(20_000_000, 'a')) });
    const answer = await client.request(requestTo(server.addressAs()));
    expect(answer.body.length).toBe(maxAnswerBytes);
  });

  it('that says it is compressed and is not has its status, and no body', async () => {
    server.reaction = () => ({ headers: { 'content-encoding': 'gzip' }, body: 'not packed' });
    const { status, body, cut } = await client.request(requestTo(server.addressAs()));
    expect({ status, body, kind: cut?.kind }).toEqual({ status: 200, body: '', kind: 'connection' });
    expect(cut?.message).toContain('its answer is no gzip');
  });

  it('whose body is cut has its status, and what came of the body', async () => {
    server.reaction = () => ({ status: 202, body: 'half', isCut: true });
    const { status, body, cut } = await client.request(requestTo(server.addressAs()));
    expect({ status, body, kind: cut?.kind }).toEqual({ status: 202, body: 'half', kind: 'connection' });
  });
});

describe('connections', () => {
  it('are kept for the next request of the same settings, and for no others', async () => {
    const settings = settingsWith();
    for (let count = 0; count < 3; count++) {
      await client.request(requestTo(server.addressAs(), { settings }));
    }
    expect(server.connections).toBe(1);
    await client.request(requestTo(server.addressAs(), { settings: settingsWith() }));
    expect(server.connections).toBe(2);
  });

  it('are opened up to a limit', async () => {
    const settings = settingsWith();
    const deadline = new AbortController();
    server.reaction = () => 'silence';
    const requests = Array.from({ length: maxConnectionsPerAddress + 3 }, () =>
      failureOfRequest(client.request(requestTo(server.addressAs(), { settings, signal: deadline.signal }))),
    );
    await expect.poll(() => server.received.length, { timeout: 30_000 }).toBe(maxConnectionsPerAddress);
    deadline.abort();
    const failures = await Promise.all(requests);
    expect(new Set(failures.map(({ kind }) => kind))).toEqual(new Set(['timeout']));
    expect(server.connections).toBe(maxConnectionsPerAddress);
  });

  it('that the server has closed while they were idle are replaced', async () => {
    const settings = settingsWith();
    let count = 0;
    // The second request comes in on a connection that is just being closed.
    server.reaction = () => (++count === 2 ? 'hang up' : {});
    await client.request(requestTo(server.addressAs(), { settings }));
    expect((await client.request(requestTo(server.addressAs(), { settings }))).status).toBe(200);
    expect(server.received.length).toBe(3);
    // A new one that is closed is a failure.
    server.reaction = () => 'hang up';
    const failure = await failureOfRequest(client.request(requestTo(server.addressAs())));
    expect(failure.message).toBe(
      `127.0.0.1:${server.port}: connection closed before there was an answer (ECONNRESET)`,
    );
  });

  it('of settings that are used no longer are closed', async () => {
    const first = settingsWith();
    await client.request(requestTo(server.addressAs(), { settings: first }));
    for (let count = 0; count < maxConnectionPools; count++) {
      // Refused before it is opened: what counts is that the settings are known.
      await failureOfRequest(
        client.request(requestTo('http://169.254.169.254/', { settings: settingsWith() })),
      );
    }
    await client.request(requestTo(server.addressAs(), { settings: first }));
    expect(server.connections).toBe(2);
  });
});

describe('a redirect', () => {
  it.each([
    [301, 'POST', '{"a":1}'],
    [302, 'POST', '{"a":1}'],
    [303, 'GET', ''],
    [307, 'POST', '{"a":1}'],
    [308, 'POST', '{"a":1}'],
  ])('of %i is followed by a %s', async (status, method, body) => {
    server.reaction = ({ path }) => (path === '/a' ? { status, headers: { location: '/b' } } : {});
    expect((await client.request(requestTo(`${server.addressAs()}/a`))).status).toBe(200);
    expect(server.received.at(-1)).toMatchObject({ method, path: '/b', body });
  });

  it('is not followed where the settings say so', async () => {
    server.reaction = () => ({ status: 302, headers: { location: '/b' } });
    const settings = settingsWith({ follow_redirects: false });
    const answer = await client.request(requestTo(`${server.addressAs()}/a`, { settings }));
    expect(answer.status).toBe(302);
    expect(server.received.length).toBe(1);
  });

  it('may be followed so many times', async () => {
    server.reaction = ({ path }) => ({ status: 307, headers: { location: `${path}x` } });
    const failure = await failureOfRequest(client.request(requestTo(`${server.addressAs()}/secret-a`)));
    expect(failure.kind).toBe('settings');
    expect(failure.message).toBe(`127.0.0.1:${server.port}: it leads on more than ${maxRedirects} times`);
    expect(server.received.length).toBe(maxRedirects + 1);
  });

  it('to what is no address of the web is an end', async () => {
    server.reaction = () => ({ status: 307, headers: { location: 'file:///etc/passwd' } });
    const failure = await failureOfRequest(client.request(requestTo(server.addressAs())));
    expect(failure.kind).toBe('settings');
  });

  it('takes credentials and secret headers to no other host, not even when it comes back', async () => {
    const settings = settingsWith({
      basic_auth: { username: 'omoi', password: 'hunter22' },
      http_headers: {
        'X-Scope': { values: ['team-a'] },
        'X-Key': { secrets: ['s3cret'] },
        Cookie: { values: ['session=1'] },
      },
    });
    const headers = { 'content-type': 'application/json', 'X-Own-Token': 'of the receiver' };
    server.reaction = ({ path }) =>
      path === '/a'
        ? { status: 307, headers: { location: '/b' } }
        : path === '/b'
          ? { status: 307, headers: { location: `${elsewhere.addressAs('elsewhere.test')}/c` } }
          : {};
    elsewhere.reaction = () => ({ status: 307, headers: { location: `${server.addressAs()}/d` } });
    await client.request(requestTo(`${server.addressAs()}/a`, { settings, headers }));
    const sent = [...server.received, ...elsewhere.received];
    const withCredentials = sent.filter((request) => request.headers['authorization'] !== undefined);
    expect(withCredentials.map(({ path }) => path)).toEqual(['/a', '/b']);
    const [moved] = elsewhere.received;
    expect(moved?.headers).toMatchObject({ 'x-scope': 'team-a', 'content-type': 'application/json' });
    for (const name of ['x-key', 'cookie', 'x-own-token']) expect(moved?.headers).not.toHaveProperty(name);
    expect(server.received.at(-1)).toMatchObject({ path: '/d', body: '{"a":1}' });
  });
});

describe('addresses', () => {
  it('are looked at after they were resolved, and before a connection is opened', async () => {
    const asked: string[] = [];
    const rebound = testClient({
      resolve: async (host) => {
        asked.push(host);
        // A name server that gives another answer every time.
        return [{ address: asked.length === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }];
      },
    });
    const url = server.addressAs('hooks.test');
    expect((await rebound.request(requestTo(url))).status).toBe(200);
    const failure = await failureOfRequest(rebound.request(requestTo(url)));
    expect(failure.kind).toBe('blocked');
    expect(failure.message).toContain('hooks.test (169.254.169.254) is not called');
    expect(asked).toEqual(['hooks.test', 'hooks.test']);
    expect(server.received.length).toBe(1);
    rebound.close();
  });

  it('that are blocked refuse a name that has others too', async () => {
    const mixed = testClient({
      resolve: async () => [
        { address: '127.0.0.1', family: 4 },
        { address: 'fd00:ec2::254', family: 6 },
      ],
    });
    const failure = await failureOfRequest(mixed.request(requestTo(server.addressAs('hooks.test'))));
    expect(failure.kind).toBe('blocked');
    expect(server.connections).toBe(0);
    mixed.close();
  });

  it.each(['http://[::ffff:169.254.169.254]/', 'http://2852039166/latest', 'http://0/'])(
    '%s is not called',
    async (url) => {
      expect((await failureOfRequest(client.request(requestTo(url)))).kind).toBe('blocked');
    },
  );

  it('are looked at again where a redirect leads', async () => {
    server.reaction = () => ({ status: 307, headers: { location: 'http://169.254.169.254/role' } });
    expect((await failureOfRequest(client.request(requestTo(server.addressAs())))).kind).toBe('blocked');
  });

  it('are looked up once for all who ask at a time', async () => {
    const asked: string[] = [];
    const answer = Promise.withResolvers<void>();
    const slow = testClient({
      resolve: async (host) => {
        asked.push(host);
        await answer.promise;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const url = server.addressAs('hooks.test');
    const requests = [1, 2, 3].map(() => slow.request(requestTo(url, { settings: settingsWith() })));
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBe(1);
    answer.resolve();
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(asked).toEqual(['hooks.test']);
    slow.close();
  });

  it('that cannot be resolved are named', async () => {
    const nowhere = testClient({
      resolve: async () => {
        throw Object.assign(new Error('getaddrinfo ENOTFOUND hooks.test'), { code: 'ENOTFOUND' });
      },
    });
    const failure = await failureOfRequest(nowhere.request(requestTo('http://hooks.test/SECRET-path')));
    expect(failure).toMatchObject({
      kind: 'connection',
      message: 'hooks.test: the name cannot be resolved (ENOTFOUND)',
    });
    nowhere.close();
  });
});

describe('failures', () => {
  it('of addresses do not repeat them', async () => {
    const failure = await failureOfRequest(client.request(requestTo('SECRET-no-url')));
    expect(failure.kind).toBe('settings');
    expect(failure.message).not.toContain('SECRET');
  });

  it('are told where no time is left', async () => {
    const failure = await failureOfRequest(
      client.request(requestTo(server.addressAs(), { signal: AbortSignal.abort() })),
    );
    expect(failure.kind).toBe('timeout');
    expect(server.connections).toBe(0);
  });

  it('are told where the time ends in the middle of an answer', async () => {
    const deadline = new AbortController();
    const slow = new ReceiverServer();
    slow.server.on('request', (_, response) => response.write('the beginning'));
    slow.reaction = () => 'silence';
    await slow.open();
    const asked = client.request(requestTo(slow.addressAs(), { signal: deadline.signal }));
    await slow.untilReceived();
    deadline.abort();
    expect((await failureOfRequest(asked)).kind).toBe('timeout');
    await slow.close();
  });

  it('of headers that cannot be sent do not repeat them', async () => {
    const settings = settingsWith({ authorization: { type: 'Bearer', credentials: 'SECRET\r\nX: y' } });
    const failure = await failureOfRequest(client.request(requestTo(server.addressAs(), { settings })));
    expect(failure.kind).toBe('settings');
    expect(failure.message).not.toContain('SECRET');
  });

  it.each([
    ['is not HTTP', 'SSH-2.0-OpenSSH_9.9\r\n', 'its answer is no HTTP (HPE_'],
    [
      'changes the protocol',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
      'ECONNRESET',
    ],
    ['has endless headers', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}`, 'HPE_HEADER_OVERFLOW'],
  ])('of an answer that %s are named', async (_, said, message) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write(said);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const failure = await failureOfRequest(client.request(requestTo(`http://127.0.0.1:${port}/`)));
    expect(failure.kind).toBe('connection');
    expect(failure.message).toContain(message);
    client.close();
    server.close();
  });

  it('what was secret in a request is taken out of what is told of its answer', async () => {
    const settings = settingsWith({ basic_auth: { username: 'omoi', password: 'hunter22' } });
    const url = `${server.addressAs()}/services/T0SECRET/x?token=QUERY-SECRET`;
    const { withoutSecrets } = await client.request(requestTo(url, { settings }));
    const encoded = Buffer.from('omoi:hunter22').toString('base64');
    const told = withoutSecrets(`no ${url}: /services/T0SECRET, QUERY-SECRET, hunter22, Basic ${encoded}`);
    expect(told).not.toMatch(/T0SECRET|QUERY-SECRET|hunter22/);
    expect(told).not.toContain(encoded);
  });
});
