import type { SMTPServerOptions } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import {
  TEST_EXPIRED_CERTIFICATE,
  TEST_SELF_SIGNED_CERTIFICATE,
  TEST_SELF_SIGNED_KEY,
  TEST_SERVER_CERTIFICATE,
  TEST_SERVER_KEY,
} from '../certificates.test-support.ts';
import { emailTo, onlyMailOf, PASSWORD, stageMailServers, trusted } from './email-stage.test-support.ts';
import { refusal } from './mail-server.test-support.ts';
import { authenticate } from './smtp-authentication.ts';

const { mailServer, scriptedServer } = stageMailServers();

describe.concurrent('a login', () => {
  const needsLogin = (methods: string[]): SMTPServerOptions => ({
    authOptional: false,
    authMethods: methods,
    onAuth: (auth, _, callback) => {
      const isRight =
        auth.method === 'CRAM-MD5' ? auth.validatePassword(PASSWORD) : auth.password === PASSWORD;
      if (auth.username === 'omoi' && isRight)
        callback(null, { user: `${auth.method} ${auth.authzid ?? ''}`.trim() });
      else callback(refusal(`535 5.7.8 no such login: ${auth.password}`));
    },
  });

  it.each([
    ['PLAIN', ['PLAIN', 'LOGIN'], { auth_password: PASSWORD }, 'PLAIN'],
    ['PLAIN for somebody', ['PLAIN'], { auth_password: PASSWORD, auth_identity: 'omoi' }, 'PLAIN omoi'],
    ['LOGIN', ['LOGIN'], { auth_password: PASSWORD }, 'LOGIN'],
    ['CRAM-MD5', ['CRAM-MD5'], { auth_secret: PASSWORD }, 'CRAM-MD5'],
    [
      'CRAM-MD5 before PLAIN',
      ['PLAIN', 'CRAM-MD5'],
      { auth_secret: PASSWORD, auth_password: 'wrong' },
      'CRAM-MD5',
    ],
    ['a password of a file', ['PLAIN'], { auth_password_file: '/secrets/mail' }, 'PLAIN'],
    ['a secret of a file', ['CRAM-MD5'], { auth_secret_file: '/secrets/mail' }, 'CRAM-MD5'],
  ])('by %s', async (_, methods, secrets, user) => {
    const server = await mailServer(needsLogin(methods));
    const send = emailTo(server.port, { settings: { auth_username: 'omoi', ...secrets } });
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    expect(onlyMailOf(server).user).toBe(user);
  });

  it.each([
    ['is wrong', ['PLAIN'], { auth_password: 'SECRET-wrong' }, 'no such login: <secret>'],
    ['is wrong', ['LOGIN'], { auth_password: 'SECRET-wrong' }, 'no such login: <secret>'],
    ['is wrong', ['CRAM-MD5'], { auth_secret: 'SECRET-wrong' }, '535'],
    ['has no password', ['PLAIN'], {}, 'set auth_password'],
    ['has no secret', ['CRAM-MD5'], { auth_password: PASSWORD }, 'auth_password serves PLAIN and LOGIN only'],
    [
      'has no password but a secret',
      ['PLAIN'],
      { auth_secret: PASSWORD },
      'auth_secret serves CRAM-MD5 only',
    ],
  ])('is final where it %s (%j)', async (_, methods, secrets, reason) => {
    const server = await mailServer(needsLogin(methods));
    const delivery = await emailTo(server.port, { settings: { auth_username: 'omoi', ...secrets } })();
    expect(delivery).toMatchObject({ outcome: 'failed', failure: 'authError', retryable: false });
    expect(delivery).toHaveProperty('reason', expect.stringContaining(reason));
    expect(JSON.stringify(delivery)).not.toContain('SECRET');
    expect(server.received).toEqual([]);
  });

  it('is asked for where nobody logs in', async () => {
    const server = await mailServer(needsLogin(['PLAIN']));
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({
      failure: 'authError',
      retryable: false,
      reason: expect.stringContaining('530'),
    });
  });

  it.each([['PLAIN'], ['LOGIN']])('is hidden where the server repeats it (%s)', async (mechanism) => {
    const server = await scriptedServer((said) => {
      if (said === '') return '220 here';
      if (said.startsWith('EHLO')) return `250-here\r\n250 AUTH ${mechanism}`;
      if (said === 'AUTH LOGIN\r\n' || said.trim() === Buffer.from('omoi').toString('base64'))
        return '334 more';
      return `535 5.7.8 no such login: ${said.trim()} ${Buffer.from(said.trim(), 'base64').toString('utf8')}`;
    });
    const settings = { require_tls: false, auth_username: 'omoi', auth_password: PASSWORD };
    const delivery = await emailTo(server.port, { settings })();
    expect(delivery).toMatchObject({ failure: 'authError', reason: expect.stringContaining('<secret>') });
    expect(JSON.stringify(delivery)).not.toContain(PASSWORD);
    expect(JSON.stringify(delivery)).not.toContain(Buffer.from(PASSWORD).toString('base64').slice(0, 12));
    expect(JSON.stringify(delivery)).not.toContain(
      Buffer.from(`\0omoi\0${PASSWORD}`).toString('base64').slice(8),
    );
  });

  it('is left out where the server asks for none', async () => {
    const server = await mailServer({ disabledCommands: ['AUTH'] });
    const send = emailTo(server.port, { settings: { auth_username: 'omoi', auth_password: PASSWORD } });
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    expect(onlyMailOf(server).user).toBe(false);
  });

  it('may pass where the server cannot ask now', async () => {
    const onAuth: SMTPServerOptions['onAuth'] = (auth, session, callback) =>
      callback(refusal('454 4.7.0 Temporary authentication failure'));
    const server = await mailServer({ onAuth });
    const delivery = await emailTo(server.port, {
      settings: { auth_username: 'omoi', auth_password: PASSWORD },
    })();
    expect(delivery).toMatchObject({ failure: 'rateLimited', retryable: true });
  });

  it('comes later where the file of its password is not there', async () => {
    const server = await mailServer();
    const settings = { auth_username: 'omoi', auth_password_file: '/secrets/none' };
    expect(await emailTo(server.port, { settings })()).toMatchObject({
      failure: 'connection',
      retryable: true,
    });
  });

  it('sends no password in the clear by PLAIN, but to this machine', async () => {
    const unencrypted: SMTPServerOptions = {
      ...needsLogin(['PLAIN']),
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
    };
    const server = await mailServer(unencrypted);
    const login = { auth_username: 'omoi', auth_password: PASSWORD, require_tls: false };
    expect(await emailTo(server.port, { settings: login })()).toMatchObject({ outcome: 'delivered' });
    const asked: string[] = [];
    const context = {
      authMethods: ['PLAIN'],
      sendCommand: (command: string) => {
        asked.push(command);
        return Promise.reject(new Error('nothing may be sent'));
      },
    };
    const account = { username: 'omoi', identity: '', password: PASSWORD, secret: null };
    const remote = { host: 'mail.example.org', encryption: 'none' } as const;
    await expect(authenticate(context as never, account, remote)).rejects.toThrow('unencrypted');
    expect(asked).toEqual([]);
  });
});

describe.concurrent('encryption', () => {
  it('from the first byte', async () => {
    const server = await mailServer({ secure: true });
    const send = emailTo(server.port, { settings: { force_implicit_tls: true } });
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    expect(onlyMailOf(server).isEncrypted).toBe(true);
  });

  it.each([[false], [true]])('knows a server by its address (from the first byte: %j)', async (secure) => {
    const server = await mailServer({ secure });
    const settings = { smarthost: `127.0.0.1:${server.port}`, force_implicit_tls: secure };
    expect(await emailTo(server.port, { settings })()).toMatchObject({ outcome: 'delivered' });
    expect(onlyMailOf(server).isEncrypted).toBe(true);
  });

  it('is not asked for where it is not required', async () => {
    const server = await mailServer();
    expect(await emailTo(server.port, { settings: { require_tls: false } })()).toMatchObject({
      outcome: 'delivered',
    });
    expect(onlyMailOf(server).isEncrypted).toBe(false);
  });

  it('is missed where the server does not offer it', async () => {
    const server = await mailServer({ disabledCommands: ['STARTTLS'] });
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({
      failure: 'connection',
      retryable: true,
      reason: expect.stringContaining('STARTTLS'),
    });
    expect(server.received).toEqual([]);
  });

  const expired = { key: TEST_SELF_SIGNED_KEY, cert: TEST_EXPIRED_CERTIFICATE };
  const selfSigned = { key: TEST_SELF_SIGNED_KEY, cert: TEST_SELF_SIGNED_CERTIFICATE };

  it.each([
    [
      'an authority that nobody trusts',
      {},
      null,
      'authority that is not trusted; name that in tls_config.ca_file if it is the right one (UNABLE_TO_VERIFY_LEAF_SIGNATURE)',
    ],
    [
      'another name',
      {},
      { ...trusted, server_name: 'mail.example.org' },
      'made out to another name; call it by a name of its certificate, or write that into tls_config.server_name',
    ],
    [
      'nobody but itself',
      selfSigned,
      trusted,
      'signed by itself; name it in tls_config.ca_file if it is the right one',
    ],
    [
      'a time that is over',
      expired,
      { ca: TEST_EXPIRED_CERTIFICATE },
      'has expired; it has to be renewed there (CERT_HAS_EXPIRED)',
    ],
  ])('is refused with a certificate of %s', async (_, server, tls_config, reason) => {
    for (const forced of [false, true]) {
      const at = await mailServer({ ...server, secure: forced });
      const delivery = await emailTo(at.port, {
        settings: { tls_config, force_implicit_tls: forced, auth_username: 'omoi', auth_password: PASSWORD },
      })();
      expect(delivery).toMatchObject({ failure: 'connection', retryable: true });
      expect(delivery).toHaveProperty('reason', expect.stringContaining(`got no mail: its certificate`));
      expect(delivery).toHaveProperty('reason', expect.stringContaining(reason));
      expect(at.received).toEqual([]);
    }
  });

  it('trusts a certificate that is signed by itself where it is named', async () => {
    const server = await mailServer(selfSigned);
    const tls_config = { ca: TEST_SELF_SIGNED_CERTIFICATE };
    expect(await emailTo(server.port, { settings: { tls_config } })()).toMatchObject({
      outcome: 'delivered',
    });
  });

  it('takes any certificate where it is told to', async () => {
    const server = await mailServer();
    const tls_config = { insecure_skip_verify: true };
    expect(await emailTo(server.port, { settings: { tls_config } })()).toMatchObject({
      outcome: 'delivered',
    });
  });

  it('cannot begin with a key that is none', async () => {
    const server = await mailServer();
    const tls_config = {
      ...trusted,
      cert: TEST_SERVER_CERTIFICATE,
      key: TEST_SERVER_KEY.replace('MIG', 'XXX'),
    };
    const delivery = await emailTo(server.port, { settings: { tls_config } })();
    expect(delivery).toMatchObject({ outcome: 'failed' });
    expect(JSON.stringify(delivery)).not.toContain(TEST_SERVER_KEY.slice(30, 60));
  });
});
