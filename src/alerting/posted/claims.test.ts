import { describe, expect, it } from 'vitest';
import {
  claimedSinceMs,
  claimedUntilMs,
  formatClaims,
  mergedClaim,
  parseClaims,
  type Claim,
} from './claims.ts';

/** `10-20`, with `?` where the end was not said. */
function claim(text: string, sender = 'token:a'): Claim {
  const [, start, end, unsaid] = /^(\d+)-(\d+)(\??)$/.exec(text) ?? [];
  return { sender, startsAtMs: Number(start), endsAtMs: Number(end), timesOut: unsaid === '?' };
}

describe('a claim that is said again', () => {
  it.each([
    ['the end moves', '10-20', '10-30', '10-30'],
    ['the earliest start stands', '10-20', '15-30', '10-30'],
    ['an earlier start, too', '10-20', '5-30', '5-30'],
    ['a later end that was said stands over an earlier one', '10-30', '15-20', '10-30'],
    ['and over one that was not', '10-30', '15-20?', '10-30'],
    ['a later end that was not said does not', '10-30?', '15-20', '10-20'],
    ['what was not said follows what is not said', '10-20?', '10-25?', '10-25?'],
    ['what does not overlap takes its place', '10-20', '30-40', '30-40'],
    ['earlier or later', '30-40', '10-20', '10-20'],
  ])('%s', (_name, before, said, after) => {
    expect(mergedClaim(claim(before), claim(said))).toEqual(claim(after));
  });
});

it('claims last from the first start to the last end, and are stored as they are', () => {
  const claims = [claim('10-20', 'token:a'), claim('5-15?', 'anonymous')];
  expect([claimedSinceMs(claims), claimedUntilMs(claims)]).toEqual([5, 20]);
  expect(parseClaims(formatClaims(claims))).toEqual(claims);
});
