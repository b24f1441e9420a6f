import {
  DAY_MS,
  floorToMinute,
  MINUTE_MS,
  offsetAt,
  shownAt,
  type ShownMs,
  type ZoneTimes,
} from '../routing/zone-times.ts';

/**
 * The first time at which the wall shows that or more. Where clocks are put back it comes twice, and the first counts; where they
 * are put forward over it, it is the time at which they are.
 */
export function firstTimeAt(zones: ZoneTimes, zone: string, shown: ShownMs): number {
  const before = shown - offsetAt(zones, zone, shown - DAY_MS);
  const after = shown - offsetAt(zones, zone, shown + DAY_MS);
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
