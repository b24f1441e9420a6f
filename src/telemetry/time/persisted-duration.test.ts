import { describe, expect, it } from 'vitest';
import { elapsedMs, leftMs, momentOf, wallTimeOf } from './persisted-duration.ts';
import { VirtualClock } from './virtual-clock.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** A duration of a minute that began now. */
function begun(clock: VirtualClock) {
  return { start: momentOf(clock), lengthMs: MINUTE_MS };
}

describe('a duration that is persisted', () => {
  it.each([0, HOUR_MS, -HOUR_MS, 365 * 24 * HOUR_MS])(
    'is not changed by a step of the wall clock by %d ms',
    async (step) => {
      const clock = new VirtualClock();
      const duration = begun(clock);
      await clock.advance(20_000);
      clock.stepWallClock(step);
      expect(leftMs(duration, momentOf(clock))).toBe(40_000);
      expect(wallTimeOf(duration.start, momentOf(clock))).toBe(clock.wallMs() - 20_000);
      await clock.advance(40_000);
      expect(leftMs(duration, momentOf(clock))).toBe(0);
    },
  );

  it.each([
    ['after as long a downtime', 20_000, 40_000],
    ['after a longer one', HOUR_MS, 0],
    ['where the wall clock was set back meanwhile', -HOUR_MS, MINUTE_MS],
  ])('of another boot goes by the wall clock, within its length: %s', (_what, passedMs, left) => {
    const clock = new VirtualClock();
    const duration = begun(clock);
    clock.reboot();
    clock.stepWallClock(passedMs);
    expect(leftMs(duration, momentOf(clock))).toBe(left);
  });

  it('goes by the wall clock where the boot clock of the same boot began anew, as in a container', () => {
    const now = { wallMs: 50_000, bootMs: 1000, bootId: 'b' };
    expect(elapsedMs({ wallMs: 20_000, bootMs: 90_000, bootId: 'b' }, now)).toBe(30_000);
  });

  it('that was written without a boot clock goes by the wall clock', () => {
    const now = { wallMs: 50_000, bootMs: 1000, bootId: 'b' };
    expect(elapsedMs({ wallMs: 20_000, bootMs: null, bootId: null }, now)).toBe(30_000);
  });

  it('goes by the time of the transaction, where that has its own', () => {
    const clock = new VirtualClock();
    expect(momentOf(clock, 5).wallMs).toBe(5);
  });
});
