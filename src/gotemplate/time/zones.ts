import { UTC, type Zone } from './time.ts';
import { ZONE_NAMES } from './zone-names.ts';

/** How many zones are kept: more than there are. */
const MAX_KEPT_ZONES = 1000;
const SECONDS_PER_MINUTE = 60;

/** By zone, what its times are called: that of its smallest offset first. */
const NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(ZONE_NAMES).flatMap(([names, zones]) =>
    zones
      .trim()
      .split(/\s+/)
      .map((zone) => [zone, names.split(' ')] as const),
  ),
);

/** The zones of the tz database, as Go's time.LoadLocation finds them. */
export class TimeZones {
  readonly #formats = new Map<string, Intl.DateTimeFormat | null>();

  /** What a zone is at a moment, ms since the epoch; null where there is no such zone. */
  at(name: string, epochMs: number): Zone | null {
    if (name === '' || name === 'UTC' || name === 'Local') return UTC;
    const format = this.#formatOf(name);
    if (!format) return null;
    const offsetSeconds = offsetAt(format, epochMs);
    const names = NAMES.get(name);
    if (!names) return { name: numericName(offsetSeconds), offsetSeconds };
    const [winter = '', summer = winter] = names;
    if (winter === summer) return { name: winter, offsetSeconds };
    const year = new Date(epochMs).getUTCFullYear();
    const smallest = Math.min(offsetAt(format, Date.UTC(year, 0, 1)), offsetAt(format, Date.UTC(year, 6, 1)));
    return { name: offsetSeconds === smallest ? winter : summer, offsetSeconds };
  }

  #formatOf(name: string): Intl.DateTimeFormat | null {
    const known = this.#formats.get(name);
    if (known !== undefined) return known;
    if (this.#formats.size >= MAX_KEPT_ZONES) this.#formats.clear();
    const format = createFormat(name);
    this.#formats.set(name, format);
    return format;
  }
}

function createFormat(name: string): Intl.DateTimeFormat | null {
  // Offsets such as `+01:00` are zones to JavaScript, not to Go.
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  } catch {
    return null;
  }
}

function offsetAt(format: Intl.DateTimeFormat, epochMs: number): number {
  const text = format.formatToParts(epochMs).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text) ?? [];
  const size = (Number(hours) * 60 + Number(minutes)) * SECONDS_PER_MINUTE + Number(seconds);
  return sign === '-' ? -size : size;
}

/** `+03`, `+0530`: what the database calls a time that has no name. */
function numericName(offsetSeconds: number): string {
  const minutes = Math.floor(Math.abs(offsetSeconds) / SECONDS_PER_MINUTE);
  const two = (part: number): string => String(part).padStart(2, '0');
  const rest = minutes % 60 === 0 ? '' : two(minutes % 60);
  return `${offsetSeconds < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${rest}`;
}
