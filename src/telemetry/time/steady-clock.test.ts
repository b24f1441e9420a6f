import { describe, expect, it } from 'vitest';
import { SteadyClock } from './steady-clock.ts';
import { VirtualClock } from './virtual-clock.ts';

const START_MS = 1_000_000;

/** What both clocks show, ms after the start. */
function clocks() {
  const wall = new VirtualClock(START_MS);
  const steady = new SteadyClock(wall);
  return { wall, steady, shown: () => [wall.wallMs() - START_MS, steady.wallMs() - START_MS] };
}

describe('steady wall time', () => {
  it('is that of the wall clock, and follows it forward at once', async () => {
    const { wall, shown } = clocks();
    expect(shown()).toEqual([0, 0]);
    await wall.advance(1234);
    expect(shown()).toEqual([1234, 1234]);
    wall.stepWallClock(3_600_000);
    expect(shown()).toEqual([3_601_234, 3_601_234]);
  });

  it('runs on a little slower after a step back, until the wall clock has caught up', async () => {
    const { wall, steady, shown } = clocks();
    await wall.advance(30_000);
    expect(shown()).toEqual([30_000, 30_000]);
    wall.stepWallClock(-20_000);
    expect(shown()).toEqual([10_000, 30_000]);
    await wall.advance(10_000);
    expect(shown()).toEqual([20_000, 39_000]);
    expect(steady.leadMs()).toBe(19_000);
    await wall.advance(190_000);
    expect(shown()).toEqual([210_000, 210_000]);
    await wall.advance(1000);
    expect(shown()).toEqual([211_000, 211_000]);
    expect(steady.leadMs()).toBe(0);
  });

  it('is not frozen by a step of hours', async () => {
    const { wall, steady } = clocks();
    await wall.advance(60_000);
    const before = steady.wallMs();
    wall.stepWallClock(-7_200_000);
    await wall.advance(60_000);
    expect(steady.wallMs()).toBe(before + 54_000);
  });

  it.each([
    ['a part', 1_800_000],
    ['all', 3_600_000],
    ['more than all', 4_000_000],
  ])('goes with a wall clock that takes back %s of its step, but never back', async (_part, byMs) => {
    const { wall, steady } = clocks();
    wall.stepWallClock(-3_600_000);
    await wall.advance(60_000);
    const before = steady.wallMs();
    wall.stepWallClock(byMs);
    expect(steady.wallMs()).toBe(Math.max(before, wall.wallMs()));
    await wall.advance(1000);
    expect(steady.wallMs()).toBe(Math.max(before + 900, wall.wallMs()));
  });

  it('goes on where the process before it was ahead', async () => {
    const { wall, steady, shown } = clocks();
    steady.notBefore(START_MS + 5000);
    expect(shown()).toEqual([0, 5000]);
    await wall.advance(4000);
    expect(shown()).toEqual([4000, 8600]);
    steady.notBefore(START_MS + 1000);
    expect(shown()).toEqual([4000, 8600]);
  });

  it.each([
    ['as long as nobody looked', 3_600_000, 60_000, 3_654_000],
    ['from there where it was set back again', 3_600_000, -60_000, 3_600_000],
    ['from there where it was not ahead', 0, -60_000, 0],
  ])('goes on from a process before, %s', (_name, leadMs, sinceMs, expected) => {
    const shownMs = START_MS + leadMs;
    const wall = new VirtualClock(START_MS + sinceMs);
    const steady = new SteadyClock(wall);
    steady.notBefore(shownMs, leadMs);
    expect(steady.wallMs() - START_MS).toBe(expected);
  });
});

describe('what senders have dated by a wall clock that was set back', () => {
  const HOUR_MS = 3_600_000;

  /** An hour was taken back at the start, and a minute has passed since. */
  async function setBack() {
    const wall = new VirtualClock(START_MS + HOUR_MS);
    const steady = new SteadyClock(wall);
    steady.wallMs();
    wall.stepWallClock(-HOUR_MS);
    steady.wallMs();
    await wall.advance(60_000);
    return { wall, steady };
  }

  it.each([
    ['is now where it was', 60_000, HOUR_MS + 54_000],
    ['is of then where it was then', 0, HOUR_MS],
    ['a sender a little ahead is so still', 65_000, HOUR_MS + 58_500],
    ['what was read just before is put right too', -60_000, HOUR_MS - 54_000],
    ['what follows a clock that did not step stays', HOUR_MS + 60_000, HOUR_MS + 60_000],
    ['what is older stays', -1_800_000, -1_800_000],
  ])('%s', async (_name, sent, expected) => {
    const { steady } = await setBack();
    expect(steady.redating()?.(START_MS + sent)).toBe(START_MS + expected);
  });

  it('is dated the same when it is sent again later', async () => {
    const { wall, steady } = await setBack();
    const first = steady.redating()?.(START_MS + 30_000);
    await wall.advance(123_456);
    expect(steady.redating()?.(START_MS + 30_000)).toBe(first);
  });

  it('follows a further step', async () => {
    const { wall, steady } = await setBack();
    wall.stepWallClock(-HOUR_MS);
    const steadyMs = steady.wallMs();
    expect(steady.redating()?.(wall.wallMs())).toBe(steadyMs);
    await wall.advance(10_000);
    wall.stepWallClock(HOUR_MS / 2);
    expect(steady.redating()?.(wall.wallMs())).toBe(Math.round(steady.wallMs()));
  });

  it('is left alone without a step, after a small one, and where the wall clock has caught up', async () => {
    const { wall, steady } = clocks();
    expect(steady.redating()).toBeNull();
    steady.wallMs();
    wall.stepWallClock(-9000);
    expect(steady.redating()).toBeNull();
    wall.stepWallClock(-HOUR_MS);
    expect(steady.redating()).not.toBeNull();
    wall.stepWallClock(2 * HOUR_MS);
    expect(steady.redating()).toBeNull();
  });
});
