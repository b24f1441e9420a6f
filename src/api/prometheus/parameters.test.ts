import { describe, expect, it } from 'vitest';
import { EARLIEST_MS, LATEST_MS, Parameters, parseTime } from './parameters.ts';

describe('a time', () => {
  it.each<[string, number | null]>([
    ['0', 0],
    ['1435781451.781', 1_435_781_451_781],
    ['-1.5', -1500],
    ['1e3', 1_000_000],
    ['.5', 500],
    ['2015-07-01T20:10:51.781Z', 1_435_781_451_781],
    ['2015-07-01T20:10:51.781999999Z', 1_435_781_451_781],
    ['2015-07-01T22:10:51+02:00', 1_435_781_451_000],
    ['2015-07-01T20:10:51,781Z', 1_435_781_451_781],
    ['0000-01-01T00:00:00Z', -62_167_219_200_000],
    ['-292273086-05-16T16:47:06Z', EARLIEST_MS],
    ['292277025-08-18T07:12:54.999999999Z', LATEST_MS],
    ['-1e300', EARLIEST_MS],
    ['9223372036854775807', LATEST_MS],
    ['2015-07-01', null],
    ['2015-02-29T00:00:00Z', null],
    ['2015-06-31T00:00:00Z', null],
    ['2015-07-01T24:00:00Z', null],
    ['2015-13-01T00:00:00Z', null],
    ['0x10', null],
    ['Infinity', null],
    ['1e999', null],
    [' 1', null],
    ['', null],
  ])('%j is %s', (text, timeMs) => {
    expect(parseTime(text)).toBe(timeMs);
  });
});

describe('parameters', () => {
  const given = new Parameters(
    { limit: '5', 'match[]': ['a', 'b'] },
    { limit: '9', 'match[]': 'c', step: '1m30s', gone: undefined },
  );

  it('come from the body before the URL', () => {
    expect(given.text('limit')).toBe('5');
    expect(given.all('match[]')).toEqual(['a', 'b', 'c']);
    expect(given.text('gone')).toBe('');
    expect(given.all('constructor')).toEqual([]);
  });

  it('are durations in seconds or in Prometheus’s words', () => {
    expect(given.duration('step')).toBe(90_000);
    expect(new Parameters({ step: '0.25' }).duration('step')).toBe(250);
    expect(new Parameters({ step: '-3' }).duration('step')).toBe(-3000);
    expect(new Parameters({ step: '0.0005' }).duration('step')).toBe(0.5);
    expect(given.duration('timeout')).toBeNull();
  });

  it('limit nothing where they are 0 or missing', () => {
    expect(given.limit()).toBe(5);
    expect(new Parameters({ limit: '0' }).limit()).toBeNull();
    expect(new Parameters().limit()).toBeNull();
  });

  it.each<[string, (parameters: Parameters) => unknown, string]>([
    [
      'later',
      (p) => p.time('time'),
      `invalid time value for 'time': cannot parse "later" to a valid timestamp`,
    ],
    ['soon', (p) => p.requiredTime('time'), 'cannot parse "soon" to a valid timestamp'],
    ['1 hour', (p) => p.duration('time'), 'cannot parse "1 hour" to a valid duration'],
    ['1e99', (p) => p.duration('time'), 'cannot parse "1e99" to a valid duration. It overflows int64'],
    ['-Inf', (p) => p.duration('time'), 'cannot parse "-Inf" to a valid duration. It overflows int64'],
    ['300y', (p) => p.duration('time'), 'cannot parse "300y" to a valid duration'],
    ['x', (p) => p.limit('time'), 'strconv.Atoi: parsing "x": invalid syntax'],
    ['-1', (p) => p.limit('time'), 'limit must be non-negative'],
  ])('of the text %j are refused in Prometheus’s words', (time, read, problem) => {
    expect(() => read(new Parameters({ time }))).toThrow(`invalid parameter "time": ${problem}`);
  });
});
