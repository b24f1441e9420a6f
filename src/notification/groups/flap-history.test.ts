import { expect, it } from 'vitest';
import { FlapHistory, maxRememberedFlaps } from './flap-history.ts';

const SETTINGS = { episodes: 3, withinMs: 100 };

it.each<[string, readonly number[], number, object | null]>([
  ['too few', [0, 10], 20, null],
  ['enough within the time', [0, 40, 100], 120, { episodes: 3, sinceMs: 100, untilMs: 200 }],
  ['too far apart', [0, 60, 120], 130, null],
  ['close enough at last', [0, 60, 120, 130, 140], 150, { episodes: 5, sinceMs: 130, untilMs: 240 }],
  [
    'since it began, however often it has come back',
    [0, 10, 20, 90, 180, 270],
    300,
    { episodes: 6, sinceMs: 20, untilMs: 370 },
  ],
  ['not any more once it stays away', [0, 10, 20], 120, null],
  ['anew after that', [0, 10, 20, 200, 210], 220, null],
  ['the same episode told twice', [0, 10, 10, 10], 20, null],
  ['not any more once the clock was set back', [1000, 1010, 1020], 20, null],
  [
    'anew when the clock was set back',
    [1000, 1010, 0, 10, 20],
    30,
    { episodes: 3, sinceMs: 20, untilMs: 120 },
  ],
])('%s', (_name, starts, nowMs, flapping) => {
  const history = new FlapHistory();
  for (const at of starts) history.note('a', at, SETTINGS);
  expect(history.at('a', nowMs, SETTINGS)).toEqual(flapping);
  expect(history.at('b', nowMs, SETTINGS)).toBeNull();
});

it('remembers 50,000 label sets', () => {
  const history = new FlapHistory();
  const flap = (key: string): void => [0, 10, 20].forEach((at) => history.note(key, at, SETTINGS));
  for (let at = 0; at < maxRememberedFlaps; at++) flap(`set ${at}`);
  expect(history.at('set 0', 30, SETTINGS)).not.toBeNull();
  flap('one more');
  expect(history.at('set 0', 30, SETTINGS)).toBeNull();
  expect(history.at('set 1', 30, SETTINGS)).not.toBeNull();
});
