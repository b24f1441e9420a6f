import type { SMTPServerOptions } from 'smtp-server';
import { afterAll, describe, expect, it } from 'vitest';
import { OmoiError, VirtualClock, createSeededRandom } from '#telemetry';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import type { Message } from '../../message.ts';
import type { MessageTemplates } from '../../templates/message-templates.ts';
import {
  TEST_AUTHORITY_CERTIFICATE,
  TEST_SERVER_CERTIFICATE,
  TEST_SERVER_KEY,
} from '../certificates.test-support.ts';
import type { Delivery } from '../integration.ts';
import { exampleGlobal, exampleMessage, namingTemplates } from '../message.test-support.ts';
import { Email, emailReceiver } from './email.ts';
import {
  decodedHeader,
  HANG_UP,
  headersOf,
  MailServer,
  quotedPrintable,
  refusal,
  ScriptedMailServer,
} from './mail-server.test-support.ts';
import { SMTP_DEADLINES } from './smtp-session.ts';

const trusted = { ca: TEST_AUTHORITY_CERTIFICATE };
const PASSWORD = 'SECRET-mail-password';

interface Sending {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly global?: Partial<GlobalSettings>;
  readonly templates?: MessageTemplates;
  readonly deadlines?: Partial<typeof SMTP_DEADLINES>;
}

function emailTo(port: number, { settings, global, templates = namingTemplates, deadlines }: Sending = {}) {
  const written = {
    to: 'Ops <ops@example.org>, eva@example.org',
    from: 'Omoi <omoi@example.org>',
    smarthost: `localhost:${port}`,
    tls_config: trusted,
    ...settings,
  };
  const completed = emailReceiver.complete(emailReceiver.settings.parse(written), exampleGlobal(global));
  if ('problems' in completed) throw new Error(JSON.stringify(completed.problems));
  const tools = {
    clock: new VirtualClock(),
    random: createSeededRandom(1),
    templates,
    http: { request: () => Promise.reject(new Error('mail is not sent by HTTP')) },
    readSecret: async (path: string) => {
      if (path === '/secrets/mail') return PASSWORD;
      throw new OmoiError('unknown_alert', `${path} cannot be read`);
    },
  };
  const email = new Email(completed.settings, 0, tools, { ...SMTP_DEADLINES, ...deadlines });
  return (message: Message = exampleMessage(), signal = new AbortController().signal): Promise<Delivery> =>
    email.send(message, { signal, memory: null });
}

const opened: { close(): Promise<void> }[] = [];

async function mailServer(options?: SMTPServerOptions): Promise<MailServer> {
  const server = await new MailServer(options).open();
  opened.push(server);
  return server;
}

async function scriptedServer(converse: ConstructorParameters<typeof ScriptedMailServer>[0]) {
  const server = await new ScriptedMailServer(converse).open();
  opened.push(server);
  return server;
}

afterAll(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

function onlyMailOf(server: MailServer) {
  const [mail, ...others] = server.received;
  expect(others).toEqual([]);
  if (mail === undefined) throw new Error('no mail has come');
  return { ...mail, headers: headersOf(mail.content) };
}

describe.concurrent('a mail', () => {
  it('is delivered with its headers and both parts, encrypted', async () => {
    const server = await mailServer();
    const send = emailTo(server.port, { settings: { text: 'As text: {{ .Status }}' } });
    expect(await send()).toEqual({ outcome: 'delivered', answer: '250 Ok: queued as 4F2' });
    const { from, to, headers, content, isEncrypted } = onlyMailOf(server);
    expect({ from, to, isEncrypted }).toEqual({
      from: 'omoi@example.org',
      to: ['ops@example.org', 'eva@example.org'],
      isEncrypted: true,
    });
    expect(headers).toMatchObject({
      from: 'Omoi <omoi@example.org>',
      to: 'Ops <ops@example.org>, eva@example.org',
      subject: 'email.default.subject:firing',
      date: 'Mon, 30 Nov 2026 10:00:01 +0000',
      'mime-version': '1.0',
    });
    expect(headers['message-id']).toMatch(/^<[0-9a-f]{32}@example\.org>$/);
    expect(headers['content-type']).toMatch(/^multipart\/alternative;/);
    const text = content.indexOf('As text: firing');
    const html = content.indexOf('email.default.html:firing');
    expect(text).toBeGreaterThan(0);
    expect(html).toBeGreaterThan(text);
  });

  it('is the same to the last byte when it is sent again', async () => {
    const server = await mailServer();
    await emailTo(server.port, { settings: { text: 'text' } })();
    await emailTo(server.port, { settings: { text: 'text' } })();
    const [first, second] = server.received;
    expect(second?.content).toBe(first?.content);
  });

  it.each([
    ['HTML alone', { text: '' }, /^text\/html; charset=utf-8/],
    ['text alone', { html: '', text: 'text' }, /^text\/plain; charset=utf-8/],
    ['neither', { html: '' }, /^text\/plain/],
  ])('with %s has one part', async (_, settings, type) => {
    const server = await mailServer();
    await emailTo(server.port, { settings })();
    expect(onlyMailOf(server).headers['content-type']).toMatch(type);
  });

  it('keeps long lines, lines of a dot and what is beyond ASCII as they are', async () => {
    const body = `.\n..\n${'long '.repeat(1_000)}\n${'ä€😀'.repeat(400)}\nend`;
    const templates = { ...namingTemplates, html: () => body };
    const server = await mailServer();
    await emailTo(server.port, { templates })();
    const { content } = onlyMailOf(server);
    const lines = content.split('\r\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(76);
    expect(content).not.toMatch(/[^\r]\n|[^\p{ASCII}]/u);
    expect(quotedPrintable(content.slice(content.indexOf('\r\n\r\n') + 4)).replaceAll('\r\n', '\n')).toBe(
      `${body}\n`,
    );
  });

  it('of a megabyte arrives whole', async () => {
    const body = `${'line of a mail €\n.\n'.repeat(50_000)}end`;
    const server = await mailServer();
    await emailTo(server.port, { templates: { ...namingTemplates, html: () => body } })();
    const { content } = onlyMailOf(server);
    const decoded = quotedPrintable(content.slice(content.indexOf('\r\n\r\n') + 4)).replaceAll('\r\n', '\n');
    expect(decoded === `${body}\n`).toBe(true);
  });

  it.each([
    [
      'Ärger in Köln 😀 – agent w-1 schläft, und das schon seit geraumer Zeit, wie es scheint: bitte nachsehen',
    ],
    ['word '.repeat(400).trim()],
  ])('has the subject %j', async (subject) => {
    const server = await mailServer();
    await emailTo(server.port, { settings: { headers: { subject } } })();
    const { headers, content } = onlyMailOf(server);
    expect(decodedHeader(headers['subject'] ?? '')).toBe(subject);
    expect(Math.max(...content.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('has no line that is longer than a mail may have', async () => {
    const server = await mailServer();
    await emailTo(server.port, { settings: { headers: { subject: `all: ${'x'.repeat(2_000)}` } } })();
    const { headers, content } = onlyMailOf(server);
    expect(decodedHeader(headers['subject'] ?? '')).toMatch(/^all: x{899}…$/);
    expect(Math.max(...content.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  it('has the headers of its settings, but none that would contradict it', async () => {
    const server = await mailServer();
    const headers = {
      'x-team': '{{ .GroupLabels.alertname }}',
      'reply-to': 'On Call <oncall@example.org>',
      bcc: 'hidden@example.org',
      'content-type': 'text/plain',
      'message-id': '<mine@example.org>',
      to: 'everybody@example.org',
    };
    await emailTo(server.port, { settings: { headers } })();
    const mail = onlyMailOf(server);
    expect(mail.headers).toMatchObject({
      'x-team': 'AgentUnresponsive',
      'reply-to': 'On Call <oncall@example.org>',
      'message-id': '<mine@example.org>',
      to: 'everybody@example.org',
    });
    expect(mail.headers['content-type']).toMatch(/^text\/html/);
    expect(mail.content.toLowerCase()).not.toContain('hidden@example.org');
    expect(mail.to).toEqual(['ops@example.org', 'eva@example.org']);
  });

  it.each([
    ['subject', 'a\r\nBcc: evil@example.org\r\n\r\n<b>body</b>'],
    ['x-label', 'a\nX-Injected: yes\n\nbody'],
    ['x-label', 'a\u2028X-Injected: yes\u0000\u0085b'],
    ['reply-to', 'eva@example.org\r\nX-Injected: yes'],
    ['message-id', '<a@b>\r\nX-Injected: yes'],
    ['to', '"a\r\nX-Injected: yes" <eva@example.org>\r\nX-Injected: yes'],
  ])('lets no value of %s begin a header', async (name, value) => {
    const templates = {
      ...namingTemplates,
      text: (text: string, message: Message) =>
        text === '{{ evil }}' ? value : namingTemplates.text(text, message),
    };
    const server = await mailServer();
    await emailTo(server.port, { settings: { headers: { [name]: '{{ evil }}' } }, templates })();
    const mail = onlyMailOf(server);
    expect(Object.keys(mail.headers)).not.toContain('x-injected');
    expect(Object.keys(mail.headers)).not.toContain('bcc');
    expect(mail.to).toEqual(['ops@example.org', 'eva@example.org']);
    expect(mail.headers['content-type']).toMatch(/^text\/html/);
  });

  it.each([
    ['to', 'eva@example.org> RCPT TO:<evil@example.org', 'to must be addresses'],
    ['to', 'eva@example.org\r\nRCPT TO:<evil@example.org>', 'to must be addresses'],
    ['to', '', 'to must be addresses, and is empty'],
    ['to', 'nobody', 'to must be addresses, and is "nobody"'],
    ['from', 'a@example.org, b@example.org', 'from must be exactly one address'],
    ['from', 'Omoi', 'from must be exactly one address'],
  ])('is not sent where %s is made to be %j', async (key, value, reason) => {
    const templates = {
      ...namingTemplates,
      text: (text: string, message: Message) =>
        text === '{{ evil }}' ? value : namingTemplates.text(text, message),
    };
    const server = await mailServer();
    const delivery = await emailTo(server.port, { settings: { [key]: '{{ evil }}' }, templates })();
    expect(delivery).toMatchObject({ outcome: 'failed', failure: 'clientError', retryable: false });
    expect(delivery).toHaveProperty('reason', expect.stringContaining(reason));
    expect(server.received).toEqual([]);
  });

  it('goes to addresses beyond ASCII', async () => {
    const server = await mailServer();
    const to = 'Jürgen <post@bücher.example>, jürgen@example.org';
    expect(await emailTo(server.port, { settings: { to } })()).toMatchObject({ outcome: 'delivered' });
    const mail = onlyMailOf(server);
    // It shows Punycode as what it stands for.
    expect(mail.to).toEqual(['post@bücher.example', 'jürgen@example.org']);
    expect(decodedHeader(mail.headers['to'] ?? '')).toContain('Jürgen <post@xn--bcher-kva.example>');
  });

  it.each([
    ['none', 'none', '<alert-4a58f7686a7bdd06-@alertmanager>'],
    ['daily', 'daily', '<alert-4a58f7686a7bdd06-2026-11-30@alertmanager>'],
  ])('stands in the thread of its group (%s)', async (_, byDate, thread) => {
    const server = await mailServer();
    const settings = { threading: { enabled: true, thread_by_date: byDate } };
    await emailTo(server.port, { settings })();
    expect(onlyMailOf(server).headers).toMatchObject({ 'in-reply-to': thread, references: thread });
  });

  it('stands in no thread where threads are not asked for', async () => {
    const server = await mailServer();
    await emailTo(server.port)();
    expect(Object.keys(onlyMailOf(server).headers)).not.toContain('references');
  });

  it('is not sent where a template fails', async () => {
    const server = await mailServer();
    const delivery = await emailTo(server.port, { settings: { headers: { 'X-Bad': '{{ fail }}' } } })();
    expect(delivery).toMatchObject({
      failure: 'template',
      retryable: false,
      reason: expect.stringContaining('asked to'),
    });
  });
});

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
    const { authenticate } = await import('./smtp-authentication.ts');
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

  it.each([
    ['an authority that nobody trusts', { tls_config: null }, 'unable to verify'],
    ['another name', { tls_config: { ...trusted, server_name: 'mail.example.org' } }, 'mail.example.org'],
  ])('is refused with a certificate of %s', async (_, settings, reason) => {
    const server = await mailServer();
    for (const forced of [false, true]) {
      const at = forced ? await mailServer({ secure: true }) : server;
      const delivery = await emailTo(at.port, { settings: { ...settings, force_implicit_tls: forced } })();
      expect(delivery).toMatchObject({ failure: 'connection', retryable: true });
      expect(delivery).toHaveProperty('reason', expect.stringContaining(reason));
      expect(at.received).toEqual([]);
    }
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

describe.concurrent('refusals', () => {
  const refusing = (
    refused: Readonly<Record<string, string>>,
  ): NonNullable<SMTPServerOptions['onRcptTo']> => {
    return ({ address }, _, callback) => {
      const answer = refused[address];
      callback(answer === undefined ? null : refusal(answer));
    };
  };

  it.each([
    ['550 5.1.1 no such user', 'clientError', false, null],
    ['553 5.1.3 bad address', 'clientError', false, null],
    ['450 4.2.0 Greylisted, try again in 300 seconds', 'rateLimited', true, 300_000],
    ['451 4.7.1 Please come back in 5 minutes', 'rateLimited', true, 300_000],
    ['452 4.2.2 mailbox full', 'serverError', true, null],
  ])('of all recipients: %s', async (answer, failure, retryable, retryAfterMs) => {
    const onRcptTo = refusing({ 'ops@example.org': answer, 'eva@example.org': answer });
    const server = await mailServer({ onRcptTo });
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({ outcome: 'failed', failure, retryable, retryAfterMs });
    expect(delivery).toHaveProperty('reason', expect.stringContaining(answer.slice(10)));
    expect(delivery).toHaveProperty('reason', expect.stringContaining('refused all recipients'));
  });

  it('of one for good leave the others with their mail', async () => {
    const server = await mailServer({ onRcptTo: refusing({ 'eva@example.org': '550 5.1.1 no such user' }) });
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({
      outcome: 'delivered',
      answer: '250 Ok: queued as 4F2; refused eva@example.org: 550 5.1.1 no such user',
    });
    expect(onlyMailOf(server).to).toEqual(['ops@example.org']);
  });

  it('of one for now give it the mail at the next try, and nobody else', async () => {
    const refused: Record<string, string> = { 'eva@example.org': '450 4.2.0 Greylisted' };
    const server = await mailServer({ onRcptTo: refusing(refused) });
    const send = emailTo(server.port);
    const first = await send();
    expect(first).toMatchObject({ outcome: 'failed', failure: 'rateLimited', retryable: true });
    expect(first).toHaveProperty(
      'reason',
      expect.stringContaining('all but 1 of 2 recipients; eva@example.org: 450'),
    );
    delete refused['eva@example.org'];
    expect(await send()).toMatchObject({ outcome: 'delivered' });
    expect(server.received.map(({ to }) => to)).toEqual([['ops@example.org'], ['eva@example.org']]);
    expect(headersOf(server.received[1]?.content ?? '')['to']).toBe('Ops <ops@example.org>, eva@example.org');
    // Another message goes to all again.
    await send(exampleMessage({ notificationId: 'ntf_02' }));
    expect(server.received[2]?.to).toEqual(['ops@example.org', 'eva@example.org']);
  });

  it('of the rest for good end it', async () => {
    const refused: Record<string, string> = { 'eva@example.org': '450 4.2.0 Greylisted' };
    const server = await mailServer({ onRcptTo: refusing(refused) });
    const send = emailTo(server.port);
    await send();
    refused['eva@example.org'] = '550 5.1.1 no such user';
    expect(await send()).toMatchObject({
      outcome: 'delivered',
      answer: expect.stringContaining('550 5.1.1'),
    });
    expect(server.received).toHaveLength(1);
  });

  it('of the sender', async () => {
    const onMailFrom: SMTPServerOptions['onMailFrom'] = (address, session, callback) =>
      callback(refusal('550 5.7.1 not you'));
    const server = await mailServer({ onMailFrom });
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({ failure: 'clientError', retryable: false });
    expect(delivery).toHaveProperty(
      'reason',
      expect.stringContaining('refused the sender: 550 5.7.1 not you'),
    );
  });

  it.each([
    ['554 5.7.1 it looks like spam', 'clientError', false],
    ['451 4.3.0 no space left', 'serverError', true],
    ['421 4.7.0 too many messages, throttled', 'rateLimited', true],
  ])('of the mail itself: %s', async (answer, failure, retryable) => {
    const onData: SMTPServerOptions['onData'] = (stream, session, callback) => {
      stream.on('end', () => callback(refusal(answer)));
      stream.resume();
    };
    const server = await mailServer({ onData });
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({ outcome: 'failed', failure, retryable });
    expect(delivery).toHaveProperty('reason', expect.stringContaining(answer.slice(10)));
  });

  it('of a mail that is too long, before it is sent', async () => {
    const server = await mailServer({ size: 1_000 });
    const templates = { ...namingTemplates, html: () => 'x'.repeat(2_000) };
    const delivery = await emailTo(server.port, { templates })();
    expect(delivery).toMatchObject({ failure: 'clientError', retryable: false });
    expect(server.received).toEqual([]);
  });

  it('in many lines and bytes become one short line', async () => {
    const server = await scriptedServer(() => `554-${'no '.repeat(20_000)}\r\n554 go away`);
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({ failure: 'clientError', retryable: false });
    if (delivery.outcome === 'failed') {
      expect(delivery.reason.length).toBeLessThan(400);
      expect(delivery.reason).not.toMatch(/[\r\n]/);
    }
  });
});

describe.concurrent('a server', () => {
  it.each([
    ['does not greet', () => null, 'no connection'],
    ['does not answer to EHLO', (said: string) => (said === '' ? '220 here' : null), 'no connection'],
  ])('that %s has its time', async (_, converse, reason) => {
    const server = await scriptedServer(converse);
    const send = emailTo(server.port, { deadlines: { setupMs: 80, greetingMs: 50, silenceMs: 80 } });
    expect(await send()).toMatchObject({
      failure: 'timeout',
      retryable: true,
      reason: `localhost:${server.port} took too long: ${reason}`,
    });
  });

  it('that says nothing to a mail has its time', async () => {
    const server = await scriptedServer((said) => {
      if (said === '') return '220 here';
      return said.startsWith('EHLO')
        ? '250 here'
        : said.startsWith('DATA')
          ? '354 go on'
          : said.startsWith('MAIL') || said.startsWith('RCPT')
            ? '250 ok'
            : null;
    });
    const send = emailTo(server.port, { settings: { require_tls: false }, deadlines: { silenceMs: 100 } });
    const delivery = await send();
    expect(delivery).toMatchObject({
      failure: 'timeout',
      retryable: true,
      reason: expect.stringContaining('may arrive'),
    });
  });

  it('that is slow is left at the deadline of the try', async () => {
    const deadline = new AbortController();
    const server = await scriptedServer(() => {
      deadline.abort();
      return null;
    });
    const delivery = await emailTo(server.port)(exampleMessage(), deadline.signal);
    expect(delivery).toMatchObject({ failure: 'timeout', retryable: true });
  });

  it('is not called when the deadline is over', async () => {
    const server = await mailServer();
    expect(await emailTo(server.port)(exampleMessage(), AbortSignal.abort())).toMatchObject({
      failure: 'timeout',
    });
    expect(server.received).toEqual([]);
  });

  it('that hangs up in the middle of a mail is asked again later', async () => {
    const server = await scriptedServer((said) => {
      if (said === '') return '220 here';
      if (said.startsWith('EHLO')) return '250 here';
      if (said.startsWith('MAIL') || said.startsWith('RCPT')) return '250 ok';
      return said.startsWith('DATA') ? '354 go on' : HANG_UP;
    });
    const delivery = await emailTo(server.port, { settings: { require_tls: false } })();
    expect(delivery).toMatchObject({
      failure: 'connection',
      retryable: true,
      reason: expect.stringContaining('may arrive'),
    });
  });

  it.each([
    ['hangs up at once', () => HANG_UP],
    ['is busy', () => '421 4.3.2 too busy'],
    ['does not speak SMTP', () => 'HTTP/1.1 400 Bad Request'],
  ])('that %s is asked again later', async (_, converse) => {
    const server = await scriptedServer(converse);
    expect(await emailTo(server.port)()).toMatchObject({ outcome: 'failed', retryable: true });
  });

  it('that is not there is asked again later', async () => {
    const server = await new MailServer().open();
    const { port } = server;
    await server.close();
    const delivery = await emailTo(port)();
    expect(delivery).toMatchObject({
      failure: 'connection',
      retryable: true,
      reason: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('gets the name of the settings', async () => {
    const names: string[] = [];
    const server = await mailServer({
      onMailFrom: (_, session, callback) => {
        names.push(session.hostNameAppearsAs);
        callback();
      },
    });
    await emailTo(server.port)();
    await emailTo(server.port, { settings: { hello: 'omoi.example.org' } })();
    expect(names).toEqual(['localhost', 'omoi.example.org']);
  });
});
