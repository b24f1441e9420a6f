import { describe, expect, test } from 'vitest';
import type { Clock } from '#telemetry';
import { LeaseRegistry } from './lease-registry.ts';
import { DEFAULT_FLEET_LIMITS } from '../limits.ts';
import { maxDelayMs, maxTokensHeard, newPunctuality, type Punctuality } from './scheduling-delay.ts';
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
  clock.jump(LIMITS.tickMs + maxDelayMs);
  stall.tick();
  expect(stall.ttlMs(3000, 'started')).toBe(9000);
});

test('a machine that was suspended is not behind: a stall of more than 30 s starts all ages afresh, and is no delay', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  clock.jump(LIMITS.tickMs + maxDelayMs + 1);
  // Also before the tick that notices it.
  expect([stall.silenceMs(0), stall.ttlMs(3000, 'started')]).toEqual([0, 3000]);
  expect([stall.tick(), stall.ttlMs(3000, 'started')]).toEqual([maxDelayMs + 1, 3000]);
});

test('agents that were suspended, and the server was not, are not behind', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  for (let ms = 0; ms < 60_000; ms += 100) {
    clock.jump(100);
    stall.tick();
  }
  const come = (lateMs: number): number => {
    const heardAtMs = clock.monotonicMs() - 500 - lateMs;
    const heard = { heardAtMs, intervalMs: 500, vouching: 'started' } as const;
    for (let agents = 0; agents < 3; agents++) stall.heard(newPunctuality(), heard);
    return stall.ttlMs(3000, 'started');
  };
  expect(come(maxDelayMs + 1)).toBe(3000);
  expect(come(maxDelayMs)).toBe(9000);
});

test('agents of a token lengthen their own TTLs, and those of another one only as far as half of these come late', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  for (let ms = 0; ms < 10_000; ms += 100) {
    clock.jump(100);
    stall.tick();
  }
  const come = (registeredBy: string | null, latesMs: readonly number[]): void => {
    for (const lateMs of latesMs) {
      const heardAtMs = clock.monotonicMs() - 500 - lateMs;
      const heard = { heardAtMs, intervalMs: 500, vouching: 'says_so', registeredBy } as const;
      stall.heard(newPunctuality(), heard);
    }
  };
  const ttls = (): number[] =>
    ['late', 'punctual', 'alike', null].map((by) => stall.ttlMs(3000, 'says_so', by));
  come('punctual', [0, 0, 0]);
  come('alike', [450, 0]);
  come(
    'late',
    Array.from({ length: 100 }, () => 2000),
  );
  expect(ttls()).toEqual([5100, 3000, 3500, 3000]);
  expect(stall.greatestDelayMs).toBe(2100);
  for (let ms = 0; ms < LIMITS.delayWindows * LIMITS.delayWindowMs; ms += 100) {
    clock.jump(100);
    stall.tick();
  }
  expect(ttls()).toEqual([3000, 3000, 3000, 3000]);
});

test('the agents of 100 tokens are compared; those of another one go by what the rest shows, until one has gone', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, LIMITS);
  const pass = (forMs: number): void => {
    for (let ms = 0; ms < forMs; ms += 100) {
      clock.jump(100);
      stall.tick();
    }
  };
  const come = (registeredBy: string): void => {
    const heardAtMs = clock.monotonicMs() - 1000;
    stall.heard(newPunctuality(), { heardAtMs, intervalMs: 500, vouching: 'says_so', registeredBy });
  };
  const ttl = (registeredBy: string): number => stall.ttlMs(3000, 'says_so', registeredBy);
  pass(10_000);
  for (let token = 0; token < maxTokensHeard; token++) come(`token ${token}`);
  come('one more');
  expect([ttl('token 99'), ttl('one more')]).toEqual([3600, 3000]);
  pass((LIMITS.delayWindows + 2) * LIMITS.delayWindowMs);
  for (const registeredBy of ['one more', 'one more', 'one more']) come(registeredBy);
  expect(ttl('one more')).toBe(3600);
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
