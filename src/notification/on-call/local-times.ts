import type { ZoneTimes } from '../routing/zone-times.ts';

const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** A day of the calendar and a time of that day, as a clock on the wall shows it: the UTC time at which UTC shows the same. */
export type ShownMs = number;

/** What the wall shows in a zone, whole minutes. */
export function shownAt(zones: ZoneTimes, zone: string, wallMs: number): ShownMs {
  const { year, month, day, minute } = zones.at(zone, wallMs);
  return Date.UTC(year, month - 1, day) + minute * MINUTE_MS;
}

/**
 * The first time at which the wall shows that or more. Where clocks are put back it comes twice, and the first counts; where they
 * are put forward over it, it is the time at which they are.
 */
export function firstTimeAt(zones: ZoneTimes, zone: string, shown: ShownMs): number {
  const offsetAt = (wallMs: number): number => shownAt(zones, zone, wallMs) - floorToMinute(wallMs);
  const before = shown - offsetAt(shown - DAY_MS);
  const after = shown - offsetAt(shown + DAY_MS);
  const early = Math.min(before, after);
  if (shownAt(zones, zone, early) >= shown) return early;
  // Clocks are put forward over it, or it is behind the change: by halves to the minute at which they show it, or more.
  let low = early;
  let high = Math.max(before, after);
  while (high - low > MINUTE_MS) {
    const middle = floorToMinute((low + high) / 2);
    if (shownAt(zones, zone, middle) >= shown) high = middle;
    else low = middle;
  }
  return high;
}

function floorToMinute(wallMs: number): number {
  return Math.floor(wallMs / MINUTE_MS) * MINUTE_MS;
}
