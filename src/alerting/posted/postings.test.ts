import { describe, expect, it } from 'vitest';
import {
  postedSinceMs,
  postedUntilMs,
  formatPostings,
  mergedPosting,
  parsePostings,
  type Posting,
} from './postings.ts';

/** `10-20`, with `?` where the end was not said. */
function posting(text: string, sender = 'token:a'): Posting {
  const [, start, end, unsaid] = /^(\d+)-(\d+)(\??)$/.exec(text) ?? [];
  return { sender, startsAtMs: Number(start), endsAtMs: Number(end), timesOut: unsaid === '?' };
}

describe('a posting that is said again', () => {
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
    expect(mergedPosting(posting(before), posting(said))).toEqual(posting(after));
  });
});

it('postings last from the first start to the last end, and are stored as they are', () => {
  const postings = [posting('10-20', 'token:a'), posting('5-15?', 'anonymous')];
  expect([postedSinceMs(postings), postedUntilMs(postings)]).toEqual([5, 20]);
  expect(parsePostings(formatPostings(postings))).toEqual(postings);
});
