import type { Clock, Timer } from './clock.ts';

/**
 * How fast steady time runs while it is ahead of the wall clock. Faster, and it would be ahead for longer, so that
 * samples of others look old; slower, and rates of what Omoi counts itself would be more wrong.
 */
const CATCH_UP_PACE = 0.5;

/**
 * A clock whose wall time never goes back: what is appended later is dated later. Where the wall clock steps back,
 * steady time runs on at half its pace until the wall clock has caught up, which takes twice the step; it is never
 * frozen, however large the step was. A step forward is followed at once. Everything else is as the clock below has
 * it.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock;
  #wallMs = Number.NEGATIVE_INFINITY;
  #atMonotonicMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMonotonicMs = clock.monotonicMs();
  }

  wallMs(): number {
    const monotonicMs = this.#clock.monotonicMs();
    const steadyMs = this.#wallMs + (monotonicMs - this.#atMonotonicMs) * CATCH_UP_PACE;
    this.#atMonotonicMs = monotonicMs;
    return (this.#wallMs = Math.max(steadyMs, this.#clock.wallMs()));
  }

  /** Goes on from a time that was shown before, by the process before this one; ms since epoch. */
  notBefore(wallMs: number): void {
    this.#wallMs = Math.max(this.wallMs(), wallMs);
  }

  /** How far it is ahead of the wall clock, ms. */
  leadMs(): number {
    return this.wallMs() - this.#clock.wallMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  bootMs(): number {
    return this.#clock.bootMs();
  }

  get bootId(): string {
    return this.#clock.bootId;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#clock.every(periodMs, run);
  }
}
