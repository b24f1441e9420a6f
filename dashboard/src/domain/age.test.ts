import { describe, expect, it } from 'vitest';
import { formatAge, formatDuration, formatElapsed, formatOffset, formatSpanTime } from './age.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [999.7, '1 s'],
    [1_000, '1 s'],
    [1_750, '1.75 s'],
    [9_999, '9.99 s'],
    [12_900, '12 s'],
    [59_999, '59 s'],
    [60_000, '1 m'],
    [250_000, '4 m 10 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 m'],
    [36_060_000, '10 h'],
    [90_000_000, '1 d 1 h'],
  ])('%i ms is %s', (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));
});

describe('formatAge', () => {
  it.each([
    { atMs: 10_000, nowMs: 10_900, text: 'now' },
    { atMs: 12_000, nowMs: 10_000, text: 'now' },
    { atMs: 0, nowMs: 3_700, text: '3 s' },
    { atMs: 0, nowMs: 65_000, text: '1 m 5 s' },
  ])('$atMs seen at $nowMs is $text', ({ atMs, nowMs, text }) => {
    expect(formatAge(atMs, nowMs)).toBe(text);
  });
});

describe('formatElapsed', () => {
  it.each([
    { nowMs: 10_900, text: 'a moment' },
    { nowMs: 75_000, text: '1 m 5 s' },
  ])('since 10 s at $nowMs is $text', ({ nowMs, text }) => expect(formatElapsed(10_000, nowMs)).toBe(text));
});

describe('formatSpanTime', () => {
  it.each([
    [0, '< 1 ms'],
    [0.01, '10 µs'],
    [0.64, '640 µs'],
    [12.44, '12.4 ms'],
    [340.6, '341 ms'],
    [1_520, '1.52 s'],
    [61_000, '1 m 1 s'],
  ])('%d ms is %s', (durationMs, text) => expect(formatSpanTime(durationMs)).toBe(text));
});

describe('formatOffset', () => {
  it('says the start of a trace as such', () =>
    expect([formatOffset(0), formatOffset(12.44)]).toEqual(['0', '12.4 ms']));
});
