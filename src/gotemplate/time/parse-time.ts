import { TemplateRunError } from '../values/value.ts';
import { LAYOUT_ELEMENT, MONTHS, WEEKDAYS } from './layout.ts';
import { GoTime, UTC, type Zone } from './time.ts';

/** What has been read of a time so far; what a layout does not name is the first of its kind. */
interface Parts {
  year: number;
  month: number;
  day: number | null;
  yearDay: number | null;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  isAfternoon: boolean | null;
  zone: Zone | null;
}

/**
 * Go's time.ParseInLocation in UTC: a text in a layout, such as `2006-01-02`.
 * @throws TemplateRunError in Go's words
 */
export function parseTime(layout: string, text: string): GoTime {
  return new TimeReader(layout, text).read();
}

class TimeReader {
  readonly #layout: string;
  readonly #text: string;
  #rest: string;
  readonly #parts: Parts = {
    year: 0,
    month: 1,
    day: null,
    yearDay: null,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    isAfternoon: null,
    zone: null,
  };

  constructor(layout: string, text: string) {
    this.#layout = layout;
    this.#text = text;
    this.#rest = text;
  }

  read(): GoTime {
    let at = 0;
    for (const match of this.#layout.matchAll(LAYOUT_ELEMENT)) {
      const [element] = match;
      this.#skip(this.#layout.slice(at, match.index));
      at = match.index + element.length;
      const before = this.#rest;
      if (!this.#element(element, this.#layout.slice(at))) throw this.#mismatch(before, element);
    }
    this.#skip(this.#layout.slice(at));
    if (this.#rest !== '') throw this.#failure(`: extra text: ${JSON.stringify(this.#rest)}`);
    return this.#time();
  }

  #failure(problem: string): TemplateRunError {
    return new TemplateRunError(`parsing time ${JSON.stringify(this.#text)}${problem}`);
  }

  #mismatch(value: string, element: string): TemplateRunError {
    const layout = JSON.stringify(this.#layout);
    return this.#failure(
      ` as ${layout}: cannot parse ${JSON.stringify(value)} as ${JSON.stringify(element)}`,
    );
  }

  /** What stands between elements; spaces there fit any number of them. */
  #skip(literal: string): void {
    for (const piece of literal.split(/( +)/)) {
      if (piece.startsWith(' ')) {
        if (/^[^ ]/.test(this.#rest)) throw this.#mismatch(this.#rest, literal);
        this.#rest = this.#rest.replace(/^ +/, '');
      } else if (this.#rest.startsWith(piece)) this.#rest = this.#rest.slice(piece.length);
      else throw this.#mismatch(this.#rest, literal);
    }
  }

  #take(pattern: RegExp): string | null {
    const match = pattern.exec(this.#rest);
    if (!match) return null;
    this.#rest = this.#rest.slice(match[0].length);
    return match[0];
  }

  /** @returns whether the text goes on as the element demands */
  #element(element: string, layoutRest: string): boolean {
    if (/^[-Z]07/.test(element)) return this.#offset(element);
    if (/^[.,]/.test(element)) return this.#fraction(element);
    const parts = this.#parts;
    switch (element) {
      case 'January':
      case 'Jan':
        return this.#named(MONTHS, element.length === 3, (place) => (parts.month = place + 1));
      case 'Monday':
      case 'Mon':
        return this.#named(WEEKDAYS, element.length === 3, () => undefined);
      case 'PM':
      case 'pm': {
        const half = this.#take(element === 'PM' ? /^[AP]M/ : /^[ap]m/);
        if (half !== null) parts.isAfternoon = half.toLowerCase() === 'pm';
        return half !== null;
      }
      case 'MST':
        return this.#zoneName();
      default:
        return this.#number(element, layoutRest);
    }
  }

  #named(names: readonly string[], isShort: boolean, set: (place: number) => unknown): boolean {
    const place = names.findIndex((name) => {
      const wanted = (isShort ? name.slice(0, 3) : name).toLowerCase();
      return this.#rest.toLowerCase().startsWith(wanted);
    });
    const name = names[place];
    if (name === undefined) return false;
    this.#rest = this.#rest.slice(isShort ? 3 : name.length);
    set(place);
    return true;
  }

  #number(element: string, layoutRest: string): boolean {
    const parts = this.#parts;
    if (element === '_2006' && this.#take(/^_/) === null) return false;
    if (element === '_2' || element === '__2') this.#take(/^ {1,2}/);
    const digits = this.#take(DIGITS[element] ?? /^\d{1,2}/);
    if (digits === null) return false;
    const value = Number(digits);
    switch (element) {
      case '2006':
      case '_2006':
        parts.year = value;
        break;
      case '06':
        parts.year = value >= 69 ? 1900 + value : 2000 + value;
        break;
      case '01':
      case '1':
        if (value < 1 || value > 12) throw this.#failure(': month out of range');
        parts.month = value;
        break;
      case '02':
      case '2':
      case '_2':
        parts.day = value;
        break;
      case '002':
      case '__2':
        parts.yearDay = value;
        break;
      case '15':
        if (value > 23) throw this.#failure(': hour out of range');
        parts.hour = value;
        break;
      case '03':
      case '3':
        if (value > 12) throw this.#failure(': hour out of range');
        parts.hour = value;
        break;
      case '04':
      case '4':
        if (value > 59) throw this.#failure(': minute out of range');
        parts.minute = value;
        break;
      default:
        if (value > 59) throw this.#failure(': second out of range');
        parts.second = value;
        // A fraction may follow the seconds though the layout has none.
        if (!/^[.,][09]/.test(layoutRest)) this.#fraction('.9');
    }
    return true;
  }

  #fraction(element: string): boolean {
    const isExact = element.charAt(1) === '0';
    const digits = this.#take(isExact ? new RegExp(`^[.,]\\d{${element.length - 1}}(?!\\d)`) : /^[.,]\d+/);
    if (digits === null) return !isExact;
    this.#parts.nanosecond = Number(digits.slice(1, 10).padEnd(9, '0'));
    return true;
  }

  #offset(element: string): boolean {
    if (element.startsWith('Z') && this.#take(/^Z/) !== null) {
      this.#parts.zone = UTC;
      return true;
    }
    const colon = element.includes(':') ? ':' : '';
    const count = (element.match(/\d\d/g) ?? []).length;
    const taken = this.#take(new RegExp(`^[+-]\\d\\d(?:${colon}\\d\\d){${count - 1}}`));
    if (taken === null) return false;
    const [hours = 0, minutes = 0, seconds = 0] = (taken.match(/\d\d/g) ?? []).map(Number);
    if (hours > 24 || minutes >= 60) throw this.#failure(': time zone offset out of range');
    const size = hours * 3600 + minutes * 60 + seconds;
    const offsetSeconds = taken.startsWith('-') ? -size : size;
    this.#parts.zone = offsetSeconds === 0 ? UTC : { name: '', offsetSeconds };
    return true;
  }

  /** A name says nothing of an offset but in `GMT+3`. */
  #zoneName(): boolean {
    const name = this.#take(/^(?:UTC|GMT[+-]\d{1,2}|[+-]\d\d|ChST|MeST|[A-Z]{3,5})/);
    if (name === null) return false;
    const [, hours] = /^GMT([+-]\d{1,2})$/.exec(name) ?? [];
    const known = this.#parts.zone?.offsetSeconds;
    this.#parts.zone = name === 'UTC' ? UTC : { name, offsetSeconds: known ?? Number(hours ?? 0) * 3600 };
    return true;
  }

  #time(): GoTime {
    const { year, minute, second, nanosecond, isAfternoon, zone } = this.#parts;
    let { month, day, hour } = this.#parts;
    if (isAfternoon === true && hour < 12) hour += 12;
    if (isAfternoon === false && hour === 12) hour = 0;
    const { yearDay } = this.#parts;
    if (yearDay !== null) {
      const date = new Date(0);
      date.setUTCFullYear(year, 0, yearDay);
      if (yearDay < 1 || date.getUTCFullYear() !== year) throw this.#failure(': day-of-year out of range');
      [month, day] = [date.getUTCMonth() + 1, date.getUTCDate()];
    }
    const date = new Date(0);
    date.setUTCFullYear(year, month - 1, day ?? 1);
    if (date.getUTCDate() !== (day ?? 1)) throw this.#failure(': day out of range');
    date.setUTCHours(hour, minute, second);
    const offset = zone ?? UTC;
    const epochSeconds = BigInt(date.getTime() / 1000 - offset.offsetSeconds);
    return new GoTime(epochSeconds * 1_000_000_000n + BigInt(nanosecond), offset);
  }
}

const DIGITS: Readonly<Record<string, RegExp>> = {
  '2006': /^\d{4}/,
  _2006: /^\d{4}/,
  '06': /^\d\d/,
  '01': /^\d\d/,
  '02': /^\d\d/,
  '002': /^\d{3}/,
  __2: /^\d{1,3}/,
  '03': /^\d\d/,
  '04': /^\d\d/,
  '05': /^\d\d/,
};
