import { z } from 'zod';
import { copyLabels, type Labels } from '#telemetry';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import { tlsConfig } from '../../configuration/http-config-schema.ts';
import {
  checkedBy,
  filePath,
  flag,
  optionalFlag,
  secret,
  sendResolved,
  text,
  textMap,
} from '../../configuration/setting-schemas.ts';
import type { SettingsProblem, TemplatedField } from '../receiver-kind.ts';

const threading = z.strictObject({ enabled: flag(), thread_by_date: text() });

/** An entry of `email_configs`, as Alertmanager has it. What is '' or null here may be said globally. */
export const emailSettings = z
  .strictObject({
    send_resolved: sendResolved(false),
    to: text(),
    from: text(),
    hello: text(),
    smarthost: smarthost(),
    auth_username: text(),
    auth_password: secret(),
    auth_password_file: filePath(),
    auth_secret: secret(),
    auth_secret_file: filePath(),
    auth_identity: text(),
    headers: textMap(),
    html: text('{{ template "email.default.html" . }}'),
    text: text(),
    require_tls: optionalFlag(),
    tls_config: tlsConfig(),
    force_implicit_tls: optionalFlag(),
    threading: threading.nullish().transform((value) => value ?? { enabled: false, thread_by_date: '' }),
  })
  .superRefine(checkedBy(emailProblems))
  .transform((settings) => ({ ...settings, headers: withCanonicalNames(settings.headers) }));

export type EmailSettings = z.output<typeof emailSettings>;

interface HostPort {
  readonly host: string;
  readonly port: string;
}

/** `host:port`, an IPv6 address in brackets; null where it is not written. */
function smarthost() {
  return text().transform((value, context): HostPort | null => {
    if (value === '') return null;
    const [, bracketed, plain = '', port = ''] = HOST_PORT.exec(value) ?? [];
    if (port !== '') return { host: bracketed ?? plain, port };
    context.addIssue({
      code: 'custom',
      message: `"${value}" is no address of a mail server; write host:port, mail.example.org:587`,
    });
    return z.NEVER;
  });
}

const HOST_PORT = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:[\]]+)$/;
const HEADER_NAME = /^[!-9;-~]+$/;
const THREADED_HEADERS = ['References', 'In-Reply-To'];
const THREADS_BY_DATE = ['none', 'daily'];

interface HeadersAndThreading {
  readonly to: string;
  readonly headers: Labels;
  readonly threading: { readonly enabled: boolean; readonly thread_by_date: string };
}

function emailProblems({ to, headers, threading }: HeadersAndThreading): readonly SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  if (to === '') problems.push({ path: [], message: 'missing to address in email config' });
  const seen = new Set<string>();
  for (const name of Object.keys(headers)) {
    const canonical = canonicalName(name);
    if (!HEADER_NAME.test(name)) {
      problems.push({ path: ['headers', name], message: `"${name}" is no name of a header` });
    } else if (seen.has(canonical)) {
      problems.push({ path: ['headers', name], message: `duplicate header "${canonical}" in email config` });
    }
    seen.add(canonical);
  }
  if (!threading.enabled) return problems;
  for (const name of THREADED_HEADERS.filter((each) => seen.has(each))) {
    problems.push({ path: ['headers'], message: `threading.enabled conflicts with custom ${name} header` });
  }
  if (!THREADS_BY_DATE.includes(threading.thread_by_date)) {
    problems.push({
      path: ['threading', 'thread_by_date'],
      message: "threading.thread_by_date must be either 'none' or 'daily'",
    });
  }
  return problems;
}

function withCanonicalNames(headers: Labels): Labels {
  return copyLabels(
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonicalName(name), value])),
  );
}

/** `x-team` → `X-Team`, as Go writes names of headers. */
function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

export type Completed<Settings> =
  | { readonly settings: Settings }
  | { readonly problems: readonly SettingsProblem[] };

/** Fills in the `smtp_…` keys of the global block. */
export function completeEmail(settings: EmailSettings, global: GlobalSettings): Completed<EmailSettings> {
  const hasPassword = settings.auth_password !== null || settings.auth_password_file !== null;
  const hasSecret = settings.auth_secret !== null || settings.auth_secret_file !== null;
  const completed: EmailSettings = {
    ...settings,
    from: settings.from || global.smtp_from,
    hello: settings.hello || global.smtp_hello,
    smarthost: settings.smarthost ?? global.smtp_smarthost,
    auth_username: settings.auth_username || global.smtp_auth_username,
    auth_password: hasPassword ? settings.auth_password : global.smtp_auth_password,
    auth_password_file: hasPassword ? settings.auth_password_file : global.smtp_auth_password_file,
    auth_secret: hasSecret ? settings.auth_secret : global.smtp_auth_secret,
    auth_secret_file: hasSecret ? settings.auth_secret_file : global.smtp_auth_secret_file,
    auth_identity: settings.auth_identity || global.smtp_auth_identity,
    require_tls: settings.require_tls ?? global.smtp_require_tls,
    tls_config: settings.tls_config ?? global.smtp_tls_config,
    force_implicit_tls: settings.force_implicit_tls ?? global.smtp_force_implicit_tls,
  };
  const problems: SettingsProblem[] = [];
  if (completed.smarthost === null) problems.push({ path: [], message: 'no global SMTP smarthost set' });
  if (completed.from === '') problems.push({ path: [], message: 'no global SMTP from set' });
  return problems.length > 0 ? { problems } : { settings: completed };
}

/** The headers of a mail with those that each has. */
export function headerTemplates(settings: EmailSettings): Labels {
  return copyLabels({
    From: settings.from,
    To: settings.to,
    Subject: '{{ template "email.default.subject" . }}',
    ...settings.headers,
  });
}

export function templatedFieldsOfEmail(settings: EmailSettings): readonly TemplatedField[] {
  return [
    { path: ['to'], text: settings.to },
    { path: ['from'], text: settings.from },
    { path: ['html'], text: settings.html, isHtml: true },
    { path: ['text'], text: settings.text },
    ...Object.entries(settings.headers).map(([name, value]) => ({ path: ['headers', name], text: value })),
  ];
}
