import type { HttpAnswer, HttpClientSettings } from './http/http-client.ts';
import type { IntegrationTools } from './receiver-kind.ts';

/** How long a try may take where neither the configuration nor the receiver says so. */
export const defaultTimeoutMs = 30_000;

/** How many alerts a message has at most: what people read, and what receivers take. */
export const defaultMaxAlerts = 500;

/** The `http_config` of an integration, for itself: connections and tokens are kept for each object. */
export function ownHttpSettings(
  own: HttpClientSettings | null,
  global: HttpClientSettings,
): HttpClientSettings {
  return { ...(own ?? global) };
}

/** That of settings that have been completed. @throws where they were not: a programmer's mistake */
export function completedHttpSettings(settings: {
  readonly http_config: HttpClientSettings | null;
}): HttpClientSettings {
  if (settings.http_config === null)
    throw new Error('an integration is created of settings that are complete');
  return settings.http_config;
}

/** A setting that stands in the configuration or in a file, which is read at each message. @throws OmoiError `secret_unreadable` */
export async function settingOf(
  value: string | null,
  path: string | null,
  { readSecret }: Pick<IntegrationTools, 'readSecret'>,
): Promise<string> {
  if (value !== null) return value;
  return path === null ? '' : (await readSecret(path)).trim();
}

export interface JsonCall {
  readonly url: string;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  readonly signal: AbortSignal;
  readonly settings: HttpClientSettings;
}

/** Sends a value as JSON. @throws NoAnswer */
export function sendJson(call: JsonCall, { http }: Pick<IntegrationTools, 'http'>): Promise<HttpAnswer> {
  const { url, body, headers = {}, method = 'POST', signal, settings } = call;
  return http.request({
    method,
    url,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal,
    settings,
  });
}
