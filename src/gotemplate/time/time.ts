import { fixed } from '../functions/function-set.ts';
import {
  type FunctionDefinition,
  GoInteger,
  GoStruct,
  integerOf,
  type Methods,
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

/** A `*time.Time` with its methods. */
export class GoTime extends GoStruct {
  /** Nanoseconds since the Unix epoch. */
  readonly epochNs: bigint;
  readonly zone: Zone;

  constructor(epochNs: bigint, zone: Zone = UTC) {
    super(`*${TIME_TYPE}`, NO_FIELDS, {
      text: () => formatLayout('2006-01-02 15:04:05.999999999 -0700 MST', faceOf(epochNs, zone)),
      methods: () => methodsOfTime(epochNs, zone, faceOf(epochNs, zone)),
    });
    this.epochNs = epochNs;
    this.zone = zone;
  }

  formatted(layout: string): string {
    return formatLayout(layout, faceOf(this.epochNs, this.zone));
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

function faceOf(epochNs: bigint, zone: Zone): ClockFace {
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

function methodsOfTime(epochNs: bigint, zone: Zone, face: ClockFace): Methods {
  return new Map([
    ...partMethods(face),
    ...epochMethods(epochNs),
    ...comparingMethods(epochNs),
    ...changingMethods(epochNs, zone, face),
    ['Format', fixed(['string'], ([layout]) => formatLayout(textOf(layout), face))],
    ['String', fixed([], () => formatLayout('2006-01-02 15:04:05.999999999 -0700 MST', face))],
  ]);
}

type NamedMethod = readonly [string, FunctionDefinition];

function partMethods(face: ClockFace): readonly NamedMethod[] {
  const part = (value: number): FunctionDefinition => fixed([], () => BigInt(value));
  return [
    ['Year', part(face.year)],
    ['Month', fixed([], () => named('time.Month', face.month, MONTHS[face.month - 1]))],
    ['Day', part(face.day)],
    ['YearDay', part(face.yearDay)],
    ['Weekday', fixed([], () => named('time.Weekday', face.weekday, WEEKDAYS[face.weekday]))],
    ['Hour', part(face.hour)],
    ['Minute', part(face.minute)],
    ['Second', part(face.second)],
    ['Nanosecond', part(face.nanosecond)],
  ];
}

function named(type: string, value: number, text = ''): GoInteger {
  return new GoInteger(type, BigInt(value), {
    text,
    methods: new Map([['String', fixed([], () => text)]]),
  });
}

function epochMethods(epochNs: bigint): readonly NamedMethod[] {
  const since = (unit: bigint): FunctionDefinition =>
    fixed([], () => new GoInteger('int64', floorDivide(epochNs, unit)));
  return [
    ['Unix', since(NANOSECONDS_PER_SECOND)],
    ['UnixMilli', since(NANOSECONDS_PER_MS)],
    ['UnixMicro', since(1000n)],
    ['UnixNano', since(1n)],
  ];
}

function comparingMethods(epochNs: bigint): readonly NamedMethod[] {
  const against = (answer: (other: bigint) => TemplateValue): FunctionDefinition =>
    fixed([TIME_TYPE], ([other = null]) => answer(other instanceof GoTime ? other.epochNs : 0n));
  return [
    ['After', against((other) => epochNs > other)],
    ['Before', against((other) => epochNs < other)],
    ['Equal', against((other) => epochNs === other)],
    ['Compare', against((other) => (epochNs === other ? 0n : epochNs < other ? -1n : 1n))],
    ['Sub', against((other) => durationValue(epochNs - other))],
    ['IsZero', fixed([], () => epochNs === ZERO_TIME_NS)],
  ];
}

function changingMethods(epochNs: bigint, zone: Zone, face: ClockFace): readonly NamedMethod[] {
  const by = (change: (duration: bigint) => bigint): FunctionDefinition =>
    fixed([DURATION_TYPE], ([duration = null]) => new GoTime(change(integerOf(duration) ?? 0n), zone));
  return [
    ['Add', by((duration) => epochNs + duration)],
    // Multiples count from Go's zero time.
    ['Truncate', by((unit) => ZERO_TIME_NS + truncated(epochNs - ZERO_TIME_NS, unit))],
    ['Round', by((unit) => ZERO_TIME_NS + rounded(epochNs - ZERO_TIME_NS, unit))],
    ['AddDate', fixed(['int', 'int', 'int'], (parts) => addDate(parts, { zone, face }))],
    ['UTC', fixed([], () => new GoTime(epochNs))],
    ['Local', fixed([], () => new GoTime(epochNs))],
  ];
}

const MAX_DATE_PART = 1_000_000;

/** Years, months and days further; a day that a month does not have runs into the next one. */
function addDate(
  parts: readonly TemplateValue[],
  { zone, face }: { readonly zone: Zone; readonly face: ClockFace },
): GoTime {
  const [years = 0, months = 0, days = 0] = parts.map((part) =>
    Math.max(-MAX_DATE_PART, Math.min(MAX_DATE_PART, Number(part))),
  );
  const date = new Date(0);
  date.setUTCFullYear(face.year + years, face.month - 1 + months, face.day + days);
  date.setUTCHours(face.hour, face.minute, face.second);
  const epochSeconds = BigInt(Math.floor(date.getTime() / 1000) - zone.offsetSeconds);
  return new GoTime(epochSeconds * NANOSECONDS_PER_SECOND + BigInt(face.nanosecond), zone);
}
