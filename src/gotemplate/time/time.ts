import { fixed } from '../functions/function-set.ts';
import {
  type FunctionDefinition,
  GoInteger,
  GoStruct,
  integerOf,
  methodsFrom,
  type MethodTable,
  type TemplateValue,
  textOf,
} from '../values/value.ts';
import { DURATION_TYPE, durationValue, rounded, truncated } from './duration.ts';
import { formatLayout, MONTHS, WEEKDAYS, type ClockFace } from './layout.ts';

/** What methods take; a pointer to one fits too. */
export const TIME_TYPE = 'time.Time';

const NANOSECONDS_PER_MS = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
/** From Go's zero time, the start of the year 1, to the Unix epoch. */
const ZERO_TIME_NS = -62_135_596_800n * NANOSECONDS_PER_SECOND;
/** What a Date can hold. */
const MAX_TIME_MS = 8.64e15;

export interface Zone {
  readonly name: string;
  readonly offsetSeconds: number;
}

const NO_FIELDS: ReadonlyMap<string, TemplateValue> = new Map();

export const UTC: Zone = { name: 'UTC', offsetSeconds: 0 };

/** A moment, seen in a zone. */
interface Moment {
  /** Nanoseconds since the Unix epoch. */
  readonly epochNs: bigint;
  readonly zone: Zone;
}

const DEFAULT_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST';

/** A `*time.Time` with its methods. */
export class GoTime extends GoStruct {
  /** Nanoseconds since the Unix epoch. */
  readonly epochNs: bigint;
  readonly zone: Zone;

  constructor(epochNs: bigint, zone: Zone = UTC) {
    const moment = { epochNs, zone };
    super(`*${TIME_TYPE}`, NO_FIELDS, {
      text: () => formatLayout(DEFAULT_LAYOUT, faceOf(moment)),
      methods: methodsFrom(TIME_METHODS, moment),
    });
    this.epochNs = epochNs;
    this.zone = zone;
  }

  formatted(layout: string): string {
    return formatLayout(layout, faceOf(this));
  }

  /** As Go writes a time into JSON: with the fraction that it has. */
  rfc3339(): string {
    return this.formatted('2006-01-02T15:04:05.999999999Z07:00');
  }

  /** Go's zero time: a moment that is not known. */
  static zero(): GoTime {
    return new GoTime(ZERO_TIME_NS);
  }

  static ofMs(epochMs: number, zone: Zone = UTC): GoTime {
    return new GoTime(BigInt(Math.floor(epochMs)) * NANOSECONDS_PER_MS, zone);
  }
}

/** Go's integers divide towards zero; a moment before the epoch needs its floor. */
function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  return value % divisor < 0n ? quotient - 1n : quotient;
}

function faceOf({ epochNs, zone }: Moment): ClockFace {
  const seconds = floorDivide(epochNs, NANOSECONDS_PER_SECOND);
  const shownMs = (Number(seconds) + zone.offsetSeconds) * 1000;
  const date = new Date(Math.max(-MAX_TIME_MS, Math.min(MAX_TIME_MS, shownMs)));
  const year = date.getUTCFullYear();
  const newYear = new Date(0);
  newYear.setUTCFullYear(year, 0, 1);
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    yearDay: Math.floor((date.getTime() - newYear.getTime()) / 86_400_000) + 1,
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    nanosecond: Number(epochNs - seconds * NANOSECONDS_PER_SECOND),
    zoneName: zone.name,
    zoneOffsetSeconds: zone.offsetSeconds,
  };
}

type TimeMethod = (moment: Moment) => FunctionDefinition;

const part =
  (read: (face: ClockFace) => number): TimeMethod =>
  (moment) =>
    fixed([], () => BigInt(read(faceOf(moment))));
const since =
  (unit: bigint): TimeMethod =>
  ({ epochNs }) =>
    fixed([], () => new GoInteger('int64', floorDivide(epochNs, unit)));
const against =
  (answer: (own: bigint, other: bigint) => TemplateValue): TimeMethod =>
  ({ epochNs }) =>
    fixed([TIME_TYPE], ([other = null]) => answer(epochNs, other instanceof GoTime ? other.epochNs : 0n));
const by =
  (change: (own: bigint, duration: bigint) => bigint): TimeMethod =>
  ({ epochNs, zone }) =>
    fixed(
      [DURATION_TYPE],
      ([duration = null]) => new GoTime(change(epochNs, integerOf(duration) ?? 0n), zone),
    );
const inUtc: TimeMethod = ({ epochNs }) => fixed([], () => new GoTime(epochNs));

const TIME_METHODS: MethodTable<Moment> = new Map<string, TimeMethod>([
  ['Year', part(({ year }) => year)],
  ['Month', (moment) => fixed([], () => monthOf(faceOf(moment)))],
  ['Day', part(({ day }) => day)],
  ['YearDay', part(({ yearDay }) => yearDay)],
  ['Weekday', (moment) => fixed([], () => weekdayOf(faceOf(moment)))],
  ['Hour', part(({ hour }) => hour)],
  ['Minute', part(({ minute }) => minute)],
  ['Second', part(({ second }) => second)],
  ['Nanosecond', part(({ nanosecond }) => nanosecond)],
  ['Unix', since(NANOSECONDS_PER_SECOND)],
  ['UnixMilli', since(NANOSECONDS_PER_MS)],
  ['UnixMicro', since(1000n)],
  ['UnixNano', since(1n)],
  ['After', against((own, other) => own > other)],
  ['Before', against((own, other) => own < other)],
  ['Equal', against((own, other) => own === other)],
  ['Compare', against((own, other) => (own === other ? 0n : own < other ? -1n : 1n))],
  ['Sub', against((own, other) => durationValue(own - other))],
  ['IsZero', ({ epochNs }) => fixed([], () => epochNs === ZERO_TIME_NS)],
  ['Add', by((own, duration) => own + duration)],
  // Multiples count from Go's zero time.
  ['Truncate', by((own, unit) => ZERO_TIME_NS + truncated(own - ZERO_TIME_NS, unit))],
  ['Round', by((own, unit) => ZERO_TIME_NS + rounded(own - ZERO_TIME_NS, unit))],
  ['AddDate', (moment) => fixed(['int', 'int', 'int'], (parts) => addDate(parts, moment))],
  ['UTC', inUtc],
  ['Local', inUtc],
  ['Format', (moment) => fixed(['string'], ([layout]) => formatLayout(textOf(layout), faceOf(moment)))],
  ['String', (moment) => fixed([], () => formatLayout(DEFAULT_LAYOUT, faceOf(moment)))],
]);

function monthOf({ month }: ClockFace): GoInteger {
  return named('time.Month', month, MONTHS[month - 1]);
}

function weekdayOf({ weekday }: ClockFace): GoInteger {
  return named('time.Weekday', weekday, WEEKDAYS[weekday]);
}

function named(type: string, value: number, text = ''): GoInteger {
  return new GoInteger(type, BigInt(value), {
    text,
    methods: new Map([['String', fixed([], () => text)]]),
  });
}

const MAX_DATE_PART = 1_000_000;

/** Years, months and days further; a day that a month does not have runs into the next one. */
function addDate(parts: readonly TemplateValue[], moment: Moment): GoTime {
  const { zone } = moment;
  const face = faceOf(moment);
  const [years = 0, months = 0, days = 0] = parts.map((part) =>
    Math.max(-MAX_DATE_PART, Math.min(MAX_DATE_PART, Number(part))),
  );
  const date = new Date(0);
  date.setUTCFullYear(face.year + years, face.month - 1 + months, face.day + days);
  date.setUTCHours(face.hour, face.minute, face.second);
  const epochSeconds = BigInt(Math.floor(date.getTime() / 1000) - zone.offsetSeconds);
  return new GoTime(epochSeconds * NANOSECONDS_PER_SECOND + BigInt(face.nanosecond), zone);
}
