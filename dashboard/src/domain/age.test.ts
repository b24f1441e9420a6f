import { describe, expect, it } from 'vitest';
import { formatAge, formatAgo, formatDuration, formatElapsed, formatOffset, formatSpanTime } from './age.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [999.7, '1s'],
    [1_000, '1s'],
    [1_750, '1.75s'],
    [9_999, '9.99s'],
    [12_900, '12s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [250_000, '4m10s'],
    [3_600_000, '1h'],
    [7_500_000, '2h5m'],
    [36_060_000, '10h'],
    [90_000_000, '1d1h'],
  ])('%i ms is %s', (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));
});

describe('formatAgo', () => {
  it.each([
    { ageMs: 13_400, said: '13s ago' },
    { ageMs: 300, said: 'now' },
    // By the error of a clock.
    { ageMs: -2_000, said: 'now' },
  ])('says of $ageMs ms $said', ({ ageMs, said }) =>
    expect(formatAgo(1_000_000 - ageMs, 1_000_000)).toBe(said),
  );
});

describe('formatAge', () => {
  it.each([
    { atMs: 10_000, nowMs: 10_900, text: 'now' },
    { atMs: 12_000, nowMs: 10_000, text: 'now' },
    { atMs: 0, nowMs: 3_700, text: '3s' },
    { atMs: 0, nowMs: 65_000, text: '1m5s' },
  ])('$atMs seen at $nowMs is $text', ({ atMs, nowMs, text }) => {
    expect(formatAge(atMs, nowMs)).toBe(text);
  });
});

describe('formatElapsed', () => {
  it.each([
    { nowMs: 10_900, text: 'a moment' },
    { nowMs: 75_000, text: '1m5s' },
  ])('since 10s at $nowMs is $text', ({ nowMs, text }) => expect(formatElapsed(10_000, nowMs)).toBe(text));
});

describe('formatSpanTime', () => {
  it.each([
    [0, '< 1ms'],
    [0.01, '10µs'],
    [0.64, '640µs'],
    [12.44, '12.4ms'],
    [340.6, '341ms'],
    [1_520, '1.52s'],
    [61_000, '1m1s'],
  ])('%d ms is %s', (durationMs, text) => expect(formatSpanTime(durationMs)).toBe(text));
});

describe('formatOffset', () => {
  it('says the start of a trace as such', () =>
    expect([formatOffset(0), formatOffset(12.44)]).toEqual(['0', '12.4ms']));
});
