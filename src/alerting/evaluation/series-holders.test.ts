import { expect, it } from 'vitest';
import { SeriesHolders } from './series-holders.ts';

it('a series ends with the last that holds it', () => {
  const holders = new SeriesHolders();
  holders.hold(1);
  holders.hold(1);
  holders.hold(2);
  expect([holders.release(1, 10), holders.release(2, 10), holders.release(1, 11)]).toEqual([
    false,
    true,
    true,
  ]);
  expect(holders.release(1, 12)).toBe(false);
});

it('what two write at one time, an end too, has a time each; what is written alone keeps its time', () => {
  const holders = new SeriesHolders();
  holders.hold(1);
  holders.hold(1);
  expect([holders.date(1, 10), holders.date(1, 10), holders.date(1, 20)]).toEqual([10, 11, 20]);
  holders.release(1, 20);
  expect(holders.release(1, 20)).toBe(true);
  expect(holders.date(1, 20)).toBe(21);
  holders.hold(1);
  expect([holders.date(1, 20), holders.date(1, 30)]).toEqual([22, 30]);
});

it('what ended long ago is forgotten', () => {
  const holders = new SeriesHolders();
  for (const [ref, timeMs] of [
    [1, 0],
    [2, 20_000],
  ] as const) {
    holders.hold(ref);
    holders.date(ref, timeMs);
    holders.release(ref, timeMs);
  }
  expect([holders.date(1, 0), holders.date(2, 20_000)]).toEqual([0, 20_001]);
});
