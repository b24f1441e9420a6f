import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemsIn, read, withRoute } from '../configuration/reading.test-support.ts';
import { TimeIntervals } from './time-intervals.ts';
import { resolveTimeZone } from './time-zones.ts';
import { ZoneTimes } from './zone-times.ts';

/** Whether a moment is in an interval that is written so. */
async function isIn(interval: string, at: string): Promise<boolean> {
  const { timeIntervals } = await read(
    withRoute(`time_intervals: [{ name: i, time_intervals: [${interval}] }]\n`),
  );
  return new TimeIntervals(timeIntervals).namesWithin(['i'], Date.parse(at)).length > 0;
}

describe('a time is in an interval, or not', () => {
  it.each([
    ['{}', '2026-11-30T12:00:00Z', true],
    ['{ times: [{ start_time: "09:00", end_time: "17:00" }] }', '2026-11-30T09:00:00Z', true],
    ['{ times: [{ start_time: "09:00", end_time: "17:00" }] }', '2026-11-30T08:59:59.999Z', false],
    ['{ times: [{ start_time: "09:00", end_time: "17:00" }] }', '2026-11-30T17:00:00Z', false],
    ['{ times: [{ start_time: "22:00", end_time: "24:00" }] }', '2026-11-30T23:59:59.999Z', true],
    ['{ times: [] }', '2026-11-30T12:00:00Z', false],
    ['{ weekdays: ["monday:friday"] }', '2026-11-30T12:00:00Z', true],
    ['{ weekdays: ["monday:friday"] }', '2026-11-29T12:00:00Z', false],
    ['{ weekdays: [Saturday, sunday] }', '2026-11-29T12:00:00Z', true],
    ['{ days_of_month: ["1:5"] }', '2026-11-05T12:00:00Z', true],
    ['{ days_of_month: ["-1"] }', '2026-11-30T12:00:00Z', true],
    ['{ days_of_month: ["-1"] }', '2026-12-30T12:00:00Z', false],
    ['{ days_of_month: ["-3:-1"] }', '2024-02-27T12:00:00Z', true],
    ['{ days_of_month: ["-3:-1"] }', '2024-02-26T12:00:00Z', false],
    ['{ days_of_month: ["31"] }', '2026-11-30T12:00:00Z', false],
    ['{ days_of_month: ["29:31"] }', '2026-11-30T12:00:00Z', true],
    ['{ days_of_month: ["15:-10"] }', '2026-11-21T12:00:00Z', true],
    ['{ months: ["december:12", "1"] }', '2026-12-01T00:00:00Z', true],
    ['{ months: ["january:november"] }', '2026-12-01T00:00:00Z', false],
    ['{ years: ["2026:2028"] }', '2026-01-01T00:00:00Z', true],
    ['{ years: ["2027"] }', '2026-12-31T23:59:59Z', false],
    // New Year comes earlier in Sydney, and later in New York.
    ['{ years: ["2027"], location: Australia/Sydney }', '2026-12-31T13:00:00Z', true],
    ['{ years: ["2027"], location: America/New_York }', '2027-01-01T04:59:59Z', false],
    // Berlin: +01:00 until 2026-03-29, then +02:00; back on 2026-10-25.
    [
      '{ times: [{ start_time: "09:00", end_time: "10:00" }], location: Europe/Berlin }',
      '2026-03-28T08:30:00Z',
      true,
    ],
    [
      '{ times: [{ start_time: "09:00", end_time: "10:00" }], location: Europe/Berlin }',
      '2026-03-29T08:30:00Z',
      false,
    ],
    [
      '{ times: [{ start_time: "09:00", end_time: "10:00" }], location: Europe/Berlin }',
      '2026-03-29T07:30:00Z',
      true,
    ],
    // The hour that is left out, and the one that comes twice.
    [
      '{ times: [{ start_time: "02:00", end_time: "03:00" }], location: Europe/Berlin }',
      '2026-03-29T01:00:00Z',
      false,
    ],
    [
      '{ times: [{ start_time: "02:00", end_time: "03:00" }], location: Europe/Berlin }',
      '2026-10-25T00:30:00Z',
      true,
    ],
    [
      '{ times: [{ start_time: "02:00", end_time: "03:00" }], location: Europe/Berlin }',
      '2026-10-25T01:30:00Z',
      true,
    ],
    // Half an hour, and a day that was left out.
    [
      '{ times: [{ start_time: "05:30", end_time: "05:31" }], location: Asia/Kolkata }',
      '2026-11-30T00:00:00Z',
      true,
    ],
    ['{ weekdays: [friday], location: Pacific/Apia }', '2011-12-30T12:00:00Z', false],
    // All that is written has to be true.
    ['{ weekdays: [monday], months: [november] }', '2026-11-30T12:00:00Z', true],
    ['{ weekdays: [monday], months: [december] }', '2026-11-30T12:00:00Z', false],
  ])('%s at %s: %j', async (interval, at, expected) => {
    expect(await isIn(interval, at)).toBe(expected);
  });
});

describe('what is no interval', () => {
  it.each([
    [
      '{ times: [{ start_time: "9:00", end_time: "17:00" }] }',
      "couldn't parse timestamp 9:00, invalid format",
    ],
    ['{ times: [{ start_time: "09:00", end_time: "24:01" }] }', "couldn't parse timestamp 24:01"],
    ['{ times: [{ start_time: "09:00" }] }', 'both start and end times must be provided'],
    [
      '{ times: [{ start_time: "09:00", end_time: "09:00" }] }',
      'start time cannot be equal or greater than end time',
    ],
    ['{ weekdays: [mon] }', 'mon is not a valid weekday'],
    ['{ weekdays: ["1:5"] }', '1 is not a valid weekday'],
    ['{ weekdays: ["friday:monday"] }', 'start day cannot be before end day'],
    ['{ weekdays: ["monday:tuesday:friday"] }', "couldn't parse range monday:tuesday:friday, invalid format"],
    ['{ days_of_month: ["0"] }', '0 is not a valid day of the month: out of range'],
    ['{ days_of_month: ["32"] }', '32 is not a valid day of the month: out of range'],
    ['{ days_of_month: ["-1:5"] }', 'end day must be negative if start day is negative'],
    ['{ days_of_month: ["20:-20"] }', 'end day -20 is always before start day 20'],
    ['{ days_of_month: [first] }', 'first is not a valid day of the month'],
    ['{ months: ["may:april"] }', 'end month april is before start month may'],
    ['{ months: [jan] }', 'jan is not a valid month'],
    ['{ years: ["2027:2026"] }', 'end year 2026 is before start year 2027'],
    ['{ location: Mars/Olympus }', 'unknown time zone Mars/Olympus'],
    ['{ location: "+01:00" }', 'unknown time zone +01:00'],
    ['{ location: europe/berlin }', 'unknown time zone europe/berlin'],
    ['{ weekday: [monday] }', 'did you mean "weekdays"?'],
  ])('%s', async (interval, expected) => {
    const problems = await problemsIn(
      withRoute(`time_intervals: [{ name: i, time_intervals: [${interval}] }]\n`),
    );
    expect(problems).toEqual([expect.stringContaining(expected)]);
  });
});

describe('a route at a time', () => {
  const NIGHT = Date.parse('2026-11-30T23:00:00Z');
  const DAY = Date.parse('2026-11-30T12:00:00Z');
  const TEXT = withRoute(`time_intervals:
  - { name: nights, time_intervals: [{ times: [{ start_time: "22:00", end_time: "24:00" }] }] }
  - { name: days, time_intervals: [{ times: [{ start_time: "08:00", end_time: "22:00" }] }] }
  - { name: november, time_intervals: [{ months: [november] }] }
`);

  it.each([
    [[], [], NIGHT, null],
    [['nights'], [], DAY, null],
    [['nights', 'days', 'november'], [], NIGHT, { because: 'mute', names: ['nights', 'november'] }],
    [[], ['days'], DAY, null],
    [[], ['days'], NIGHT, { because: 'inactive', names: ['days'] }],
    [['november'], ['days'], NIGHT, { because: 'inactive', names: ['days'] }],
    [['november'], ['days', 'nights'], NIGHT, { because: 'mute', names: ['november'] }],
  ])('muted %j, active %j at %d: %j', async (muteTimeIntervals, activeTimeIntervals, at, expected) => {
    const { timeIntervals } = await read(TEXT);
    const intervals = new TimeIntervals(timeIntervals);
    expect(intervals.silentBy({ muteTimeIntervals, activeTimeIntervals }, at)).toEqual(expected);
  });
});

describe('clocks', () => {
  it('show in UTC what a date says', () => {
    const zones = new ZoneTimes();
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1971-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }),
        (date) => {
          const expected = {
            year: date.getUTCFullYear(),
            month: date.getUTCMonth() + 1,
            day: date.getUTCDate(),
            weekday: date.getUTCDay(),
            minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
          };
          // Both the way that is short for UTC and the one that every zone goes.
          for (const zone of ['UTC', 'Etc/UTC'])
            expect(zones.at(zone, date.getTime())).toMatchObject(expected);
        },
      ),
    );
  });

  it.each([
    ['', 'UTC'],
    ['UTC', 'UTC'],
    ['Local', new Intl.DateTimeFormat().resolvedOptions().timeZone],
    ['Europe/Berlin', 'Europe/Berlin'],
    ['US/Pacific', 'US/Pacific'],
    ['EUROPE/Berlin', null],
    ['-05:00', null],
    ['Nowhere', null],
  ])('the zone %j is %j', (name, expected) => {
    expect(resolveTimeZone(name)).toBe(expected);
  });
});
