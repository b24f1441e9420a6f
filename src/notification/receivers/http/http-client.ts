/**
 * An `http_config` as Prometheus's programs have it, defaults filled in; keys as they are written. Secrets stand here in the clear:
 * it is never shown (`configuration/shown-configuration.ts` shows what was written, without them).
 */
export interface HttpClientSettings {
  readonly basic_auth?: {
    readonly username?: string;
    readonly username_file?: string;
    readonly password?: string;
    readonly password_file?: string;
  };
  readonly authorization?: {
    readonly type: string;
    readonly credentials?: string;
    readonly credentials_file?: string;
  };
  readonly oauth2?: {
    readonly client_id: string;
    readonly client_secret?: string;
    readonly client_secret_file?: string;
    readonly token_url: string;
    readonly scopes: readonly string[];
    readonly endpoint_params: Readonly<Record<string, string>>;
    readonly tls_config?: HttpClientSettings['tls_config'];
    readonly proxy_url?: string;
    readonly no_proxy?: string;
    readonly proxy_from_environment?: boolean;
    readonly proxy_connect_header?: HttpClientSettings['proxy_connect_header'];
    /** Instead of the secret: `grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523). */
    readonly jwt?: {
      readonly key?: string;
      readonly key_file?: string;
      readonly key_id?: string;
      /** `RS256`, `RS384`, `RS512` */
      readonly algorithm: string;
      readonly issuer: string;
      readonly audience: string;
      readonly claims: Readonly<Record<string, unknown>>;
    };
  };
  readonly proxy_url?: string;
  readonly no_proxy?: string;
  readonly proxy_from_environment: boolean;
  readonly proxy_connect_header: Readonly<Record<string, readonly string[]>>;
  readonly follow_redirects: boolean;
  readonly enable_http2: boolean;
  readonly tls_config: {
    readonly ca?: string;
    readonly ca_file?: string;
    readonly cert?: string;
    readonly cert_file?: string;
    readonly key?: string;
    readonly key_file?: string;
    readonly server_name?: string;
    readonly insecure_skip_verify: boolean;
    readonly min_version?: string;
    readonly max_version?: string;
  };
  readonly http_headers: Readonly<
    Record<
      string,
      {
        readonly values?: readonly string[];
        readonly secrets?: readonly string[];
        readonly files?: readonly string[];
      }
    >
  >;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A long one in pieces, so that nobody has to put it together. */
  readonly body: string | Uint8Array | readonly Uint8Array[] | null;
  readonly signal: AbortSignal;
  readonly settings: HttpClientSettings;
}

/** An answer of whatever status. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its first 64 KiB. */
  readonly body: string;
  /** Why the body ended early: the connection was closed, or its time was over. Absent where it is whole. Status and headers count all the same. */
  readonly cut?: NoAnswer;
  /** A text in which what was secret in the request (credentials, the address beyond its host) is replaced by `<secret>`. */
  readonly withoutSecrets: (text: string) => string;
}

/** Why there is no answer. The text names host and cause and holds no secret, nor the path of an address that has one. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** `blocked`: the address may not be called (link-local, metadata); not retried. */
  readonly kind: 'timeout' | 'connection' | 'blocked' | 'settings';

  constructor(kind: NoAnswer['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface HttpClient {
  /** @throws NoAnswer */
  request(request: HttpRequest): Promise<HttpAnswer>;
}
