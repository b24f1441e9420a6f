import { describe, expect, it } from 'vitest';
import { elapsedMs, leftMs, momentOf, wallTimeOf } from './persisted-duration.ts';
import type { Clock } from './clock.ts';
import { TakenUpClock } from './taken-up-clock.ts';
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

  describe('over boots that take up what is persisted', () => {
    /** The machine boots anew with another wall clock, and what is persisted is taken up. */
    function reboot(clock: VirtualClock, known: Clock, stepMs: number): Clock {
      clock.reboot();
      clock.stepWallClock(stepMs);
      return new TakenUpClock(clock, [...(known.boots ?? []), momentOf(clock)]);
    }
    const first = (clock: VirtualClock): Clock => new TakenUpClock(clock, [momentOf(clock)]);

    it.each([-HOUR_MS, 365 * 24 * HOUR_MS])(
      'asks the wall clock once: by %d ms it is set afterwards, and changes nothing',
      async (stepMs) => {
        const clock = new VirtualClock();
        let known = first(clock);
        const duration = { start: momentOf(known), lengthMs: MINUTE_MS };
        await clock.advance(10_000);
        known = reboot(clock, known, 5000);
        expect(leftMs(duration, momentOf(known))).toBe(45_000);
        clock.stepWallClock(stepMs);
        await clock.advance(20_000);
        expect(leftMs(duration, momentOf(known))).toBe(25_000);
        expect(wallTimeOf(duration.start, momentOf(known))).toBe(clock.wallMs() - 35_000);
      },
    );

    it('lasts from the last boot on for its length at most, however often the wall clock is set back', async () => {
      const clock = new VirtualClock();
      let known = first(clock);
      const duration = { start: momentOf(known), lengthMs: MINUTE_MS };
      for (let boot = 0; boot < 3; boot++) {
        known = reboot(clock, known, -HOUR_MS);
        expect(leftMs(duration, momentOf(known))).toBe(MINUTE_MS);
        await clock.advance(20_000);
        expect(leftMs(duration, momentOf(known))).toBe(40_000);
      }
      await clock.advance(40_000);
      expect(leftMs(duration, momentOf(known))).toBe(0);
    });

    it('counts what a boot in the middle has lasted, of which the wall clock was behind', async () => {
      const clock = new VirtualClock();
      let known = first(clock);
      const start = momentOf(known);
      known = reboot(clock, known, -HOUR_MS);
      await clock.advance(20_000);
      known = reboot(clock, known, 0);
      await clock.advance(3000);
      expect(elapsedMs(start, momentOf(known))).toBe(23_000);
    });

    it('is told from one of the same boot that was taken up again by another machine meanwhile', () => {
      const at = (bootId: string, bootMs: number, wallMs: number) => ({ bootId, bootMs, wallMs });
      const boots = [at('a', 0, 0), at('b', 500, 1000), at('a', 3000, 3000), at('b', 5000, 8000)];
      const now = { ...at('b', 5100, 0), boots };
      expect(elapsedMs(at('a', 3500, 3500), now)).toBe(4500 + 100);
      expect(elapsedMs(at('a', 500, 500), now)).toBe(500 + 2000 + 5000 + 100);
      expect(elapsedMs(at('b', 1500, 2000), now)).toBe(3600);
    });

    it('of a boot that nobody knows any more began before those that are known', () => {
      const boots = [{ bootId: 'b', bootMs: 10, wallMs: 5000 }];
      const now = { bootId: 'b', bootMs: 110, wallMs: 0, boots };
      expect(elapsedMs({ wallMs: 1000, bootMs: 4, bootId: 'z' }, now)).toBe(4100);
      expect(elapsedMs({ wallMs: 1000, bootMs: null, bootId: null }, now)).toBe(4100);
    });
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
