import type { Boot, Clock } from './clock.ts';

/** Now, on both clocks that are persisted. */
export interface Moment {
  /** Ms since the Unix epoch; in a transaction on PostgreSQL the database's. */
  readonly wallMs: number;
  /** Ms on the boot clock. */
  readonly bootMs: number;
  /** Which boot that is; times on the boot clock compare within one boot alone. */
  readonly bootId: string;
  /** As of `Clock`. */
  readonly boots?: readonly Boot[];
}

/** A moment as it stands in the database. Without a boot clock where it was written before there was one. */
export interface PersistedMoment {
  readonly wallMs: number;
  readonly bootMs: number | null;
  readonly bootId: string | null;
}

/**
 * A duration as it stands in the database: a cooldown, a lease, an override. In the boot in which it began the boot clock
 * alone counts, downtime of the process included, so that a step of the wall clock changes nothing. After another boot,
 * or on another host, the wall clock says once how long that took, when the state is taken up, and the boot clock from
 * then on: a clock that was set back holds up none of them, and one that is set later changes none either.
 */
export interface PersistedDuration {
  readonly start: PersistedMoment;
  readonly lengthMs: number;
}

/** @param wallMs the transaction's time, where there is one; else the clock's */
export function momentOf(clock: Clock, wallMs = clock.wallMs()): Moment {
  const { bootId, boots } = clock;
  return { wallMs, bootMs: clock.bootMs(), bootId, ...(boots && { boots }) };
}

/**
 * How long ago a moment was, ms; never negative. Of another boot it is what the wall clock had gone forward by at each boot
 * that took up the state since then, and what the boot clock has counted since the last.
 */
export function elapsedMs(start: PersistedMoment, now: Moment): number {
  const { bootMs, bootId } = start;
  // A container that was made anew may count from its own start within one boot of the host.
  if (bootMs !== null && bootId === now.bootId && bootMs <= now.bootMs) return now.bootMs - bootMs;
  const present = now.boots?.at(-1);
  if (!present) return Math.max(0, now.wallMs - start.wallMs);
  let passedMs = now.bootMs - present.bootMs;
  let sinceMs = start.wallMs;
  for (const { wallMs } of bootsAfter(start, now.boots ?? [])) {
    passedMs += Math.max(0, wallMs - sinceMs);
    sinceMs = wallMs;
  }
  return passedMs;
}

/** Those that took up the state after a moment of another boot than the present one; all where its own is not among them. */
function bootsAfter({ bootMs, bootId }: PersistedMoment, boots: readonly Boot[]): readonly Boot[] {
  const before = boots.slice(0, -1);
  const own = before.findLastIndex(
    (boot) => boot.bootId === bootId && bootMs !== null && boot.bootMs <= bootMs,
  );
  return boots.slice(own + 1);
}

/**
 * What the wall clock would show had nobody set it since this boot took up the state, ms since epoch: of another boot nothing
 * has begun within a length that is older than that length by it.
 */
export function unsetWallMs({ wallMs, bootMs, boots }: Moment): number {
  const present = boots?.at(-1);
  return present ? present.wallMs + bootMs - present.bootMs : wallMs;
}

/** What is left of a duration, ms: from its whole length down to 0. */
export function leftMs({ start, lengthMs }: PersistedDuration, now: Moment): number {
  return Math.max(0, lengthMs - elapsedMs(start, now));
}

/**
 * A deadline as it stands in the database: when it is on the wall clock by which it was set, and when that was. Without the
 * latter where it was written before that was kept.
 */
export interface PersistedDeadline {
  readonly atMs: number;
  readonly set: PersistedMoment | null;
}

/** What is left until a deadline, ms: as of a duration that began when it was set. */
export function leftUntil({ atMs, set }: PersistedDeadline, now: Moment): number {
  if (set === null) return Math.max(0, atMs - now.wallMs);
  return leftMs({ start: set, lengthMs: Math.max(0, atMs - set.wallMs) }, now);
}

/** What the wall clock differs from the boot clock by is followed from here on; less is how they are read one after the other. */
const MIN_STEP_MS = 1000;

/** When a deadline is on the present wall clock, however that was stepped since it was set: ms since epoch. */
export function wallTimeOfDeadline(deadline: PersistedDeadline, now: Moment): number {
  const left = leftUntil(deadline, now);
  const atMs = Math.round(now.wallMs + left);
  if (left === 0) return Math.min(deadline.atMs, atMs);
  return Math.abs(atMs - deadline.atMs) < MIN_STEP_MS ? deadline.atMs : atMs;
}

/** When a moment was on the present wall clock, however that was stepped since: ms since epoch. */
export function wallTimeOf(start: PersistedMoment, now: Moment): number {
  return now.wallMs - elapsedMs(start, now);
}
