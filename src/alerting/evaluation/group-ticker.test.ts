import { describe, expect, it } from 'vitest';
import { SteadyClock, VirtualClock } from '#telemetry';
import { GroupTicker, nextTickMs } from './group-ticker.ts';

describe('the interval of a group', () => {
  it('comes round at the same moments after every start, apart from that of others', () => {
    const first = nextTickMs(1_000_000, 15_000, 'a.yml;g');
    expect(nextTickMs(first - 1, 15_000, 'a.yml;g')).toBe(first);
    expect(nextTickMs(first, 15_000, 'a.yml;g')).toBe(first + 15_000);
    expect((nextTickMs(1_000_000, 15_000, 'a.yml;h') - first) % 15_000).not.toBe(0);
  });

  it('comes round once an interval of evaluation time, also while the wall clock catches up after a step back', async () => {
    const wall = new VirtualClock(1_000_000);
    const steady = new SteadyClock(wall);
    const ticksMs: number[] = [];
    const ticker = new GroupTicker(steady, { intervalMs: 15_000, identity: 'a.yml;g' }, () =>
      ticksMs.push(steady.wallMs()),
    );
    ticker.start();
    await wall.advance(31_000);
    wall.stepWallClock(-30_000);
    await wall.advance(90_000);
    ticker.stop();
    const first = nextTickMs(1_000_000, 15_000, 'a.yml;g');
    // 31 s, then 81 s in which 90 s pass.
    const expected = [0, 1, 2, 3, 4, 5, 6, 7].map((tick) => first + tick * 15_000);
    expect(ticksMs.map((tickMs) => Math.floor(tickMs / 10))).toEqual(
      expected.filter((tickMs) => tickMs < 1_112_000).map((tickMs) => Math.floor(tickMs / 10)),
    );
  });
});
