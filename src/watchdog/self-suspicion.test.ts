import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { SelfSuspicion } from './self-suspicion.ts';

const LIMITS = { tickMs: 250, maxStallMs: 2000, holdMs: 15_000 };

it.each([
  ['stands', 0],
  ['jumps ahead', 3_600_000],
  ['jumps back', -3_600_000],
])('holds still for its whole time after an outage, where the wall clock %s', async (_what, stepMs) => {
  const clock = new VirtualClock();
  const reasons: string[] = [];
  const suspicion = new SelfSuspicion(clock, LIMITS, (reason) => reasons.push(reason));
  suspicion.start();
  const leftMs = (): number => suspicion.untilMs() - clock.wallMs();
  expect(leftMs()).toBeLessThanOrEqual(0);
  suspicion.outage('the disk is full');
  clock.stepWallClock(stepMs);
  await clock.advance(LIMITS.holdMs - 1);
  expect(leftMs()).toBe(1);
  await clock.advance(1);
  expect(leftMs()).toBe(0);
  expect(reasons).toEqual(['the disk is full']);
  suspicion.stop();
});
