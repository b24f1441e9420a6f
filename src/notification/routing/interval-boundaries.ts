import type { TimeInterval } from './time-interval.ts';
import { DAY_MS, floorToMinute, MINUTE_MS, offsetAt, shownAt, type ZoneTimes } from './zone-times.ts';

/** By time zone, the minutes of the day at which intervals may begin or end, in their order; midnight is one, as days begin then. */
export type Boundaries = ReadonlyMap<string, readonly number[]>;

export function boundariesOf(intervals: readonly TimeInterval[]): Boundaries {
  const minutes = new Map<string, Set<number>>();
  for (const { location, times } of intervals) {
    const ofZone = minutes.get(location) ?? new Set([0]);
    minutes.set(location, ofZone);
    for (const { fromMinute, toMinute } of times ?? []) ofZone.add(fromMinute).add(toMinute % (24 * 60));
  }
  return new Map([...minutes].map(([zone, ofZone]) => [zone, [...ofZone].sort((a, b) => a - b)]));
}

/** The next time at which a clock shows one of its boundaries, or is changed; Infinity where there are none. */
export function nextBoundary(boundaries: Boundaries, afterMs: number, zones: ZoneTimes): number {
  let next = Infinity;
  for (const [zone, minutes] of boundaries) next = Math.min(next, nextIn(zone, minutes, { afterMs, zones }));
  return next;
}

function nextIn(
  zone: string,
  minutes: readonly number[],
  { afterMs, zones }: { readonly afterMs: number; readonly zones: ZoneTimes },
): number {
  const offset = offsetAt(zones, zone, afterMs);
  const shown = shownAt(zones, zone, afterMs);
  const midnight = Math.floor(shown / DAY_MS) * DAY_MS;
  const minuteNow = (shown - midnight) / MINUTE_MS;
  const minute = minutes.find((one) => one > minuteNow) ?? 24 * 60;
  const atMs = midnight + minute * MINUTE_MS - offset;
  if (offsetAt(zones, zone, atMs) === offset) return atMs;
  // The clock is changed before that: by halves to the minute in which it is.
  let low = floorToMinute(afterMs);
  let high = atMs;
  while (high - low > MINUTE_MS) {
    const middle = floorToMinute((low + high) / 2);
    if (offsetAt(zones, zone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}
