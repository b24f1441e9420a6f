import { expect, it } from 'vitest';
import { problemsIn, read, withRoute } from './reading.test-support.ts';

/** A file whose `http_config` stands in line 6, from column 16 on. */
function withHttp(config: string): string {
  return withRoute(`global:\n  http_config: ${config}\n`);
}

it.each([
  ['{}', { follow_redirects: true, enable_http2: true, http_headers: {}, proxy_connect_header: {} }],
  ['{ bearer_token: t }', { authorization: { type: 'Bearer', credentials: 't' } }],
  [
    '{ bearer_token_file: t }',
    { authorization: { type: 'Bearer', credentials_file: '/etc/alertmanager/t' } },
  ],
  ['{ authorization: { credentials: t } }', { authorization: { type: 'Bearer', credentials: 't' } }],
  ['{ authorization: { type: " Token " } }', { authorization: { type: 'Token' } }],
  ['{ basic_auth: { username: u, password: p } }', { basic_auth: { username: 'u', password: 'p' } }],
  ['{ follow_redirects: false, enable_http2: no }', { follow_redirects: false, enable_http2: false }],
  [
    '{ proxy_url: "http://proxy:3128", no_proxy: internal, proxy_connect_header: { X-Key: [k] } }',
    { proxy_url: 'http://proxy:3128', no_proxy: 'internal', proxy_connect_header: { 'X-Key': ['k'] } },
  ],
  ['{ proxy_from_environment: true }', { proxy_from_environment: true }],
  [
    '{ tls_config: { cert_file: c, key_file: k, min_version: TLS12, max_version: TLS13, insecure_skip_verify: true } }',
    {
      tls_config: {
        cert_file: '/etc/alertmanager/c',
        key_file: '/etc/alertmanager/k',
        min_version: 'TLS12',
        max_version: 'TLS13',
        insecure_skip_verify: true,
      },
    },
  ],
  [
    '{ http_headers: { X-A: { values: [a], secrets: [b], files: [c] } } }',
    { http_headers: { 'X-A': { values: ['a'], secrets: ['b'], files: ['/etc/alertmanager/c'] } } },
  ],
  [
    '{ oauth2: { client_id: i, client_secret: s, token_url: u, scopes: [a], endpoint_params: { b: c }, tls_config: { ca: x } } }',
    {
      oauth2: {
        client_id: 'i',
        client_secret: 's',
        token_url: 'u',
        scopes: ['a'],
        endpoint_params: { b: 'c' },
        tls_config: { ca: 'x' },
      },
    },
  ],
  [
    '{ oauth2: { client_id: i, token_url: u, grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", client_certificate_key_file: k, claims: { n: 1 } } }',
    {
      oauth2: {
        jwt: {
          key_file: '/etc/alertmanager/k',
          algorithm: 'RS256',
          issuer: 'i',
          audience: 'u',
          claims: { n: 1 },
        },
      },
    },
  ],
])('%s is read', async (config, expected) => {
  const { global } = await read(withHttp(config));
  expect(global.http_config).toMatchObject(expected);
});

it.each([
  [
    '{ bearer_token: a, bearer_token_file: b }',
    'at most one of bearer_token & bearer_token_file must be configured',
  ],
  [
    '{ basic_auth: {}, authorization: {} }',
    'at most one of basic_auth, oauth2 & authorization must be configured',
  ],
  [
    '{ basic_auth: {}, oauth2: { client_id: i, token_url: u } }',
    'at most one of basic_auth, oauth2 & authorization must be configured',
  ],
  [
    '{ basic_auth: {}, bearer_token: a }',
    'at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured',
  ],
  [
    '{ authorization: {}, bearer_token: a }',
    'authorization is not compatible with bearer_token & bearer_token_file',
  ],
  [
    '{ basic_auth: { password: a, password_file: b } }',
    'at most one of basic_auth password & password_file & password_ref must be configured',
  ],
  [
    '{ basic_auth: { username: a, username_file: b } }',
    'at most one of basic_auth username & username_file & username_ref must be configured',
  ],
  [
    '{ authorization: { credentials: a, credentials_file: b } }',
    'at most one of authorization credentials & credentials_file & credentials_ref must be configured',
  ],
  [
    '{ authorization: { type: Basic } }',
    'authorization type cannot be set to "basic", use "basic_auth" instead',
  ],
  [
    '{ authorization: { credentials_ref: a } }',
    'credentials_ref needs a secret manager, and there is none; write the secret, or its file',
  ],
  ['{ oauth2: { token_url: u } }', 'oauth2 client_id must be configured'],
  ['{ oauth2: { client_id: i } }', 'oauth2 token_url must be configured'],
  [
    '{ oauth2: { client_id: i, token_url: u, client_secret: a, client_secret_file: b } }',
    'at most one of oauth2 client_secret & client_secret_file & client_secret_ref must be configured',
  ],
  [
    '{ oauth2: { client_id: i, token_url: u, grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", signature_algorithm: HS256 } }',
    'valid signature algorithms are RS256, RS384, RS512',
  ],
  ['{ tls_config: { ca: a, ca_file: b } }', 'at most one of ca & ca_file & ca_ref must be configured'],
  [
    '{ tls_config: { cert_file: a } }',
    'exactly one of key or key_file must be configured when a client certificate is configured',
  ],
  [
    '{ tls_config: { key_file: a } }',
    'exactly one of cert or cert_file must be configured when a client key is configured',
  ],
  [
    '{ tls_config: { min_version: TLS13, max_version: TLS12 } }',
    'max_version TLS12 is below min_version TLS13',
  ],
  ['{ tls_config: { min_version: TLS09 } }', 'expected one of TLS10, TLS11, TLS12, TLS13'],
  ['{ no_proxy: a }', 'if no_proxy is configured, proxy_url must also be configured'],
  [
    '{ proxy_from_environment: true, proxy_url: "http://p" }',
    'if proxy_from_environment is configured, proxy_url must not be configured',
  ],
  [
    '{ proxy_from_environment: true, no_proxy: a }',
    'if proxy_from_environment is configured, no_proxy must not be configured',
  ],
  [
    '{ proxy_connect_header: { A: [b] } }',
    'if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured',
  ],
  ['{ http_headers: { host: { values: [a] } } }', 'setting header "host" is not allowed'],
  ['{ http_headers: { A: { value: [a] } } }', 'did you mean "values"?'],
])('%s is refused', async (config, expected) => {
  const problems = await problemsIn(withHttp(config));
  expect(problems).toEqual([expect.stringContaining(expected)]);
  expect(problems[0]).toMatch(/^am\.yml:6:\d+: /);
});
