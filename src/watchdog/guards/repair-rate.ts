import type { Clock } from '#telemetry';

/** How fast what is certainly ill is repaired in one failure domain. */
export interface RepairRateLimits {
  /** So many at once … */
  readonly burst: number;
  /** … and one more each time this has passed, ms. */
  readonly refillMs: number;
}

/**
 * A token bucket for each failure domain, kept as the time at which it will be full again. After a start of the
 * server each holds a single token: after a reboot all is ill at once, and so many starts at once are the next ill.
 */
export class RepairRates {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  /** When, monotonic, the bucket of a domain is full again. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
  }

  /** In how many ms there is a token; 0 where there is one. */
  waitMs(domain: string, limits: RepairRateLimits): number {
    const { burst, refillMs } = limits;
    const spareMs = (burst - 1) * refillMs;
    return Math.max(0, this.#fullAt(domain, limits) - spareMs - this.#clock.monotonicMs());
  }

  /** Takes a token. Call in the turn in which there was one. */
  take(domain: string, limits: RepairRateLimits): void {
    const nowMs = this.#clock.monotonicMs();
    this.#fullAtMs.set(domain, Math.max(this.#fullAt(domain, limits), nowMs) + limits.refillMs);
    for (const [other, fullAtMs] of this.#fullAtMs) if (fullAtMs <= nowMs) this.#fullAtMs.delete(other);
  }

  /** Gives a token back: the repair for which it was taken was rolled back. */
  giveBack(domain: string, { refillMs }: RepairRateLimits): void {
    const fullAtMs = this.#fullAtMs.get(domain);
    if (fullAtMs !== undefined) this.#fullAtMs.set(domain, fullAtMs - refillMs);
  }

  #fullAt(domain: string, { burst, refillMs }: RepairRateLimits): number {
    return this.#fullAtMs.get(domain) ?? this.#startedAtMs + (burst - 1) * refillMs;
  }
}
