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

  it('runs on at half its pace after a step back, until the wall clock has caught up', async () => {
    const { wall, steady, shown } = clocks();
    await wall.advance(30_000);
    expect(shown()).toEqual([30_000, 30_000]);
    wall.stepWallClock(-20_000);
    expect(shown()).toEqual([10_000, 30_000]);
    await wall.advance(10_000);
    expect(shown()).toEqual([20_000, 35_000]);
    expect(steady.leadMs()).toBe(15_000);
    await wall.advance(30_000);
    expect(shown()).toEqual([50_000, 50_000]);
    await wall.advance(1000);
    expect(shown()).toEqual([51_000, 51_000]);
    expect(steady.leadMs()).toBe(0);
  });

  it('is not frozen by a step of hours', async () => {
    const { wall, steady } = clocks();
    await wall.advance(60_000);
    const before = steady.wallMs();
    wall.stepWallClock(-7_200_000);
    await wall.advance(60_000);
    expect(steady.wallMs()).toBe(before + 30_000);
  });

  it('goes on where the process before it was ahead', async () => {
    const { wall, steady, shown } = clocks();
    steady.notBefore(START_MS + 5000);
    expect(shown()).toEqual([0, 5000]);
    await wall.advance(4000);
    expect(shown()).toEqual([4000, 7000]);
    steady.notBefore(START_MS + 1000);
    expect(shown()).toEqual([4000, 7000]);
  });
});
