import { expect, it } from 'vitest';
import { problemOfHttpUrl, problemOfUrl, withSlashAtEnd } from './go-url.ts';

it.each([
  ['http://example.org', null],
  ['HTTPS://user:p%40ss@example.org:8443/a/b?x=%zz#f', null],
  ['http://[::1]:9093/', null],
  ['http://[fe80::1%25eth0]/', null],
  ['http://bücher.example/ä ö', null],
  ['http://a_b:/', null],
  ['', 'the address has no scheme; write https://…'],
  ['example.org/hook', 'the address has no scheme; write https://…'],
  [
    '${SLACK_WEBHOOK_URL}',
    'environment variables are not filled in, nor does Alertmanager; write https://…, or a …_file',
  ],
  [
    '$HOOK/alerts',
    'environment variables are not filled in, nor does Alertmanager; write https://…, or a …_file',
  ],
  ['example.org:80/hook', 'unsupported scheme "example.org" for URL'],
  ['ftp://example.org', 'unsupported scheme "ftp" for URL'],
  ['http:example.org', 'missing host for URL'],
  ['http://', 'missing host for URL'],
  ['http:///path', 'missing host for URL'],
  ['http://user@/path', 'missing host for URL'],
  ['://example.org', 'missing protocol scheme'],
  ['1http://example.org', 'first path segment in URL cannot contain colon'],
  ['http://exa mple.org', 'invalid character in host name'],
  ['http://{{ .host }}/', 'invalid character in host name'],
  ['http://a%20b/', 'invalid character in host name'],
  ['http://example.org:http', 'invalid port after host'],
  ['http://[::1', "missing ']' in host"],
  ['http://[::1]x', 'invalid port after host'],
  ['http://a b@example.org', 'invalid userinfo in URL'],
  ['http://example.org/%zz', 'invalid URL escape'],
  ['http://example.org/#%4', 'invalid URL escape'],
  ['http://example.org/\n', 'invalid control character in URL'],
  ['http://example.org/\u0085', null],
])('of %j: %j', (text, expected) => {
  expect(problemOfHttpUrl(text)).toBe(expected);
});

it.each([
  ['', null],
  ['socks5://proxy:1080', null],
  ['proxy:1080', null],
  ['a b', null],
  ['http://pro xy', 'invalid character in host name'],
])('any URL may be %j: %j', (text, expected) => {
  expect(problemOfUrl(text)).toBe(expected);
});

it.each([
  ['https://api.opsgenie.com', 'https://api.opsgenie.com/'],
  ['https://api.opsgenie.com/', 'https://api.opsgenie.com/'],
  ['https://api.opsgenie.com/v2?x=/', 'https://api.opsgenie.com/v2/?x=/'],
  ['https://api.opsgenie.com#/', 'https://api.opsgenie.com/#/'],
])('%s gets its slash: %s', (text, expected) => {
  expect(withSlashAtEnd(text)).toBe(expected);
});
