import { describe, expect, it } from 'vitest';
import { mailAddresses, maxAddressLength } from './mail-addresses.ts';

describe('mailAddresses', () => {
  it.each([
    ['ops@example.org', ['ops@example.org']],
    [' Ops <ops@example.org> ,eva@example.org', ['ops@example.org', 'eva@example.org']],
    ['"Doe, Jane" <jane@example.org>', ['jane@example.org']],
    ['"a \\" b" <jane@example.org>', ['jane@example.org']],
    ['J. R. Doe <jane@example.org>', ['jane@example.org']],
    ['<jane@example.org>', ['jane@example.org']],
    ['a@x.org, a@x.org', ['a@x.org']],
    ['jürgen@bücher.example', ['jürgen@bücher.example']],
    ['"two words"@example.org', ['"two words"@example.org']],
    ['root@[192.0.2.1]', ['root@[192.0.2.1]']],
    ['Ops: a@x.org, B <b@x.org>;', ['a@x.org', 'b@x.org']],
    ['a@x.org,', ['a@x.org']],
  ])('reads %j', (list, expected) => {
    expect(mailAddresses(list)).toEqual(expected);
  });

  it.each([
    [''],
    [' '],
    ['nobody'],
    ['@example.org'],
    ['a@'],
    ['a@x.org b@x.org'],
    ['a@x.org> <b@x.org'],
    ['a@x.org> RCPT TO:<b@x.org>'],
    ['a@x.org\r\nRCPT TO:<b@x.org>'],
    ['a\u0000@x.org'],
    ['a@b@x.org'],
    ['a@x.org <b@x.org>'],
    ['Ops <a@x.org'],
    [',a@x.org'],
    ['a@x.org,,b@x.org'],
    [`${'a'.repeat(320)}@x.org`],
  ])('refuses %j', (list) => {
    expect(mailAddresses(list)).toBeNull();
  });

  it(`reads an address of ${maxAddressLength} characters, and refuses a longer one`, () => {
    const address = (characters: number): string => `${'a'.repeat(64)}@${'b'.repeat(characters - 65)}`;
    const longest = address(maxAddressLength);
    expect(mailAddresses(`Ops <${longest}>, a@x.org`)).toEqual([longest, 'a@x.org']);
    expect(mailAddresses(`Ops <${address(maxAddressLength + 1)}>, a@x.org`)).toBeNull();
  });
});
