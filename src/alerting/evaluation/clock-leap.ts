import type { Clock } from '#telemetry';

/** Clocks are corrected by less between two evaluations. */
const MIN_LEAP_MS = 5000;

/** Notices that the wall clock was set forward, or that the machine has slept: nothing was seen in that time. */
export class ClockLeap {
  #wallMs = Number.NaN;
  #monotonicMs = Number.NaN;

  /** By how much more the wall clock has moved since the last look than time has passed, ms; 0 where that is nothing. */
  since(clock: Clock): number {
    const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
    const leapMs = wallMs - this.#wallMs - (monotonicMs - this.#monotonicMs);
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    return leapMs >= MIN_LEAP_MS ? leapMs : 0;
  }
}
