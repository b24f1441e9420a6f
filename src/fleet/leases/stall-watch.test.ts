import { describe, expect, test } from 'vitest';
import type { Clock } from '#telemetry';
import { LeaseRegistry } from './lease-registry.ts';
import { DEFAULT_FLEET_LIMITS } from '../limits.ts';
import { newPunctuality, type Punctuality } from './scheduling-delay.ts';
import { StallWatch } from './stall-watch.ts';

const LIMITS = { ...DEFAULT_FLEET_LIMITS, tickMs: 100, maxStallMs: 1000 };

/** A clock that jumps, as it looks to a process that was stopped. */
function createJumpingClock(): Clock & { jump(byMs: number): void } {
  let nowMs = 0;
  const timer = { cancel: () => {} };
  return {
    wallMs: () => 1000 + nowMs,
    monotonicMs: () => nowMs,
    cpuMs: () => nowMs,
    bootMs: () => nowMs,
    bootId: 'boot',
    after: () => timer,
    every: () => timer,
    jump: (byMs) => {
      nowMs += byMs;
    },
  };
}

test('a tick that comes far too late starts all ages afresh, a slow one does not', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  clock.jump(900);
  expect([stall.tick(), stall.silenceMs(0)]).toEqual([0, 900]);
  clock.jump(5000);
  expect([stall.tick(), stall.silenceMs(0)]).toEqual([4900, 0]);
  clock.jump(100);
  expect([stall.tick(), stall.silenceMs(0)]).toEqual([0, 100]);
});

test('who is asked after a stall and before the tick that notices it holds nothing against anybody', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  clock.jump(1100);
  expect([stall.silenceMs(0), stall.trustedSinceMs]).toEqual([1100, 0]);
  clock.jump(1);
  expect([stall.silenceMs(0), stall.trustedSinceMs]).toEqual([0, 1101]);
  clock.jump(50);
  expect([stall.tick(), stall.trustedSinceMs]).toEqual([1051, 1151]);
});

test('what is too short for a stall makes TTLs longer by as much, for half a minute', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  const ttls = (): number[] => (['started', 'elsewhere'] as const).map((agent) => stall.ttlMs(3000, agent));
  expect(ttls()).toEqual([3000, 3000]);
  clock.jump(900);
  // Also before the tick that notices it: somebody may be judged sooner.
  expect(ttls()).toEqual([3800, 3800]);
  expect([stall.tick(), ttls()]).toEqual([0, [3800, 3800]]);
  for (let ms = 0; ms < 25_000; ms += 100) {
    clock.jump(100);
    stall.tick();
  }
  expect(ttls()).toEqual([3800, 3800]);
  for (let ms = 0; ms < 5000; ms += 100) {
    clock.jump(100);
    stall.tick();
  }
  expect(ttls()).toEqual([3000, 3000]);
});

test('TTLs never become longer than three times, however long the server stood still; the jitter of ticks changes none', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  clock.jump(199);
  stall.tick();
  expect(stall.ttlMs(3000, 'started')).toBe(3000);
  clock.jump(60_000);
  stall.tick();
  expect(stall.ttlMs(3000, 'started')).toBe(9000);
});

test('what passes before the server begins to tick is no delay, whoever asks meanwhile', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  clock.jump(20_000);
  stall.delayMs('started');
  stall.restart();
  expect(stall.ttlMs(3000, 'started')).toBe(3000);
});

test('those that come first in a window are not taken for all: half of those heard in the one before have to be late', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  const agents = Array.from({ length: 10 }, () => newPunctuality());
  const pass = (forMs: number): void => {
    for (let ms = 0; ms < forMs; ms += 100) {
      clock.jump(100);
      stall.tick();
    }
  };
  const come = (late: readonly Punctuality[], lateMs: number): number => {
    const heardAtMs = clock.monotonicMs() - 500 - lateMs;
    for (const agent of late) stall.heard(agent, { heardAtMs, intervalMs: 500, vouching: 'started' });
    return stall.ttlMs(3000, 'started');
  };
  pass(10_000);
  expect(come(agents, 0)).toBe(3000);
  pass(LIMITS.delayWindowMs);
  expect(come(agents.slice(0, 4), 1250)).toBe(3000);
  expect(come(agents.slice(4, 5), 1250)).toBe(4300);
});

describe('agents of this host', () => {
  /**
   * The TTL of one that Omoi has started here, of one that says it is here and of one elsewhere, after each of the agents has
   * come so late, one after the other. Those of `latesMs` were started by Omoi, those of `strangersMs` say they are here.
   */
  function ttlsAfter(
    latesMs: readonly number[],
    { apartMs, strangersMs = [] }: { readonly apartMs: number; readonly strangersMs?: readonly number[] },
  ): readonly number[] {
    const clock = createJumpingClock();
    const stall = new StallWatch(clock, LIMITS);
    const pass = (forMs: number): void => {
      for (let ms = 0; ms < forMs; ms += 100) {
        clock.jump(100);
        stall.tick();
      }
    };
    pass(10_000);
    const heard = (lateMs: number, vouching: 'started' | 'says_so'): void => {
      const heardAtMs = clock.monotonicMs() - 500 - lateMs;
      stall.heard(newPunctuality(), { heardAtMs, intervalMs: 500, vouching });
      pass(apartMs);
    };
    for (const lateMs of latesMs) heard(lateMs, 'started');
    for (const lateMs of strangersMs) heard(lateMs, 'says_so');
    return (['started', 'says_so', 'elsewhere'] as const).map((agent) => stall.ttlMs(3000, agent));
  }
  const TOGETHER = { apartMs: 100 };

  test.each([
    ['that come late together have longer TTLs', [1200, 1250, 1290], TOGETHER, [4300, 4300, 3000]],
    ['of which half come late', [1200, 1250, 1290, 0, 0, 0], TOGETHER, [4300, 4300, 3000]],
    ['of which few come late', [1200, 1250, 0, 0, 0], TOGETHER, [3000, 3000, 3000]],
    ['of which one hung, and comes back', [4000, 0, 0, 0], TOGETHER, [3000, 3000, 3000]],
    ['of which there are only two', [1200, 1250], TOGETHER, [3000, 3000, 3000]],
    [
      'that come late with those that Omoi has started count, too',
      [1200],
      { ...TOGETHER, strangersMs: [1250, 1290] },
      [4300, 4300, 3000],
    ],
    [
      'that only say they are here and come late do nothing to those that Omoi has started',
      [0, 0, 0],
      { apartMs: 10, strangersMs: Array.from({ length: 100 }, () => 9000) },
      [3000, 9000, 3000],
    ],
    [
      'that come late cover none that comes late alone among those that Omoi has started',
      [4000, 0, 0],
      { apartMs: 10, strangersMs: [4000, 4000, 4000] },
      [3000, 7100, 3000],
    ],
    ['that come late one after the other', [1200, 1250, 1290], { apartMs: 5000 }, [3000, 3000, 3000]],
  ])('%s', (_what, latesMs, apart, ttls) => {
    expect(ttlsAfter(latesMs, apart)).toEqual(ttls);
  });
});

test('nobody loses a lease because the server was stopped', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  const leases = new LeaseRegistry(clock, stall);
  leases.begin({ id: 'task_1', agentId: 'a', generation: 1, term: 1, lengthMs: 3000 });
  clock.jump(60_000);
  stall.tick();
  expect(leases.takeExpired(10)).toEqual([]);
  for (let ticks = 0; ticks < 30; ticks++) {
    clock.jump(100);
    stall.tick();
  }
  expect(leases.takeExpired(10).map(({ id }) => id)).toEqual(['task_1']);
  expect(leases.takeExpired(10)).toEqual([]);
  expect(leases.renew('task_1', { agentId: 'a', generation: 1 })).toBe(false);
});
