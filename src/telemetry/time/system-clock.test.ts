import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { nextTurn } from '../concurrency/pacing.ts';
import { createSystemClock } from './system-clock.ts';

const DAY_MS = 86_400_000;

// Their timers, too, fire after 1 ms where a delay is longer than 2^31 − 1 ms.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([1, 24, 25, 30, 365])('a timer of %s days fires once, then', (days) => {
  const clock = createSystemClock();
  const run = vi.fn<() => void>();
  clock.after(days * DAY_MS, run);
  clock.after(days * DAY_MS, () => expect.fail('was cancelled')).cancel();
  vi.advanceTimersByTime(days * DAY_MS - 2);
  expect(run).not.toHaveBeenCalled();
  vi.advanceTimersByTime(DAY_MS);
  expect(run).toHaveBeenCalledTimes(1);
});

it('a long timer is cancelled in any of its parts', () => {
  const timer = createSystemClock().after(60 * DAY_MS, () => expect.fail('was cancelled'));
  vi.advanceTimersByTime(30 * DAY_MS);
  timer.cancel();
  vi.advanceTimersByTime(60 * DAY_MS);
});

it.each([1, 30])('what comes every %s days comes so often, until it is cancelled', (days) => {
  const run = vi.fn<() => void>();
  const timer = createSystemClock().every(days * DAY_MS, run);
  vi.advanceTimersByTime(days * DAY_MS * 3.5);
  expect(run).toHaveBeenCalledTimes(3);
  timer.cancel();
  vi.advanceTimersByTime(days * DAY_MS * 2);
  expect(run).toHaveBeenCalledTimes(3);
});

it('a time that has passed is due at once, and the runtime warns of nothing', async () => {
  vi.useRealTimers();
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const clock = createSystemClock();
  try {
    await new Promise<void>((resolve) => {
      clock.after(-250, resolve);
    });
    // Warnings are told in the turn after.
    await nextTurn();
    await nextTurn();
  } finally {
    process.off('warning', onWarning);
  }
  expect(warnings).toEqual([]);
});

it('counts from the boot, whichever process asks', () => {
  vi.useRealTimers();
  const [first, second] = [createSystemClock(), createSystemClock()];
  expect(first.bootId).toBe(second.bootId);
  const before = first.bootMs();
  expect(second.bootMs()).toBeGreaterThanOrEqual(before);
  expect(first.bootMs()).toBeGreaterThan(first.monotonicMs());
  expect(createSystemClock('another').bootId).toBe('another');
});
