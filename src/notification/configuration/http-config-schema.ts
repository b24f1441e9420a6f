import { z } from 'zod';
import type { HttpClientSettings } from '../receivers/http/http-client.ts';
import type { SettingsProblem } from '../receivers/receiver-kind.ts';
import { problemOfUrl } from './go-url.ts';
import {
  checkedBy,
  filePath,
  filePaths,
  flag,
  secret,
  secretLists,
  secrets,
  text,
  textMap,
  texts,
} from './setting-schemas.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SIGNATURE_ALGORITHMS = ['RS256', 'RS384', 'RS512'];
const TLS_VERSIONS = ['TLS10', 'TLS11', 'TLS12', 'TLS13'];

/** Headers that belong to the connection or that Prometheus's programs set themselves; in lower case. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'content-encoding',
  'content-length',
  'content-type',
  'user-agent',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'www-authenticate',
  'accept-encoding',
  'x-prometheus-remote-write-version',
  'x-prometheus-remote-read-version',
  'x-prometheus-scrape-timeout-seconds',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

const tlsVersion = z.enum(TLS_VERSIONS, `expected one of ${TLS_VERSIONS.join(', ')}`).nullish();

const tlsKeys = z.strictObject({
  ca: text(),
  cert: text(),
  key: secret(),
  ca_file: filePath(),
  cert_file: filePath(),
  key_file: filePath(),
  ca_ref: text(),
  cert_ref: text(),
  key_ref: text(),
  server_name: text(),
  insecure_skip_verify: flag(),
  min_version: tlsVersion,
  max_version: tlsVersion,
});

type TlsKeys = z.output<typeof tlsKeys>;

/** `tls_config`; undefined where it is not written. */
const optionalTlsConfig = tlsKeys
  .superRefine(checkedBy(tlsProblems))
  .nullish()
  .transform((keys) => (keys ? tlsSettings(keys) : undefined));

/** `tls_config` with its defaults; null where it is not written. */
export function tlsConfig() {
  return optionalTlsConfig.transform((settings) => settings ?? null);
}

const proxyKeys = {
  proxy_url: text().superRefine((value, context) => {
    const message = problemOfUrl(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  }),
  no_proxy: text(),
  proxy_from_environment: flag(),
  proxy_connect_header: secretLists(),
};

const basicAuthKeys = z.strictObject({
  username: text(),
  username_file: filePath(),
  username_ref: text(),
  password: secret(),
  password_file: filePath(),
  password_ref: text(),
});

const authorizationKeys = z.strictObject({
  type: text(),
  credentials: secret(),
  credentials_file: filePath(),
  credentials_ref: text(),
});

const oauth2Keys = z.strictObject({
  client_id: text(),
  client_secret: secret(),
  client_secret_file: filePath(),
  client_secret_ref: text(),
  client_certificate_key_id: text(),
  client_certificate_key: secret(),
  client_certificate_key_file: filePath(),
  client_certificate_key_ref: text(),
  grant_type: text(),
  signature_algorithm: text(),
  iss: text(),
  audience: text(),
  claims: z.record(z.string(), z.unknown()).nullish(),
  scopes: texts(),
  token_url: text(),
  endpoint_params: textMap(),
  tls_config: optionalTlsConfig,
  ...proxyKeys,
});

const headerKeys = z.strictObject({ values: texts(), secrets: secrets(), files: filePaths() });

/** `http_headers` of a client, `headers` of tracing. */
export const headersSchema = z
  .record(z.string(), headerKeys)
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      if (!RESERVED_HEADERS.has(name.toLowerCase())) continue;
      context.addIssue({ code: 'custom', path: [name], message: `setting header "${name}" is not allowed` });
    }
  })
  .nullish();

const httpKeys = z.strictObject({
  basic_auth: basicAuthKeys.nullish(),
  authorization: authorizationKeys.nullish(),
  oauth2: oauth2Keys.nullish(),
  bearer_token: secret(),
  bearer_token_file: filePath(),
  tls_config: optionalTlsConfig,
  follow_redirects: flag(true),
  enable_http2: flag(true),
  http_headers: headersSchema,
  ...proxyKeys,
});

type HttpKeys = z.output<typeof httpKeys>;
type OAuth2Keys = z.output<typeof oauth2Keys>;

/**
 * An `http_config` with the checks of Prometheus's client library; null where it is not written: then the global one counts, whole.
 */
export function httpConfig() {
  return httpKeys
    .superRefine(checkedBy(httpProblems))
    .nullish()
    .transform((keys): HttpClientSettings | null => (keys ? httpSettings(keys) : null));
}

/** What an `http_config` without any key means. */
export const DEFAULT_HTTP_SETTINGS: HttpClientSettings = {
  proxy_from_environment: false,
  proxy_connect_header: {},
  follow_redirects: true,
  enable_http2: true,
  tls_config: { insecure_skip_verify: false },
  http_headers: {},
};

function tlsProblems(keys: TlsKeys): readonly SettingsProblem[] {
  const { min_version: min, max_version: max } = keys;
  const hasCert = anyOf(keys, ['cert', 'cert_file', 'cert_ref']);
  const hasKey = anyOf(keys, ['key', 'key_file', 'key_ref']);
  return [
    ...atMostOneOf(keys, ['ca', 'ca_file', 'ca_ref'], ''),
    ...atMostOneOf(keys, ['cert', 'cert_file', 'cert_ref'], ''),
    ...atMostOneOf(keys, ['key', 'key_file', 'key_ref'], ''),
    ...references(keys),
    ...(hasCert && !hasKey
      ? [
          {
            path: [],
            message:
              'exactly one of key or key_file must be configured when a client certificate is configured',
          },
        ]
      : []),
    ...(hasKey && !hasCert
      ? [
          {
            path: [],
            message: 'exactly one of cert or cert_file must be configured when a client key is configured',
          },
        ]
      : []),
    ...(min && max && max < min
      ? [{ path: ['max_version'], message: `max_version ${max} is below min_version ${min}` }]
      : []),
  ];
}

function httpProblems(keys: HttpKeys): readonly SettingsProblem[] {
  const { basic_auth: basic, authorization, oauth2 } = keys;
  const bearers = (['bearer_token', 'bearer_token_file'] as const).filter((key) => keys[key] !== null);
  const ways = (['basic_auth', 'oauth2', 'authorization'] as const).filter((key) => keys[key]);
  const problems: SettingsProblem[] = [...atMostOneOf(keys, ['bearer_token', 'bearer_token_file'], '')];
  if (ways.length > 1) {
    problems.push(
      problem(ways.slice(-1), 'at most one of basic_auth, oauth2 & authorization must be configured'),
    );
  }
  const [bearer] = bearers;
  if (bearer && authorization) {
    problems.push(problem([bearer], 'authorization is not compatible with bearer_token & bearer_token_file'));
  } else if (bearer && ways.length > 0) {
    problems.push(
      problem(
        [bearer],
        'at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured',
      ),
    );
  }
  if (basic) {
    problems.push(
      ...below('basic_auth', [
        ...atMostOneOf(basic, ['username', 'username_file', 'username_ref'], 'basic_auth '),
        ...atMostOneOf(basic, ['password', 'password_file', 'password_ref'], 'basic_auth '),
        ...references(basic),
      ]),
    );
  }
  if (authorization) problems.push(...below('authorization', authorizationProblems(authorization)));
  if (oauth2) problems.push(...below('oauth2', oauth2Problems(oauth2)));
  return [...problems, ...proxyProblems(keys)];
}

function authorizationProblems(keys: z.output<typeof authorizationKeys>): readonly SettingsProblem[] {
  const isBasic = keys.type.trim().toLowerCase() === 'basic';
  return [
    ...atMostOneOf(keys, ['credentials', 'credentials_file', 'credentials_ref'], 'authorization '),
    ...references(keys),
    ...(isBasic
      ? [problem(['type'], 'authorization type cannot be set to "basic", use "basic_auth" instead')]
      : []),
  ];
}

function oauth2Problems(keys: OAuth2Keys): readonly SettingsProblem[] {
  const { signature_algorithm: algorithm } = keys;
  const isJwt = keys.grant_type === JWT_BEARER;
  const badAlgorithm = isJwt && algorithm !== '' && !SIGNATURE_ALGORITHMS.includes(algorithm);
  return [
    ...(keys.client_id === '' ? [problem([], 'oauth2 client_id must be configured')] : []),
    ...(keys.token_url === '' ? [problem([], 'oauth2 token_url must be configured')] : []),
    ...(isJwt
      ? atMostOneOf(
          keys,
          ['client_certificate_key', 'client_certificate_key_file', 'client_certificate_key_ref'],
          'oauth2 ',
        )
      : atMostOneOf(keys, ['client_secret', 'client_secret_file', 'client_secret_ref'], 'oauth2 ')),
    ...(badAlgorithm
      ? [
          problem(
            ['signature_algorithm'],
            `valid signature algorithms are ${SIGNATURE_ALGORITHMS.join(', ')}`,
          ),
        ]
      : []),
    ...references(keys),
    ...proxyProblems(keys),
  ];
}

interface ProxyKeys {
  readonly proxy_url: string;
  readonly no_proxy: string;
  readonly proxy_from_environment: boolean;
  readonly proxy_connect_header: Readonly<Record<string, readonly string[]>>;
}

function proxyProblems(keys: ProxyKeys): readonly SettingsProblem[] {
  const { proxy_url: url, no_proxy: except, proxy_from_environment: fromEnvironment } = keys;
  const problems: SettingsProblem[] = [];
  if (Object.keys(keys.proxy_connect_header).length > 0 && !fromEnvironment && url === '') {
    problems.push(
      problem(
        ['proxy_connect_header'],
        'if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured',
      ),
    );
  }
  if (fromEnvironment && url !== '') {
    problems.push(
      problem(['proxy_url'], 'if proxy_from_environment is configured, proxy_url must not be configured'),
    );
  }
  if (fromEnvironment && except !== '') {
    problems.push(
      problem(['no_proxy'], 'if proxy_from_environment is configured, no_proxy must not be configured'),
    );
  }
  if (!fromEnvironment && url === '' && except !== '') {
    problems.push(problem(['no_proxy'], 'if no_proxy is configured, proxy_url must also be configured'));
  }
  return problems;
}

/** `…_ref` names a secret of a secret manager, which neither Alertmanager nor Omoi has. */
function references(keys: object): readonly SettingsProblem[] {
  return Object.entries(keys).flatMap(([key, value]) =>
    key.endsWith('_ref') && value !== ''
      ? [problem([key], `${key} needs a secret manager, and there is none; write the secret, or its file`)]
      : [],
  );
}

function atMostOneOf<Keys extends object>(
  keys: Keys,
  names: readonly (keyof Keys & string)[],
  of: string,
): readonly SettingsProblem[] {
  const [, second] = names.filter((name) => isSet(keys[name]));
  if (second === undefined) return [];
  return [problem([second], `at most one of ${of}${names.join(' & ')} must be configured`)];
}

function anyOf<Keys extends object>(keys: Keys, names: readonly (keyof Keys)[]): boolean {
  return names.some((name) => isSet(keys[name]));
}

function isSet(value: unknown): boolean {
  return value !== null && value !== '';
}

function problem(path: readonly string[], message: string): SettingsProblem {
  return { path, message };
}

function below(key: string, problems: readonly SettingsProblem[]): readonly SettingsProblem[] {
  return problems.map(({ path, message }) => ({ path: [key, ...path], message }));
}

function tlsSettings(keys: TlsKeys): HttpClientSettings['tls_config'] {
  return {
    ...written('ca', keys.ca),
    ...written('ca_file', keys.ca_file),
    ...written('cert', keys.cert),
    ...written('cert_file', keys.cert_file),
    ...written('key', keys.key),
    ...written('key_file', keys.key_file),
    ...written('server_name', keys.server_name),
    ...written('min_version', keys.min_version),
    ...written('max_version', keys.max_version),
    insecure_skip_verify: keys.insecure_skip_verify,
  };
}

function httpSettings(keys: HttpKeys): HttpClientSettings {
  const { basic_auth: basic, oauth2 } = keys;
  const authorization = authorizationOf(keys);
  return {
    ...(basic && {
      basic_auth: {
        ...written('username', basic.username),
        ...written('username_file', basic.username_file),
        ...written('password', basic.password),
        ...written('password_file', basic.password_file),
      },
    }),
    ...(authorization && { authorization }),
    ...(oauth2 && { oauth2: oauth2Settings(oauth2) }),
    ...proxySettings(keys),
    follow_redirects: keys.follow_redirects,
    enable_http2: keys.enable_http2,
    tls_config: keys.tls_config ?? DEFAULT_HTTP_SETTINGS.tls_config,
    http_headers: keys.http_headers ?? {},
  };
}

/** `bearer_token` is an older way to write it. */
function authorizationOf(keys: HttpKeys): HttpClientSettings['authorization'] | null {
  const { authorization, bearer_token: token, bearer_token_file: file } = keys;
  if (authorization) {
    return {
      type: authorization.type.trim() || 'Bearer',
      ...written('credentials', authorization.credentials),
      ...written('credentials_file', authorization.credentials_file),
    };
  }
  if (token === null && file === null) return null;
  return { type: 'Bearer', ...written('credentials', token), ...written('credentials_file', file) };
}

function oauth2Settings(keys: OAuth2Keys): NonNullable<HttpClientSettings['oauth2']> {
  return {
    client_id: keys.client_id,
    ...written('client_secret', keys.client_secret),
    ...written('client_secret_file', keys.client_secret_file),
    token_url: keys.token_url,
    scopes: keys.scopes,
    endpoint_params: keys.endpoint_params,
    ...(keys.tls_config && { tls_config: keys.tls_config }),
    ...proxySettings(keys),
    ...(keys.grant_type === JWT_BEARER && {
      jwt: {
        ...written('key', keys.client_certificate_key),
        ...written('key_file', keys.client_certificate_key_file),
        ...written('key_id', keys.client_certificate_key_id),
        algorithm: keys.signature_algorithm || 'RS256',
        issuer: keys.iss || keys.client_id,
        audience: keys.audience || keys.token_url,
        claims: keys.claims ?? {},
      },
    }),
  };
}

function proxySettings(keys: ProxyKeys) {
  return {
    ...written('proxy_url', keys.proxy_url),
    ...written('no_proxy', keys.no_proxy),
    proxy_from_environment: keys.proxy_from_environment,
    proxy_connect_header: keys.proxy_connect_header,
  };
}

/** A key that is there only where something is written for it. */
function written<Key extends string>(
  key: Key,
  value: string | null | undefined,
): { readonly [Name in Key]?: string } {
  return value ? ({ [key]: value } as { [Name in Key]: string }) : {};
}
