import { expect, it } from 'vitest';

import { AddressGuard, hostNameOf } from './address-guard.ts';
import { NoAnswer } from './http-client.ts';

const BLOCKED = [
  '169.254.169.254',
  '169.254.0.1',
  '169.254.170.2',
  '0.0.0.0',
  '0.1.2.3',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '::',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  // The same in the clothes of IPv6: mapped, compatible, NAT64, 6to4, translated.
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::169.254.169.254',
  '64:ff9b::169.254.169.254',
  '64:ff9b:1::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '::ffff:0:a9fe:a9fe',
  '::ffff:0.0.0.0',
];

const CALLED = [
  '127.0.0.1',
  '::1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '169.253.255.255',
  '169.255.0.1',
  '8.8.8.8',
  'fd00::1',
  'fec0::1',
  '2001:db8::1',
  '::ffff:127.0.0.1',
  '64:ff9b::8.8.8.8',
];

it.each(BLOCKED)('%s is not called', (address) => {
  const guard = new AddressGuard([]);
  expect(() => guard.check('hooks.example.com', address)).toThrow(NoAnswer);
  expect(() => guard.checkLiteral(address)).toThrow(/x-omoi.allowed_addresses/);
});

it.each(CALLED)('%s is called', (address) => {
  const guard = new AddressGuard([]);
  expect(() => guard.check('hooks.example.com', address)).not.toThrow();
});

it.each([
  ['169.254.169.254', '169.254.169.254'],
  ['169.254.169.0/24', '169.254.169.254'],
  ['fe80::/10', 'fe80::1%eth0'],
  ['hooks.example.com', '169.254.1.1'],
  ['HOOKS.example.com', '169.254.1.1'],
])('%s in x-omoi.allowed_addresses allows %s', (allowed, address) => {
  const guard = new AddressGuard([allowed]);
  expect(() => guard.check('hooks.example.com', address)).not.toThrow();
  // Nothing else is allowed by it.
  expect(() => guard.check('other.example.com', '100.100.100.200')).toThrow(NoAnswer);
});

it('knows metadata services by name where a proxy resolves names', () => {
  const guard = new AddressGuard([]);
  expect(() => guard.checkName('metadata.google.internal')).toThrow(NoAnswer);
  expect(() => guard.checkName('169.254.169.254')).toThrow(NoAnswer);
  expect(() => guard.checkName('hooks.example.com')).not.toThrow();
  expect(() =>
    new AddressGuard(['metadata.google.internal']).checkName('metadata.google.internal'),
  ).not.toThrow();
});

it.each([
  ['http://[FE80::1]/', 'fe80::1'],
  ['http://Example.COM./', 'example.com'],
  ['http://0xa9fea9fe/', '169.254.169.254'],
  ['http://2852039166/', '169.254.169.254'],
  ['http://169.254.43518/', '169.254.169.254'],
])('the host of %s is %s', (url, host) => {
  expect(hostNameOf(new URL(url))).toBe(host);
});
