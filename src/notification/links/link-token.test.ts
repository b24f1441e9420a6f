import { describe, expect, it } from 'vitest';
import { maxTokenCharacters, readLink, signLink, type LinkClaim } from './link-token.ts';

const CLAIM: LinkClaim = {
  action: 'acknowledge',
  subject: 'alr_1',
  receiver: 'team "ü" one.two',
  expiresAtMs: 1_800_000_000_000,
};
const token = signLink('key', CLAIM);

describe('a link', () => {
  it('says what was signed, and is the same each time', () => {
    expect(readLink('key', token)).toEqual(CLAIM);
    expect(signLink('key', CLAIM)).toBe(token);
    expect(token).toMatch(/^[\w-]+\.[\w-]{22}$/);
  });

  it('says for how many alerts of its message it is, where not for all', () => {
    const some: LinkClaim = { ...CLAIM, action: 'acknowledge_message', named: 125 };
    expect(readLink('key', signLink('key', some))).toEqual(some);
    expect(readLink('key', token)).not.toHaveProperty('named');
  });

  it.each([
    ['of another key', signLink('other', CLAIM)],
    ['without its signature', token.split('.')[0] ?? ''],
    ['cut off', token.slice(0, -1)],
    ['with more behind it', `${token}.x`],
    ['of another action', withBody((body) => body.replace('acknowledge', 'silence'))],
    ['of all alerts of a message', withBody((body) => body.replace('acknowledge', 'acknowledge_message'))],
    ['that counts longer', withBody((body) => body.replace('1800000000', '1900000000'))],
    ['of nothing', ''],
    ['of a dot', '.'],
    ['that is very long', 'a'.repeat(100_000)],
  ])('%s says nothing', (_name, forged) => {
    expect(readLink('key', forged)).toBeNull();
  });

  it(`of up to ${maxTokenCharacters} characters counts, and no longer one`, () => {
    const length = (receiver: string): number => signLink('key', { ...CLAIM, receiver }).length;
    const lengths = Array.from({ length: 2_000 }, (_, more) => 'r'.repeat(more)).map((receiver) => ({
      receiver,
      characters: length(receiver),
    }));
    const longest = lengths.findLast(({ characters }) => characters <= maxTokenCharacters);
    const longer = lengths.find(({ characters }) => characters > maxTokenCharacters);
    // No base64 is as long as that would take for the number itself.
    expect([longest?.characters, longer?.characters]).toEqual([
      maxTokenCharacters - 1,
      maxTokenCharacters + 1,
    ]);
    for (const one of [longest, longer]) {
      const claim = { ...CLAIM, receiver: one?.receiver ?? '' };
      expect(readLink('key', signLink('key', claim))).toEqual(one === longest ? claim : null);
    }
  });

  it('with any other character says nothing', () => {
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'A' ? 'B' : 'A';
      const forged = token.slice(0, at) + other + token.slice(at + 1);
      // The last character of a signature has bits that say nothing.
      const claim = readLink('key', forged);
      if (at < token.length - 1) expect(claim).toBeNull();
      else if (claim !== null) expect(claim).toEqual(CLAIM);
    }
  });
});

function withBody(change: (body: string) => string): string {
  const [body = '', signature = ''] = token.split('.');
  const said = Buffer.from(body, 'base64url').toString();
  return `${Buffer.from(change(said)).toString('base64url')}.${signature}`;
}
