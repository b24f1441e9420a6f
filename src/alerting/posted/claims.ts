import type { Sender } from '#telemetry';

/** That an alert fires, as one sender says it. Times: wall ms. */
export interface Claim {
  readonly sender: Sender;
  readonly startsAtMs: number;
  /** When it ends unless the sender says it again. */
  readonly endsAtMs: number;
  /** Whether the sender has not said when: a later end that was said stands over this one. */
  readonly timesOut: boolean;
}

/** What a sender says of an alert now. It is over where the end has passed. */
export type Said = Omit<Claim, 'sender'>;

/**
 * The claim of a sender who says it again, merged as Alertmanager merges alerts whose times overlap: the earliest start, and of
 * the ends the newest, unless the one before was said and is later. What does not overlap takes the place of what was.
 */
export function mergedClaim(before: Claim, said: Said): Claim {
  const { sender } = before;
  const overlaps = said.startsAtMs <= before.endsAtMs && before.startsAtMs <= said.endsAtMs;
  if (!overlaps) return { ...said, sender };
  const keepsEnd = before.endsAtMs > said.endsAtMs && !before.timesOut;
  const { endsAtMs, timesOut } = keepsEnd ? before : said;
  return { sender, startsAtMs: Math.min(before.startsAtMs, said.startsAtMs), endsAtMs, timesOut };
}

/** Since when an alert fires. @param claims at least one */
export function claimedSinceMs(claims: readonly Claim[]): number {
  return Math.min(...claims.map(({ startsAtMs }) => startsAtMs));
}

/** When the last of the claims ends; 0 without one. */
export function claimedUntilMs(claims: readonly Claim[]): number {
  return Math.max(0, ...claims.map(({ endsAtMs }) => endsAtMs));
}

export function sendersOf(claims: readonly Claim[]): readonly Sender[] {
  return claims.map(({ sender }) => sender);
}

/** As a row holds it: sender, start, end, and 1 where it times out. */
type StoredClaim = readonly [Sender, number, number, 0 | 1];

export function formatClaims(claims: readonly Claim[]): string {
  return JSON.stringify(
    claims.map(({ sender, startsAtMs, endsAtMs, timesOut }): StoredClaim => [
      sender,
      startsAtMs,
      endsAtMs,
      timesOut ? 1 : 0,
    ]),
  );
}

/** @param json of `formatClaims` */
export function parseClaims(json: string): readonly Claim[] {
  const stored = JSON.parse(json) as readonly StoredClaim[];
  return stored.map(([sender, startsAtMs, endsAtMs, timesOut]) => ({
    sender,
    startsAtMs,
    endsAtMs,
    timesOut: timesOut === 1,
  }));
}
