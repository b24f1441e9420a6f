import type { Clock, Random } from '#telemetry';

import { hostNameOf, type AddressGuard } from './address-guard.ts';
import type { CheckedNetwork } from './checked-lookup.ts';
import { ConnectionPool } from './connection-pool.ts';
import { type ReadSecret, requestHeaders } from './credentials.ts';
import { exchange, piecesOf, readBody } from './exchange.ts';
import { noAnswerOf } from './failure-texts.ts';
import {
  type HttpAnswer,
  type HttpClient,
  type HttpClientSettings,
  type HttpRequest,
  NoAnswer,
} from './http-client.ts';
import { OAuth2Token } from './oauth2-tokens.ts';
import { type Environment, proxyFor } from './proxy-choice.ts';
import { maxRedirects, redirected, type Target } from './redirects.ts';
import { decoded, RequestSecrets } from './request-secrets.ts';

/** Settings whose connections are kept at a time; those that were used least recently are closed. */
export const maxConnectionPools = 1000;

export interface HttpClientTools {
  readonly clock: Clock;
  readonly random: Random;
  /** Reads the files of secrets, certificates and keys. */
  readonly readSecret: ReadSecret;
  /** Where `proxy_from_environment` looks. */
  readonly environment: Environment;
  /** Opens no connection to an address that is blocked. */
  readonly network: CheckedNetwork;
  readonly userAgent: string;
}

export interface ClosableHttpClient extends HttpClient {
  /** Closes all connections; what is under way fails. */
  close(): void;
}

/** What is kept for one `http_config`. */
interface Kept {
  readonly pool: ConnectionPool;
  readonly token: OAuth2Token | null;
}

/**
 * Calls receivers over HTTP/1.1. Connections and tokens are kept for each settings object, so that an integration that has its own
 * shares neither with another.
 */
export function createHttpClient(tools: HttpClientTools): ClosableHttpClient {
  return new NodeHttpClient(tools);
}

class NodeHttpClient implements ClosableHttpClient {
  readonly #tools: HttpClientTools;
  readonly #guard: AddressGuard;
  readonly #lookup: CheckedNetwork['lookup'];
  readonly #kept = new Map<HttpClientSettings, Kept>();

  constructor(tools: HttpClientTools) {
    this.#tools = tools;
    this.#guard = tools.network.guard;
    this.#lookup = tools.network.lookup;
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    const url = URL.parse(request.url);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new NoAnswer('settings', 'the address of the receiver is no http or https URL');
    }
    if (request.signal.aborted) throw new NoAnswer('timeout', `${url.host}: no time is left to call it`);
    return await this.#follow(request, url);
  }

  close(): void {
    for (const { pool } of this.#kept.values()) pool.close();
    this.#kept.clear();
  }

  async #follow(request: HttpRequest, url: URL): Promise<HttpAnswer> {
    const secrets = new RequestSecrets();
    const headers = await this.#headers(request, url, secrets);
    const body = piecesOf(request.body);
    let target: Target = { url, method: request.method, hasBody: true, isElsewhere: false };
    for (let redirects = 0; ; redirects++) {
      secrets.addAddress(target.url);
      const { status, location, answer } = await this.#call(request, target, {
        headers: withoutBodyHeaders(target.isElsewhere ? headers.elsewhere : headers.own, target.hasBody),
        body: target.hasBody ? body : [],
        secrets,
      });
      const next = request.settings.follow_redirects ? redirected(target, status, location) : null;
      if (next === null) return answer;
      if (redirects === maxRedirects) {
        throw new NoAnswer('settings', `${target.url.host}: it leads on more than ${maxRedirects} times`);
      }
      target = next;
    }
  }

  async #headers(request: HttpRequest, url: URL, secrets: RequestSecrets) {
    const { settings, signal, headers: given } = request;
    const { readSecret: read, userAgent } = this.#tools;
    if (url.username !== '' || url.password !== '') secrets.add(basicOf(url));
    const inAddress =
      url.username === '' && url.password === '' ? {} : { authorization: `Basic ${basicOf(url)}` };
    const token = this.#keptFor(settings).token;
    const ofToken = token === null ? {} : { authorization: await token.authorization(signal) };
    return await requestHeaders({
      given: { ...inAddress, ...ofToken, ...given },
      userAgent,
      settings,
      read,
      secrets,
    });
  }

  async #call(
    request: HttpRequest,
    target: Target,
    { headers, body, secrets }: Sent,
  ): Promise<{
    readonly status: number;
    readonly location: string | undefined;
    readonly answer: HttpAnswer;
  }> {
    const { signal, settings } = request;
    const { url, method } = target;
    const proxy = proxyFor(url, settings, this.#tools.environment);
    const host = hostNameOf(url);
    if (proxy === null) this.#guard.checkLiteral(host);
    else {
      this.#guard.checkName(host);
      this.#guard.checkLiteral(hostNameOf(proxy));
    }
    const { pool, token } = this.#keptFor(settings);
    // Without a tunnel it is the proxy that was not reached.
    const called = proxy !== null && url.protocol === 'http:' ? `the proxy ${proxy.host}` : url.host;
    try {
      const way = await pool.wayTo(url, proxy);
      const lookup = this.#lookup;
      const received = await exchange({ url, method, headers, body, way, lookup, signal });
      const { text, cutBy } = await readBody(received);
      const status = received.statusCode ?? 0;
      // It may have been withdrawn before its time.
      if (status === 401) token?.forget();
      const answer = {
        status,
        headers: joinedHeaders(received.headers),
        body: text,
        withoutSecrets: secrets.withoutSecrets,
        ...(cutBy === null ? {} : { cut: noAnswerOf(cutBy, called, signal) }),
      };
      return { status, location: received.headers.location, answer };
    } catch (error) {
      throw noAnswerOf(error, called, signal);
    }
  }

  #keptFor(settings: HttpClientSettings): Kept {
    const known = this.#kept.get(settings);
    if (known) {
      // The map's order is that of use.
      this.#kept.delete(settings);
      this.#kept.set(settings, known);
      return known;
    }
    const { readSecret, clock, random } = this.#tools;
    const pool = new ConnectionPool(settings, readSecret, this.#lookup);
    const request = (forToken: HttpRequest): Promise<HttpAnswer> => this.request(forToken);
    const ofTokens = { clock, random, readSecret, request };
    const token = settings.oauth2 ? new OAuth2Token(settings.oauth2, ofTokens) : null;
    const kept = { pool, token };
    this.#kept.set(settings, kept);
    this.#closeLeastUsed();
    return kept;
  }

  #closeLeastUsed(): void {
    if (this.#kept.size <= maxConnectionPools) return;
    const [oldest] = this.#kept;
    if (!oldest) return;
    const [settings, { pool }] = oldest;
    this.#kept.delete(settings);
    pool.close();
  }
}

interface Sent {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: readonly Uint8Array[];
  readonly secrets: RequestSecrets;
}

function basicOf({ username, password }: URL): string {
  return Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
}

function withoutBodyHeaders(headers: Sent['headers'], hasBody: boolean): Sent['headers'] {
  if (hasBody) return headers;
  const { 'content-type': _, ...others } = headers;
  return others;
}

function joinedHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : (value ?? []).join(', '),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
