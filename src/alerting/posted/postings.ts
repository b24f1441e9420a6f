import type { Sender } from '#telemetry';

/** That an alert fires, as one sender says it. Times: wall ms. */
export interface Posting {
  readonly sender: Sender;
  readonly startsAtMs: number;
  /** When it ends unless the sender says it again. */
  readonly endsAtMs: number;
  /** Whether the sender has not said when: a later end that was said stands over this one. */
  readonly timesOut: boolean;
}

/** What a sender says of an alert now. It is over where the end has passed. */
export type Said = Omit<Posting, 'sender'>;

/**
 * The posting of a sender who says it again, merged as Alertmanager merges alerts whose times overlap: the earliest start, and of
 * the ends the newest, unless the one before was said and is later. What does not overlap takes the place of what was.
 */
export function mergedPosting(before: Posting, said: Said): Posting {
  const { sender } = before;
  const overlaps = said.startsAtMs <= before.endsAtMs && before.startsAtMs <= said.endsAtMs;
  if (!overlaps) return { ...said, sender };
  const keepsEnd = before.endsAtMs > said.endsAtMs && !before.timesOut;
  const { endsAtMs, timesOut } = keepsEnd ? before : said;
  return { sender, startsAtMs: Math.min(before.startsAtMs, said.startsAtMs), endsAtMs, timesOut };
}

/** Since when an alert fires. @param postings at least one */
export function postedSinceMs(postings: readonly Posting[]): number {
  return Math.min(...postings.map(({ startsAtMs }) => startsAtMs));
}

/** When the last of the postings ends; 0 without one. */
export function postedUntilMs(postings: readonly Posting[]): number {
  return Math.max(0, ...postings.map(({ endsAtMs }) => endsAtMs));
}

export function sendersOf(postings: readonly Posting[]): readonly Sender[] {
  return postings.map(({ sender }) => sender);
}

/** As a row holds it: sender, start, end, and 1 where it times out. */
type StoredPosting = readonly [Sender, number, number, 0 | 1];

export function formatPostings(postings: readonly Posting[]): string {
  return JSON.stringify(
    postings.map(({ sender, startsAtMs, endsAtMs, timesOut }): StoredPosting => [
      sender,
      startsAtMs,
      endsAtMs,
      timesOut ? 1 : 0,
    ]),
  );
}

/** @param json of `formatPostings` */
export function parsePostings(json: string): readonly Posting[] {
  const stored = JSON.parse(json) as readonly StoredPosting[];
  return stored.map(([sender, startsAtMs, endsAtMs, timesOut]) => ({
    sender,
    startsAtMs,
    endsAtMs,
    timesOut: timesOut === 1,
  }));
}
