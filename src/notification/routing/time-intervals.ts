import type { NotificationConfiguration, Route } from '../configuration/notification-configuration.ts';
import { boundariesOf, nextBoundary } from './interval-boundaries.ts';
import type { NumberRange, TimeInterval } from './time-interval.ts';
import { ZoneTimes, type ZoneTime } from './zone-times.ts';

/** So many edges of intervals are passed over in search of the end of a silence. */
const maxEdges = 1_000;

/** Why a route keeps silent at a time. */
export interface SilentByTime {
  /** `mute`: it is within each of `names`. `inactive`: it is within none of them, which are all that the route is active in. */
  readonly because: 'mute' | 'inactive';
  readonly names: readonly string[];
}

/** The time intervals of a configuration, asked at a time. */
export class TimeIntervals {
  readonly #intervals: NotificationConfiguration['timeIntervals'];
  readonly #zones = new ZoneTimes();

  constructor(intervals: NotificationConfiguration['timeIntervals']) {
    this.#intervals = intervals;
  }

  /** Null where the route may speak. What is inactive is not asked whether it is muted, too. */
  silentBy(
    { muteTimeIntervals, activeTimeIntervals }: Pick<Route, 'muteTimeIntervals' | 'activeTimeIntervals'>,
    wallMs: number,
  ): SilentByTime | null {
    if (activeTimeIntervals.length > 0 && this.namesWithin(activeTimeIntervals, wallMs).length === 0) {
      return { because: 'inactive', names: activeTimeIntervals };
    }
    const names = this.namesWithin(muteTimeIntervals, wallMs);
    return names.length > 0 ? { because: 'mute', names } : null;
  }

  /** Which of some named intervals a time is in. */
  namesWithin(names: readonly string[], wallMs: number): readonly string[] {
    return names.filter((name) => this.#isWithin(name, wallMs));
  }

  /** When a named interval begins or ends next, to the minute, also where clocks are changed; the end of the search where it does not before that. */
  nextEdge(name: string, afterMs: number, untilMs: number): number {
    const boundaries = boundariesOf(this.#intervals.get(name) ?? []);
    const wasWithin = this.#isWithin(name, afterMs);
    for (let atMs = afterMs; ;) {
      atMs = nextBoundary(boundaries, atMs, this.#zones);
      if (atMs >= untilMs) return untilMs;
      if (this.#isWithin(name, atMs) !== wasWithin) return atMs;
    }
  }

  /** When a route that keeps silent now may speak next; null where it may not before a time. */
  speaksAgainAtMs(
    route: Pick<Route, 'muteTimeIntervals' | 'activeTimeIntervals'>,
    { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
  ): number | null {
    const names = [...route.muteTimeIntervals, ...route.activeTimeIntervals];
    for (let atMs = nowMs, edges = 0; edges < maxEdges; edges++) {
      const fromMs = atMs;
      atMs = Math.min(...names.map((name) => this.nextEdge(name, fromMs, untilMs)));
      if (atMs >= untilMs) return null;
      if (this.silentBy(route, atMs) === null) return atMs;
    }
    return null;
  }

  #isWithin(name: string, wallMs: number): boolean {
    return (this.#intervals.get(name) ?? []).some((interval) => isWithin(interval, wallMs, this.#zones));
  }
}

/** Whether a time is in an interval, by the wall clock of its time zone. */
function isWithin(interval: TimeInterval, wallMs: number, zones: ZoneTimes): boolean {
  const at = zones.at(interval.location, wallMs);
  const { times, daysOfMonth, months, weekdays, years } = interval;
  return (
    (times === null ||
      times.some(({ fromMinute, toMinute }) => at.minute >= fromMinute && at.minute < toMinute)) &&
    (daysOfMonth === null || daysOfMonth.some((range) => isOnDays(range, at))) &&
    isInSome(months, at.month) &&
    isInSome(weekdays, at.weekday) &&
    isInSome(years, at.year)
  );
}

function isInSome(ranges: readonly NumberRange[] | null, value: number): boolean {
  return ranges === null || ranges.some(({ from, to }) => value >= from && value <= to);
}

/** A range that begins behind the end of the month has no day in it. */
function isOnDays({ from, to }: NumberRange, { day, daysInMonth }: ZoneTime): boolean {
  const first = from < 0 ? daysInMonth + from + 1 : from;
  const last = to < 0 ? daysInMonth + to + 1 : to;
  return day >= first && day <= last;
}
