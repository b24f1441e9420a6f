/** What the calendar and the clock on the wall show. */
export interface ZoneTime {
  readonly year: number;
  /** 1 … 12 */
  readonly month: number;
  /** 1 … 31 */
  readonly day: number;
  readonly daysInMonth: number;
  /** 0 Sunday … 6 Saturday */
  readonly weekday: number;
  /** After midnight, as the clock shows it: on a day on which it is put back some come twice. */
  readonly minute: number;
}

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** A day of the calendar and a time of that day, as a clock on the wall shows it: the UTC time at which UTC shows the same. */
export type ShownMs = number;

/** Reads clocks in time zones. Zones are names of the time zone database, of which there are some 600. */
export class ZoneTimes {
  readonly #formatters = new Map<string, Intl.DateTimeFormat>();
  /** Who asks mostly asks about now: the last minute of a zone is kept. */
  readonly #last = new Map<string, { readonly minuteMs: number; readonly time: ZoneTime }>();

  /** @param zone IANA, `UTC`. @throws RangeError for what is no zone */
  at(zone: string, wallMs: number): ZoneTime {
    const minuteMs = Math.floor(wallMs / MINUTE_MS);
    const last = this.#last.get(zone);
    if (last?.minuteMs === minuteMs) return last.time;
    const time = timeOf(zone === 'UTC' ? wallMs : this.#shownMs(zone, wallMs));
    this.#last.set(zone, { minuteMs, time });
    return time;
  }

  /** The time at which UTC shows what the zone shows. */
  #shownMs(zone: string, wallMs: number): number {
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#formatter(zone).formatToParts(wallMs)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute);
  }

  #formatter(zone: string): Intl.DateTimeFormat {
    let formatter = this.#formatters.get(zone);
    if (!formatter) {
      formatter = new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        calendar: 'gregory',
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
      });
      this.#formatters.set(zone, formatter);
    }
    return formatter;
  }
}

function timeOf(shownMs: number): ZoneTime {
  const date = new Date(shownMs);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth() + 1;
  return {
    year,
    month,
    day: date.getUTCDate(),
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
    weekday: date.getUTCDay(),
    minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
  };
}

/** What the wall shows in a zone, whole minutes. */
export function shownAt(zones: ZoneTimes, zone: string, wallMs: number): ShownMs {
  const { year, month, day, minute } = zones.at(zone, wallMs);
  return Date.UTC(year, month - 1, day) + minute * MINUTE_MS;
}

export function floorToMinute(wallMs: number): number {
  return Math.floor(wallMs / MINUTE_MS) * MINUTE_MS;
}

/** By how much the wall in a zone shows more than UTC does. */
export function offsetAt(zones: ZoneTimes, zone: string, wallMs: number): number {
  return shownAt(zones, zone, wallMs) - floorToMinute(wallMs);
}
