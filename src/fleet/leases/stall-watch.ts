import type { Clock } from '#telemetry';

/**
 * Knows since when Omoi itself has been listening without a gap. While it was not, nobody else's silence may be
 * held against him: ages and leases count from `trustedSinceMs` at the earliest.
 */
export class StallWatch {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #maxStallMs: number;
  #lastTickMs: number;
  #trustedSinceMs: number;

  constructor(clock: Clock, limits: { readonly tickMs: number; readonly maxStallMs: number }) {
    this.#clock = clock;
    this.#tickMs = limits.tickMs;
    this.#maxStallMs = limits.maxStallMs;
    this.#lastTickMs = clock.monotonicMs();
    this.#trustedSinceMs = this.#lastTickMs;
  }

  /** Monotonic ms; now, where a stall has just ended that no tick has noticed yet: others may be called before it. */
  get trustedSinceMs(): number {
    const nowMs = this.#clock.monotonicMs();
    return this.#lateMs(nowMs) > this.#maxStallMs ? nowMs : this.#trustedSinceMs;
  }

  /** Counts everything from now on. */
  restart(): void {
    this.#lastTickMs = this.#clock.monotonicMs();
    this.#trustedSinceMs = this.#lastTickMs;
  }

  /** To be called every tick. Returns how long a stall lasted that has just ended, or 0. */
  tick(): number {
    const nowMs = this.#clock.monotonicMs();
    const lateMs = this.#lateMs(nowMs);
    this.#lastTickMs = nowMs;
    if (lateMs <= this.#maxStallMs) return 0;
    this.#trustedSinceMs = nowMs;
    return lateMs;
  }

  /** Monotonic ms that may be held against somebody who was last heard of at `heardAtMs`. */
  silenceMs(heardAtMs: number): number {
    return this.#clock.monotonicMs() - Math.max(heardAtMs, this.trustedSinceMs);
  }

  #lateMs(nowMs: number): number {
    return nowMs - this.#lastTickMs - this.#tickMs;
  }
}
