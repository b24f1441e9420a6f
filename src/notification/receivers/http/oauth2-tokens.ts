import { type Clock, messageOf, type Random } from '#telemetry';

import { hostNameOf } from './address-guard.ts';
import type { ReadSecret } from './credentials.ts';
import { type HttpAnswer, type HttpClientSettings, type HttpRequest, NoAnswer } from './http-client.ts';
import { jwtAssertion } from './jwt-assertion.ts';

type OAuth2Settings = NonNullable<HttpClientSettings['oauth2']>;

/** A token is not used in its last seconds: it may be late when it arrives. */
const tokenReserveMs = 10_000;

interface Token {
  readonly authorization: string;
  /** What it was got with: another secret in the file means another token. */
  readonly secret: string;
  /** On the monotonic clock. */
  readonly goodUntilMs: number;
}

/** How a client says who it is: in a header, or where a server does not take that, in the body. */
type ClientStyle = 'header' | 'body';

export interface OAuth2Tools {
  readonly clock: Clock;
  readonly random: Random;
  readonly readSecret: ReadSecret;
  readonly request: (request: HttpRequest) => Promise<HttpAnswer>;
}

/** Settings of the requests for tokens, which have an `http_config` of their own within `oauth2`. */
function settingsOf(oauth2: OAuth2Settings): HttpClientSettings {
  return {
    ...(oauth2.proxy_url === undefined ? {} : { proxy_url: oauth2.proxy_url }),
    ...(oauth2.no_proxy === undefined ? {} : { no_proxy: oauth2.no_proxy }),
    proxy_from_environment: oauth2.proxy_from_environment ?? false,
    proxy_connect_header: oauth2.proxy_connect_header ?? {},
    follow_redirects: false,
    enable_http2: false,
    tls_config: oauth2.tls_config ?? { insecure_skip_verify: false },
    http_headers: {},
  };
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/**
 * The token of one `oauth2`, got by its client's credentials (RFC 6749, 4.4) or by a signed assertion (RFC 7523), and kept while
 * it is good.
 */
export class OAuth2Token {
  readonly #oauth2: OAuth2Settings;
  readonly #settings: HttpClientSettings;
  readonly #tools: OAuth2Tools;
  #token: Token | null = null;
  #style: ClientStyle = 'header';

  constructor(oauth2: OAuth2Settings, tools: OAuth2Tools) {
    this.#oauth2 = oauth2;
    this.#settings = settingsOf(oauth2);
    this.#tools = tools;
  }

  /**
   * The value of `Authorization`.
   *
   * @throws NoAnswer
   */
  async authorization(signal: AbortSignal): Promise<string> {
    const secret = await this.#secret();
    const known = this.#token;
    const nowMs = this.#tools.clock.monotonicMs();
    if (known && known.secret === secret && nowMs < known.goodUntilMs) return known.authorization;
    const token = await this.#fetch(secret, signal);
    this.#token = token;
    return token.authorization;
  }

  /** It was refused: the next request gets another. */
  forget(): void {
    this.#token = null;
  }

  async #secret(): Promise<string> {
    const { jwt, client_secret, client_secret_file } = this.#oauth2;
    const secret = jwt ? jwt.key : client_secret;
    const path = jwt ? jwt.key_file : client_secret_file;
    if (secret || !path) return secret ?? '';
    try {
      return (await this.#tools.readSecret(path)).trim();
    } catch (error) {
      throw new NoAnswer('connection', `the secret of oauth2 cannot be read: ${messageOf(error)}`);
    }
  }

  async #fetch(secret: string, signal: AbortSignal): Promise<Token> {
    let answer = await this.#ask(secret, signal);
    if (!this.#oauth2.jwt && [400, 401, 403].includes(answer.status)) {
      const other = this.#style;
      this.#style = other === 'header' ? 'body' : 'header';
      answer = await this.#ask(secret, signal);
      if (answer.status !== 200) this.#style = other;
    }
    const host = this.#host;
    if (answer.status !== 200) {
      const said = `${host}: no OAuth 2 token: HTTP ${answer.status}`;
      throw new NoAnswer(answer.status >= 500 || answer.status === 429 ? 'connection' : 'settings', said);
    }
    if (answer.cut) throw answer.cut;
    return this.#read(answer.body, secret);
  }

  get #host(): string {
    const url = URL.parse(this.#oauth2.token_url);
    return url === null ? 'oauth2.token_url' : hostNameOf(url);
  }

  #read(body: string, secret: string): Token {
    const fields = fieldsOf(body);
    const { access_token: text, token_type: type = 'Bearer', expires_in: expiresIn } = fields;
    if (typeof text !== 'string' || text === '') {
      throw new NoAnswer('settings', `${this.#host}: its answer holds no access_token`);
    }
    const goodForMs = Number(expiresIn) > 0 ? Number(expiresIn) * 1000 - tokenReserveMs : Infinity;
    const scheme = String(type).toLowerCase() === 'bearer' ? 'Bearer' : String(type);
    return {
      authorization: `${scheme} ${text}`,
      secret,
      goodUntilMs: this.#tools.clock.monotonicMs() + goodForMs,
    };
  }

  #ask(secret: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { jwt, client_id: id, scopes, endpoint_params: params, token_url: url } = this.#oauth2;
    const scope = scopes.join(' ');
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    const form = new URLSearchParams({ grant_type: jwt ? JWT_BEARER : 'client_credentials', ...params });
    if (scope !== '') form.set('scope', scope);
    if (jwt) {
      const assertion = { settings: jwt, key: secret, clientId: id, scope };
      form.set('assertion', jwtAssertion(assertion, this.#tools.clock, this.#tools.random));
    } else if (this.#style === 'header') {
      const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
      headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
    } else {
      form.set('client_id', id);
      if (secret !== '') form.set('client_secret', secret);
    }
    return this.#tools.request({
      method: 'POST',
      url,
      headers,
      body: form.toString(),
      signal,
      settings: this.#settings,
    });
  }
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
