import { expect, it } from 'vitest';
import { configSchema } from './config/schema.ts';
import { hostsAllowed, isEveryAddress, urlForOthers } from './public-address.ts';

it.each([
  ['0.0.0.0', true],
  ['0', true],
  ['::', true],
  ['0:0:0:0:0:0:0:0', true],
  ['127.0.0.1', false],
  ['::1', false],
  ['192.0.2.7', false],
  ['localhost', false],
  ['no host', false],
])('whether %s is every address: %s', (host, every) => {
  expect(isEveryAddress(host)).toBe(every);
});

it.each<[why: string, config: object, url: string | null, allowed: readonly string[]]>([
  ['loopback is nobody else’s', {}, null, []],
  ['an address is what it is', { http: { host: '192.0.2.7' } }, null, []],
  ['every address has the machine’s name', { http: { host: '0.0.0.0' } }, 'http://Box:4700', ['box']],
  [
    'what the configuration says goes first',
    {
      http: { host: '::', allowed_hosts: ['omoi.example.org'] },
      alerting: { external_url: 'https://omoi.example.org/' },
    },
    'https://omoi.example.org',
    ['omoi.example.org', 'box'],
  ],
])('where others reach it: %s', (_why, written, url, allowed) => {
  const config = configSchema.parse(written);
  expect(urlForOthers(config, 4700, 'Box')).toBe(url);
  expect(hostsAllowed(config.http, 'Box')).toEqual(allowed);
});
