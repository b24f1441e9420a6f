import type { Clock } from '../time/clock.ts';

/** For how long after a start of the server a rate is lower than later … */
const RAMP_MS = 30_000;
/** … and with which share of it it begins; it grows evenly. */
const FIRST_SHARE = 0.25;

/** What has come in of a full rate when the ramp is over, ms of that rate: the mean of both shares. */
const RAMP_CREDIT_MS = (RAMP_MS * (FIRST_SHARE + 1)) / 2;

/**
 * A clock by which rates are measured that grow after a start: it goes slowly at first. After a reboot all is ill at once, and
 * so many starts at once are the next ill. `e` ms after the start it says
 *
 *     FIRST_SHARE · e + (1 − FIRST_SHARE) · e² ∕ (2 · RAMP_MS)     until RAMP_MS, and goes like any other from then on.
 */
export class StartRamp {
  readonly #clock: Clock;
  #startedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
  }

  /** Whoever takes over begins anew. */
  start(): void {
    this.#startedAtMs = this.#clock.monotonicMs();
  }

  /** What of a full rate has come in since the start, ms. */
  creditMs(): number {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedAtMs;
    if (elapsedMs >= RAMP_MS) return RAMP_CREDIT_MS + (elapsedMs - RAMP_MS);
    return FIRST_SHARE * elapsedMs + ((1 - FIRST_SHARE) * elapsedMs ** 2) / (2 * RAMP_MS);
  }

  /** In how many ms so much will have come in; 0 or less where it has. The formula above, solved for `e`. */
  untilMs(creditMs: number): number {
    const elapsedMs = this.#clock.monotonicMs() - this.#startedAtMs;
    if (creditMs >= RAMP_CREDIT_MS) return RAMP_MS + (creditMs - RAMP_CREDIT_MS) - elapsedMs;
    const slope = (1 - FIRST_SHARE) / RAMP_MS;
    return (
      (Math.sqrt(FIRST_SHARE ** 2 + 2 * slope * Math.max(0, creditMs)) - FIRST_SHARE) / slope - elapsedMs
    );
  }
}
