import { createVerify, generateKeyPairSync } from 'node:crypto';

import { VirtualClock } from '#telemetry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type ReceivedRequest, ReceiverServer, type Reply } from '../receiver-server.test-support.ts';
import { failureOfRequest, requestTo, settingsWith, testClient } from './http-client.test-support.ts';
import type { HttpClientSettings } from './http-client.ts';

const server = new ReceiverServer();
const authority = new ReceiverServer();
const clock = new VirtualClock(Date.UTC(2026, 10, 30));
const files = new Map<string, string>();

beforeAll(async () => {
  await Promise.all([server.open(), authority.open()]);
});
beforeEach(() => {
  server.reset();
  authority.reset();
  files.clear();
});
afterAll(async () => {
  await Promise.all([server.close(), authority.close()]);
});

const sent = (): ReceivedRequest | undefined => server.received.at(-1);

describe('credentials', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  it.each<[string, Partial<HttpClientSettings>, string | undefined]>([
    ['none', {}, undefined],
    ['a password', { basic_auth: { username: 'me', password: 'pä:ss' } }, basic('me:pä:ss')],
    [
      'files of both',
      { basic_auth: { username_file: '/user', password_file: '/password' } },
      basic('me:secret'),
    ],
    ['a token', { authorization: { type: 'Bearer', credentials: 'tok' } }, 'Bearer tok'],
    ['the file of a token', { authorization: { type: 'Token', credentials_file: '/token' } }, 'Token tok'],
  ])('are sent: %s', async (_, settings, authorization) => {
    files.set('/user', 'me\n').set('/password', ' secret\n').set('/token', 'tok\n');
    const client = testClient({ files });
    await client.request(requestTo(server.addressAs(), { settings: settingsWith(settings) }));
    expect(sent()?.headers['authorization']).toBe(authorization);
    client.close();
  });

  it('are read anew at each request', async () => {
    const client = testClient({ files });
    const settings = settingsWith({ authorization: { type: 'Bearer', credentials_file: '/token' } });
    for (const token of ['one', 'two']) {
      files.set('/token', token);
      await client.request(requestTo(server.addressAs(), { settings }));
      expect(sent()?.headers['authorization']).toBe(`Bearer ${token}`);
    }
    files.delete('/token');
    const failure = await failureOfRequest(client.request(requestTo(server.addressAs(), { settings })));
    // The file may be there at the next try.
    expect(failure).toMatchObject({ kind: 'connection' });
    client.close();
  });

  it('of the address or the message itself stand over those of the settings', async () => {
    const client = testClient();
    const settings = settingsWith({ authorization: { type: 'Bearer', credentials: 'tok' } });
    const withUser = server.addressAs().replace('//', '//me:p%40ss@');
    await client.request(requestTo(withUser, { settings }));
    expect(sent()?.headers['authorization']).toBe(basic('me:p@ss'));
    await client.request(
      requestTo(server.addressAs(), { settings, headers: { Authorization: 'GenieKey x' } }),
    );
    expect(sent()?.headers['authorization']).toBe('GenieKey x');
    client.close();
  });

  it('may be headers of any name', async () => {
    files.set('/key', 'from a file\n');
    const client = testClient({ files });
    const http_headers = { 'X-Key': { values: ['a'], secrets: ['b'], files: ['/key'] } };
    await client.request(requestTo(server.addressAs(), { settings: settingsWith({ http_headers }) }));
    expect(sent()?.headers['x-key']).toBe('a, b, from a file');
    client.close();
  });
});

describe('OAuth 2', () => {
  const oauth2 = (overrides: Partial<NonNullable<HttpClientSettings['oauth2']>> = {}) =>
    settingsWith({
      oauth2: {
        client_id: 'me+you',
        client_secret: 'SECRET/1',
        token_url: `${authority.addressAs()}/token`,
        scopes: ['send', 'read'],
        endpoint_params: { audience: 'receivers' },
        ...overrides,
      },
    });
  const token = (text: string, fields: object = {}): Reply => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ access_token: text, token_type: 'bearer', ...fields }),
  });

  it('gets a token by the credentials of a client, and keeps it while it is good', async () => {
    const client = testClient({ clock });
    let count = 0;
    authority.reaction = () => token(`t${++count}`, { expires_in: 60 });
    const settings = oauth2();
    const send = () => client.request(requestTo(server.addressAs(), { settings }));
    await send();
    await send();
    expect(authority.received).toMatchObject([
      {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from('me%2Byou:SECRET%2F1').toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials&audience=receivers&scope=send+read',
      },
    ]);
    expect(sent()?.headers['authorization']).toBe('Bearer t1');
    // Its last ten seconds are not used.
    await clock.advance(51_000);
    await send();
    expect(sent()?.headers['authorization']).toBe('Bearer t2');
    client.close();
  });

  it('gets another one after it was refused', async () => {
    const client = testClient({ clock });
    let count = 0;
    authority.reaction = () => token(`t${++count}`);
    server.reaction = ({ headers }) => ({ status: headers['authorization'] === 'Bearer t1' ? 401 : 200 });
    const settings = oauth2();
    const send = () => client.request(requestTo(server.addressAs(), { settings }));
    expect((await send()).status).toBe(401);
    expect((await send()).status).toBe(200);
    expect(authority.received.length).toBe(2);
    client.close();
  });

  it('says who it is in the body where a server wants that', async () => {
    const client = testClient({ clock });
    authority.reaction = ({ headers }) =>
      headers['authorization'] === undefined ? token('t1', { expires_in: 11 }) : { status: 401 };
    const settings = oauth2();
    const send = () => client.request(requestTo(server.addressAs(), { settings }));
    await send();
    expect(authority.received.at(-1)?.body).toContain('client_id=me%2Byou&client_secret=SECRET%2F1');
    expect(authority.received.length).toBe(2);
    // What it has learnt is kept.
    await clock.advance(2000);
    await send();
    expect(authority.received.length).toBe(3);
    client.close();
  });

  it('signs an assertion in the place of a secret', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    files.set('/key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const client = testClient({ clock, files });
    authority.reaction = () => token('t1');
    const jwt = {
      key_file: '/key.pem',
      key_id: 'k1',
      algorithm: 'RS384',
      issuer: 'omoi',
      audience: 'https://auth.example',
      claims: { tier: 2 },
    };
    await client.request(requestTo(server.addressAs(), { settings: oauth2({ jwt }) }));
    const form = new URLSearchParams(authority.received[0]?.body);
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(read(header)).toEqual({ alg: 'RS384', typ: 'JWT', kid: 'k1' });
    const nowSeconds = Math.floor(clock.wallMs() / 1000);
    expect(read(claims)).toMatchObject({
      iss: 'omoi',
      sub: 'me+you',
      aud: 'https://auth.example',
      iat: nowSeconds,
      exp: nowSeconds + 600,
      scope: 'send read',
      tier: 2,
    });
    const verify = createVerify('RSA-SHA384').update(`${header}.${claims}`);
    expect(verify.verify(publicKey, signature, 'base64url')).toBe(true);
    client.close();
  });

  it.each<[string, Reply, string]>([
    ['refuses', { status: 400, body: 'no SECRET/1' }, 'settings'],
    ['fails', { status: 503 }, 'connection'],
    ['answers what is no token', { body: 'hello' }, 'settings'],
  ])('tells of a server that %s', async (_, reply, kind) => {
    const client = testClient({ clock });
    authority.reaction = () => reply;
    const failure = await failureOfRequest(
      client.request(requestTo(server.addressAs(), { settings: oauth2() })),
    );
    expect(failure.kind).toBe(kind);
    expect(failure.message).toContain('127.0.0.1');
    expect(failure.message).not.toContain('SECRET');
    expect(server.received).toEqual([]);
    client.close();
  });
});
