import { expect, test } from 'vitest';
import type { Clock } from '#telemetry';
import { LeaseRegistry } from './lease-registry.ts';
import { StallWatch } from './stall-watch.ts';

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
  const stall = new StallWatch(clock, { tickMs: 100, maxStallMs: 1000 });
  clock.jump(900);
  expect([stall.tick(), stall.silenceMs(0)]).toEqual([0, 900]);
  clock.jump(5000);
  expect([stall.tick(), stall.silenceMs(0)]).toEqual([4900, 0]);
  clock.jump(100);
  expect([stall.tick(), stall.silenceMs(0)]).toEqual([0, 100]);
});

test('who is asked after a stall and before the tick that notices it holds nothing against anybody', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, { tickMs: 100, maxStallMs: 1000 });
  clock.jump(1100);
  expect([stall.silenceMs(0), stall.trustedSinceMs]).toEqual([1100, 0]);
  clock.jump(1);
  expect([stall.silenceMs(0), stall.trustedSinceMs]).toEqual([0, 1101]);
  clock.jump(50);
  expect([stall.tick(), stall.trustedSinceMs]).toEqual([1051, 1151]);
});

test('nobody loses a lease because the server was stopped', () => {
  const clock = createJumpingClock();
  const stall = new StallWatch(clock, { tickMs: 100, maxStallMs: 1000 });
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
