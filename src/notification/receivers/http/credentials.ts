import { messageOf } from '#telemetry';

import { type HttpClientSettings, NoAnswer } from './http-client.ts';
import type { RequestSecrets } from './request-secrets.ts';

export type ReadSecret = (path: string) => Promise<string>;

/** Headers by lower-case name, as they are sent. */
export type SentHeaders = Readonly<Record<string, string | readonly string[]>>;

/** What a request is sent with: to the host that was meant, and to others that a redirect leads to. */
export interface RequestHeaders {
  readonly own: SentHeaders;
  readonly elsewhere: SentHeaders;
}

/** What may follow a redirect to another host, of the headers of a message; those of users follow where they are no secrets. */
const HARMLESS = new Set([
  'accept',
  'accept-encoding',
  'content-type',
  'idempotency-key',
  'omoi-signature',
  'traceparent',
  'tracestate',
  'user-agent',
]);
/** Credentials by their name, whoever has set them. */
const SENSITIVE = new Set(['authorization', 'cookie', 'cookie2', 'proxy-authorization', 'www-authenticate']);

/** The text, or what stands in the file: read at each message, so that a changed secret counts at once. */
async function secretOf(
  text: string | undefined,
  path: string | undefined,
  read: ReadSecret,
): Promise<string> {
  if (text) return text;
  if (!path) return '';
  try {
    return (await read(path)).trim();
  } catch (error) {
    // It may be there when the message is tried again.
    throw new NoAnswer('connection', `the secret of http_config cannot be read: ${messageOf(error)}`);
  }
}

/** The value of `Authorization` by `basic_auth` or `authorization`; null where there is neither. */
async function authorizationOf(
  { basic_auth: basic, authorization }: HttpClientSettings,
  read: ReadSecret,
  secrets: RequestSecrets,
): Promise<string | null> {
  if (basic) {
    const username = await secretOf(basic.username, basic.username_file, read);
    const password = await secretOf(basic.password, basic.password_file, read);
    const encoded = Buffer.from(`${username}:${password}`).toString('base64');
    secrets.add(password);
    secrets.add(encoded);
    return `Basic ${encoded}`;
  }
  if (!authorization) return null;
  const credentials = await secretOf(authorization.credentials, authorization.credentials_file, read);
  secrets.add(credentials);
  return `${authorization.type} ${credentials}`;
}

async function headersOfUsers(
  settings: HttpClientSettings['http_headers'],
  read: ReadSecret,
  secrets: RequestSecrets,
): Promise<RequestHeaders> {
  const own: Record<string, readonly string[]> = {};
  const elsewhere: Record<string, readonly string[]> = {};
  for (const [written, { values = [], secrets: hidden = [], files = [] }] of Object.entries(settings)) {
    const name = written.toLowerCase();
    const inFiles = await Promise.all(files.map((path) => secretOf(undefined, path, read)));
    for (const secret of [...hidden, ...inFiles]) secrets.add(secret);
    own[name] = [...values, ...hidden, ...inFiles];
    if (values.length > 0 && !SENSITIVE.has(name)) elsewhere[name] = values;
  }
  return { own, elsewhere };
}

export interface HeaderParts {
  readonly given: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly settings: HttpClientSettings;
  readonly read: ReadSecret;
  readonly secrets: RequestSecrets;
}

/**
 * All headers of a request but those of the connection. A header that the message has itself stands over `http_config`.
 *
 * @throws NoAnswer `connection` where the file of a secret cannot be read
 */
export async function requestHeaders(parts: HeaderParts): Promise<RequestHeaders> {
  const { given, userAgent, settings, read, secrets } = parts;
  const message: Record<string, string> = { 'user-agent': userAgent, 'accept-encoding': 'gzip' };
  for (const [name, value] of Object.entries(given)) {
    message[name.toLowerCase()] = value;
    if (SENSITIVE.has(name.toLowerCase())) secrets.add(value.replace(/^\S+ /, ''));
  }
  const authorization = message['authorization'] ?? (await authorizationOf(settings, read, secrets));
  const users = await headersOfUsers(settings.http_headers, read, secrets);
  const harmless = Object.entries(message).filter(([name]) => HARMLESS.has(name));
  return {
    own: { ...users.own, ...message, ...(authorization === null ? {} : { authorization }) },
    elsewhere: { ...users.elsewhere, ...Object.fromEntries(harmless) },
  };
}
