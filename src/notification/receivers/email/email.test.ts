import { describe, expect, it } from 'vitest';
import type { Message } from '../../message.ts';
import { namingTemplates, resolvedMessage } from '../message.test-support.ts';
import { emailAt, emailTo, onlyMailOf, stageMailServers } from './email-stage.test-support.ts';
import { decodedHeader, headersOf, quotedPrintable } from './mail-server.test-support.ts';

const { mailServer } = stageMailServers();

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

  it('names 500 alerts at most', () => {
    expect(emailAt(1).maxAlerts).toBe(500);
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
    const templates = { ...namingTemplates, html: async () => body };
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
    await emailTo(server.port, { templates: { ...namingTemplates, html: async () => body } })();
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
      text: async (text: string, message: Message) =>
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
      text: async (text: string, message: Message) =>
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
    ['omoi@bücher.example', 'xn--bcher-kva.example'],
    ['omoi@[192.0.2.1]', 'omoi.invalid'],
  ])('from %s has an id of ASCII', async (from, domain) => {
    const server = await mailServer();
    await emailTo(server.port, { settings: { from } })();
    const id = onlyMailOf(server).headers['message-id'] ?? '';
    expect(id.slice(id.indexOf('@') + 1)).toBe(`${domain}>`);
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

  it('goes on in its thread after a restart', async () => {
    const server = await mailServer();
    const settings = { threading: { enabled: true, thread_by_date: 'none' } };
    await emailTo(server.port, { settings })();
    await emailTo(server.port, { settings })(resolvedMessage());
    const [first, second] = server.received.map(({ content }) => headersOf(content));
    expect(first?.['in-reply-to']).toMatch(/^<alert-/);
    expect(second).toMatchObject({
      'in-reply-to': first?.['in-reply-to'],
      references: first?.['references'],
    });
    expect(second?.['message-id']).not.toBe(first?.['message-id']);
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
