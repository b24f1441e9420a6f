import { z } from 'zod';
import type { MinuteRange, NumberRange, TimeInterval } from '../routing/time-interval.ts';
import { resolveTimeZone } from '../routing/time-zones.ts';

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
] as const;

/** What a person wrote that is no range. */
class NoRange extends Error {
  override readonly name = 'NoRange';
}

/** One entry of `time_intervals`. */
export const timeIntervalSchema = z
  .strictObject({
    times: z.array(timeRange()).nullish(),
    weekdays: ranges(weekdayRange),
    days_of_month: ranges(dayRange),
    months: ranges(monthRange),
    years: ranges(yearRange),
    location: location().nullish(),
  })
  .transform((keys): TimeInterval => ({
    times: keys.times ?? null,
    weekdays: keys.weekdays ?? null,
    daysOfMonth: keys.days_of_month ?? null,
    months: keys.months ?? null,
    years: keys.years ?? null,
    location: keys.location ?? 'UTC',
  }));

function location() {
  return z.string('expected the name of a time zone').transform((name, context) => {
    const zone = resolveTimeZone(name);
    if (zone !== null) return zone;
    context.addIssue({ code: 'custom', message: `unknown time zone ${name}; write one like Europe/Berlin` });
    return z.NEVER;
  });
}

function ranges(read: (text: string) => NumberRange) {
  const range = z.string('expected a range, like 1:5').transform((text, context) => {
    try {
      return read(text.toLowerCase());
    } catch (thrown) {
      if (!(thrown instanceof NoRange)) throw thrown;
      context.addIssue({ code: 'custom', message: thrown.message });
      return z.NEVER;
    }
  });
  return z.array(range, 'expected a list').nullish();
}

function timeRange() {
  const keys = z.strictObject({ start_time: z.string().nullish(), end_time: z.string().nullish() });
  return keys.transform(({ start_time: start, end_time: end }, context): MinuteRange => {
    const problem = (message: string, path: string[] = []): never => {
      context.addIssue({ code: 'custom', message, path });
      return z.NEVER;
    };
    if (!start || !end) return problem('both start and end times must be provided');
    const fromMinute = minuteOfDay(start);
    const toMinute = minuteOfDay(end);
    if (fromMinute === null) return problem(noTime(start), ['start_time']);
    if (toMinute === null) return problem(noTime(end), ['end_time']);
    if (fromMinute >= toMinute) return problem('start time cannot be equal or greater than end time');
    return { fromMinute, toMinute };
  });
}

function noTime(text: string): string {
  return `couldn't parse timestamp ${text}, invalid format; write 09:00, 24:00 at the end of the day`;
}

/** Minutes after midnight of `HH:MM`, 1440 of `24:00`; null for what is none. */
export function minuteOfDay(text: string): number | null {
  if (!/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.test(text)) return null;
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

/** 0 of `sunday`; −1 for what is no day. */
export function weekdayOf(name: string): number {
  return WEEKDAYS.indexOf(name as (typeof WEEKDAYS)[number]);
}

function weekdayRange(text: string): NumberRange {
  const range = rangeOf(text, (member) => {
    const day = weekdayOf(member);
    if (day < 0) throw new NoRange(`${member} is not a valid weekday`);
    return day;
  });
  if (range.from > range.to) throw new NoRange('start day cannot be before end day');
  return range;
}

function monthRange(text: string): NumberRange {
  const range = rangeOf(text, (member) => {
    const month = MONTHS.indexOf(member as (typeof MONTHS)[number]) + 1;
    return month > 0 ? month : wholeNumber(member, `${member} is not a valid month`);
  });
  if (range.from > range.to) {
    throw new NoRange(`end month ${monthName(range.to)} is before start month ${monthName(range.from)}`);
  }
  return range;
}

function monthName(month: number): string {
  return MONTHS[month - 1] ?? String(month);
}

function yearRange(text: string): NumberRange {
  const range = rangeOf(text, (member) => wholeNumber(member, `${member} is not a valid year`));
  if (range.from > range.to) throw new NoRange(`end year ${range.to} is before start year ${range.from}`);
  return range;
}

const MAX_DAYS_OF_MONTH = 31;
const MIN_DAYS_OF_MONTH = 28;

/** Negative days count from the end of the month, whose length is not known here. */
function dayRange(text: string): NumberRange {
  const range = rangeOf(text, (member) => wholeNumber(member, `${member} is not a valid day of the month`));
  const { from, to } = range;
  for (const day of [from, to]) {
    if (day === 0 || Math.abs(day) > MAX_DAYS_OF_MONTH) {
      throw new NoRange(`${day} is not a valid day of the month: out of range`);
    }
  }
  if (from < 0 && to > 0) throw new NoRange('end day must be negative if start day is negative');
  const atLeast = from < 0 ? MIN_DAYS_OF_MONTH + from : from;
  const atMost = to < 0 ? MIN_DAYS_OF_MONTH + to : to;
  if (atLeast > atMost) throw new NoRange(`end day ${to} is always before start day ${from}`);
  return range;
}

function rangeOf(text: string, memberOf: (text: string) => number): NumberRange {
  const parts = text.split(':');
  if (parts.length > 2) throw new NoRange(`couldn't parse range ${text}, invalid format`);
  const [first = '', last = first] = parts;
  return { from: memberOf(first), to: memberOf(last) };
}

function wholeNumber(text: string, otherwise: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new NoRange(otherwise);
  return Number(text);
}
