import { describe, expect, it } from 'vitest';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { exampleGlobal } from '../message.test-support.ts';
import { completeEmail, emailSettings, headerTemplates, templatedFieldsOfEmail } from './email-settings.ts';

const minimal = { to: 'ops@example.org' };

function messagesOf(written: Readonly<Record<string, unknown>>): readonly string[] {
  return emailSettings.safeParse(written).error?.issues.map(({ message }) => message) ?? [];
}

describe('emailSettings', () => {
  it('has the defaults of Alertmanager', () => {
    expect(emailSettings.parse(minimal)).toEqual({
      send_resolved: false,
      to: 'ops@example.org',
      from: '',
      hello: '',
      smarthost: null,
      auth_username: '',
      auth_password: null,
      auth_password_file: null,
      auth_secret: null,
      auth_secret_file: null,
      auth_identity: '',
      headers: {},
      html: '{{ template "email.default.html" . }}',
      text: '',
      require_tls: null,
      tls_config: null,
      force_implicit_tls: null,
      threading: { enabled: false, thread_by_date: '' },
    });
  });

  it.each([
    ['mail.example.org:587', { host: 'mail.example.org', port: '587' }],
    [':25', { host: '', port: '25' }],
    ['[2001:db8::1]:465', { host: '2001:db8::1', port: '465' }],
    ['localhost:smtp', { host: 'localhost', port: 'smtp' }],
    ['', null],
  ])('reads the smarthost %j', (smarthost, expected) => {
    expect(emailSettings.parse({ ...minimal, smarthost }).smarthost).toEqual(expected);
  });

  it.each([
    [{}, 'missing to address'],
    [{ to: null }, 'missing to address'],
    [{ ...minimal, smarthost: 'mail.example.org' }, 'write host:port'],
    [{ ...minimal, smarthost: 'mail.example.org:' }, 'write host:port'],
    [{ ...minimal, smarthost: '2001:db8::1:25' }, 'write host:port'],
    [{ ...minimal, headers: { subject: 'a', Subject: 'b' } }, 'duplicate header "Subject"'],
    [{ ...minimal, headers: { 'X Bad': 'a' } }, '"X Bad" is no name of a header'],
    [{ ...minimal, headers: { 'X-Bad:': 'a' } }, 'is no name of a header'],
    [{ ...minimal, threading: { enabled: true } }, "must be either 'none' or 'daily'"],
    [
      { ...minimal, threading: { enabled: true, thread_by_date: 'weekly' } },
      "must be either 'none' or 'daily'",
    ],
    [
      { ...minimal, threading: { enabled: true, thread_by_date: 'none' }, headers: { references: '<a@b>' } },
      'threading.enabled conflicts with custom References header',
    ],
    [
      {
        ...minimal,
        threading: { enabled: true, thread_by_date: 'daily' },
        headers: { 'in-reply-to': '<a@b>' },
      },
      'threading.enabled conflicts with custom In-Reply-To header',
    ],
    [{ ...minimal, tls_config: { ca: 'x', ca_file: 'y' } }, 'at most one of ca'],
    [{ ...minimal, require_tls: 'maybe' }, 'expected true or false'],
    [{ ...minimal, subject: 'a' }, 'Unrecognized key'],
  ])('refuses %j', (written, message) => {
    expect(messagesOf(written)).toContainEqual(expect.stringContaining(message));
  });
});

describe('completeEmail', () => {
  const global: Partial<GlobalSettings> = {
    smtp_from: 'omoi@example.org',
    smtp_hello: 'omoi.example.org',
    smtp_smarthost: { host: 'mail.example.org', port: '587' },
    smtp_auth_username: 'omoi',
    smtp_auth_password: 'global password',
    smtp_auth_secret_file: '/secrets/global',
    smtp_auth_identity: 'who',
    smtp_require_tls: false,
    smtp_force_implicit_tls: true,
    smtp_tls_config: { insecure_skip_verify: true },
  };
  const completed = (written: Readonly<Record<string, unknown>>, given: Partial<GlobalSettings>) =>
    completeEmail(emailSettings.parse(written), exampleGlobal(given));

  it('takes what is missing from the global block', () => {
    expect(completed(minimal, global)).toMatchObject({
      settings: {
        from: 'omoi@example.org',
        hello: 'omoi.example.org',
        smarthost: { host: 'mail.example.org', port: '587' },
        auth_username: 'omoi',
        auth_password: 'global password',
        auth_secret_file: '/secrets/global',
        auth_identity: 'who',
        require_tls: false,
        force_implicit_tls: true,
        tls_config: { insecure_skip_verify: true },
      },
    });
  });

  it('keeps what the receiver says', () => {
    const own = {
      ...minimal,
      from: 'own@example.org',
      smarthost: 'own.example.org:25',
      auth_password_file: '/secrets/own',
      auth_secret: 'own secret',
      require_tls: true,
      force_implicit_tls: false,
    };
    expect(completed(own, global)).toMatchObject({
      settings: {
        from: 'own@example.org',
        smarthost: { host: 'own.example.org', port: '25' },
        auth_password: null,
        auth_password_file: '/secrets/own',
        auth_secret: 'own secret',
        auth_secret_file: null,
        require_tls: true,
        force_implicit_tls: false,
      },
    });
  });

  it('names all that is missing', () => {
    expect(completed(minimal, {})).toEqual({
      problems: [
        { path: [], message: 'no global SMTP smarthost set' },
        { path: [], message: 'no global SMTP from set' },
      ],
    });
  });
});

it('gives each mail a sender, recipients and a subject, unless the headers say others', () => {
  const settings = emailSettings.parse({
    ...minimal,
    from: 'omoi@example.org',
    headers: { subject: 'Mine', 'x-a': 'b' },
  });
  expect(headerTemplates(settings)).toEqual({
    From: 'omoi@example.org',
    To: 'ops@example.org',
    Subject: 'Mine',
    'X-A': 'b',
  });
});

it('names each field that is a template', () => {
  const settings = emailSettings.parse({ ...minimal, text: 'T', html: 'H', headers: { subject: 'S' } });
  expect(templatedFieldsOfEmail(settings)).toEqual([
    { path: ['to'], text: 'ops@example.org' },
    { path: ['from'], text: '' },
    { path: ['html'], text: 'H', isHtml: true },
    { path: ['text'], text: 'T' },
    { path: ['headers', 'Subject'], text: 'S' },
  ]);
});
