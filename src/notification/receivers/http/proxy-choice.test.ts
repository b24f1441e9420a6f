import { expect, it } from 'vitest';

import { proxyFor } from './proxy-choice.ts';

const PROXY = 'http://proxy.test:3128';

/** By Go's httpproxy: what `no_proxy` says of an address. */
it.each([
  ['*', 'http://a.example.com/', false],
  ['example.com', 'http://example.com/', false],
  ['example.com', 'http://a.example.com/', false],
  ['example.com', 'http://badexample.com/', true],
  ['.example.com', 'http://example.com/', true],
  ['.example.com', 'http://a.example.com/', false],
  ['*.example.com', 'http://a.example.com/', false],
  ['EXAMPLE.com', 'http://example.COM/', false],
  ['other.com, example.com', 'http://example.com/', false],
  ['example.com:8080', 'http://example.com:8080/', false],
  ['example.com:8080', 'http://example.com/', true],
  ['example.com:443', 'https://example.com/', false],
  ['10.0.0.1', 'http://10.0.0.1/', false],
  ['10.0.0.1', 'http://10.0.0.2/', true],
  ['10.0.0.1:80', 'http://10.0.0.1/', false],
  ['10.0.0.0/8', 'http://10.9.9.9/', false],
  ['10.0.0.0/8', 'http://11.0.0.1/', true],
  ['10.0.0.0/99', 'http://10.0.0.1/', true],
  ['fd00::/8', 'http://[fd00::1]/', false],
  ['[fd00::1]:80', 'http://[fd00::1]/', false],
  ['other.com', 'http://localhost/', false],
  ['other.com', 'http://127.0.0.1/', false],
  ['other.com', 'http://[::1]/', false],
  ['', 'http://127.0.0.1/', true],
])('no_proxy %j: %s by the proxy: %s', (no_proxy, url, isProxied) => {
  const proxy = proxyFor(new URL(url), { proxy_url: PROXY, no_proxy, proxy_from_environment: false }, {});
  expect(proxy?.href ?? null).toBe(isProxied ? `${PROXY}/` : null);
});

it.each([
  [{ HTTP_PROXY: PROXY }, 'http://a.test/', `${PROXY}/`],
  [{ http_proxy: PROXY }, 'http://a.test/', `${PROXY}/`],
  [{ HTTP_PROXY: 'proxy.test:3128' }, 'http://a.test/', `${PROXY}/`],
  [{ HTTP_PROXY: PROXY }, 'https://a.test/', null],
  [{ HTTPS_PROXY: PROXY }, 'https://a.test/', `${PROXY}/`],
  [{ HTTP_PROXY: PROXY, NO_PROXY: 'a.test' }, 'http://a.test/', null],
  [{ HTTP_PROXY: PROXY }, 'http://localhost/', null],
  [{}, 'http://a.test/', null],
])('the environment %j: %s by %s', (environment, url, proxy) => {
  const chosen = proxyFor(new URL(url), { proxy_from_environment: true }, environment);
  expect(chosen?.href ?? null).toBe(proxy);
});

it('refuses what it does not speak', () => {
  const settings = { proxy_url: 'socks5://proxy.test:1080', proxy_from_environment: false };
  expect(() => proxyFor(new URL('http://a.test/'), settings, {})).toThrow(
    'the proxy proxy.test:1080 has the scheme socks5, and only http and https are spoken',
  );
});
