import { describe, expect, it } from 'vitest';
import { timeText } from './time-text.ts';

const NOON_MS = Date.UTC(2026, 10, 28, 12);

describe('a time in a query', () => {
  it.each([
    ['2026-11-28T12:00:00Z', NOON_MS],
    ['2026-11-28T14:00:00+02:00', NOON_MS],
    ['2026-11-28T14:00:00 02:00', NOON_MS],
    ['2026-11-28T06:30:00-05:30', NOON_MS],
    ['2026-11-28T12:00:00.250Z', NOON_MS + 250],
    ['2026-11-28T12:00:00.2509999Z', NOON_MS + 250],
    ['1969-12-31T23:59:59Z', -1000],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ])('%s is %i', (text, timeMs) => {
    expect(timeText.parse(text)).toBe(timeMs);
  });

  it.each([
    '',
    'yesterday',
    '2026-11-28',
    '2026-11-28T12:00:00',
    '2026-11-28T12:00Z',
    '2026-11-28 12:00:00Z',
    '2026-11-28T24:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-11-28T12:00:00+0200',
    '1764331200',
    ['2026-11-28T12:00:00Z', '2026-11-28T12:00:00Z'],
  ])('%j is none', (given) => {
    const { error } = timeText.safeParse(given);
    expect(error?.issues.map(({ message }) => message)).toEqual([
      'must be a time like 2026-11-28T12:00:00Z or …T14:00:00+02:00',
    ]);
  });
});
