import type { SMTPServerOptions } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { exampleMessage, namingTemplates } from '../message.test-support.ts';
import { emailTo, onlyMailOf, stageMailServers } from './email-stage.test-support.ts';
import { HANG_UP, headersOf, MailServer, refusal } from './mail-server.test-support.ts';

const { mailServer, scriptedServer } = stageMailServers();

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
    ['552 5.3.4 message size exceeds fixed limit', 'clientError', false, { isTooLong: true }],
    ['552 5.2.2 mailbox full', 'clientError', false],
    ['451 4.3.0 no space left', 'serverError', true],
    ['421 4.7.0 too many messages, throttled', 'rateLimited', true],
  ])('of the mail itself: %s', async (answer, failure, retryable, said: object = {}) => {
    const onData: SMTPServerOptions['onData'] = (stream, session, callback) => {
      stream.on('end', () => callback(refusal(answer)));
      stream.resume();
    };
    const server = await mailServer({ onData });
    const delivery = await emailTo(server.port)();
    expect(delivery).toMatchObject({ outcome: 'failed', failure, retryable });
    expect(delivery).toHaveProperty('reason', expect.stringContaining(answer.slice(10)));
    expect(delivery).toMatchObject(said);
  });

  it('that is larger than the server says that it takes', async () => {
    const server = await mailServer({ size: 100 });
    expect(await emailTo(server.port)()).toMatchObject({
      failure: 'clientError',
      retryable: false,
      isTooLong: true,
    });
  });

  it('of a mail that is too long, before it is sent', async () => {
    const server = await mailServer({ size: 1_000 });
    const templates = { ...namingTemplates, html: async () => 'x'.repeat(2_000) };
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
