import { StartRamp, type Clock } from '#telemetry';
import { WHOLE_FLEET } from './storm-watch.ts';

/** How fast what is certainly ill is repaired in one failure domain. */
export interface RepairRateLimits {
  /** So many at once … */
  readonly burst: number;
  /** … and one more each time this has passed, ms. */
  readonly refillMs: number;
}

/** A failure domain that has no token, and in how many ms it has one. */
export interface RateWait {
  readonly domain: string;
  readonly limits: RepairRateLimits;
  readonly ms: number;
}

/** A host, a provider and the fleet bear what so many pools do: one pool that burns leaves the others their rate. */
const POOLS_OF_A_WIDER_DOMAIN = 4;

/** What looks like a shorter wait is a rounding error. */
const ROUNDING_MS = 1e-6;

/**
 * A token bucket for each failure domain and for the whole fleet, kept as the time at which it will be full again; a repair
 * takes a token of each that its target is in. After a start of the server each holds a single token, and fills slowly
 * (`StartRamp`).
 */
export class RepairRates {
  readonly #ramp: StartRamp;
  /** When, by the ramp's clock, the bucket of a domain is full again. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#ramp = new StartRamp(clock);
  }

  /** Call when the watchdog begins to act: then the ramp begins. */
  start(): void {
    this.#ramp.start();
    this.#fullAtMs.clear();
  }

  /**
   * The domain that has a token last; null where all have one.
   * @param domains those that the target is in, its pool first
   * @param limits of its pool
   */
  waitFor(domains: readonly string[], limits: RepairRateLimits): RateWait | null {
    let longest: RateWait | null = null;
    for (const [domain, own] of limitsOf(domains, limits)) {
      const { burst, refillMs } = own;
      const ms = this.#ramp.untilMs(this.#fullAt(domain, own) - (burst - 1) * refillMs);
      if (ms > Math.max(ROUNDING_MS, longest?.ms ?? 0)) longest = { domain, limits: own, ms: Math.ceil(ms) };
    }
    return longest;
  }

  /** Takes a token of each. Call in the turn in which there were some. */
  take(domains: readonly string[], limits: RepairRateLimits): void {
    const nowMs = this.#ramp.creditMs();
    for (const [domain, own] of limitsOf(domains, limits))
      this.#fullAtMs.set(domain, Math.max(this.#fullAt(domain, own), nowMs) + own.refillMs);
    for (const [domain, fullAtMs] of this.#fullAtMs) if (fullAtMs <= nowMs) this.#fullAtMs.delete(domain);
  }

  /** Gives the tokens back: the repair for which they were taken was rolled back. */
  giveBack(domains: readonly string[], limits: RepairRateLimits): void {
    for (const [domain, { refillMs }] of limitsOf(domains, limits)) {
      const fullAtMs = this.#fullAtMs.get(domain);
      if (fullAtMs !== undefined) this.#fullAtMs.set(domain, fullAtMs - refillMs);
    }
  }

  #fullAt(domain: string, { burst, refillMs }: RepairRateLimits): number {
    return this.#fullAtMs.get(domain) ?? (burst - 1) * refillMs;
  }
}

/** The limits of each domain of a target, and of the whole fleet. */
function limitsOf(
  [pool, ...wider]: readonly string[],
  limits: RepairRateLimits,
): readonly (readonly [string, RepairRateLimits])[] {
  const those = {
    burst: limits.burst * POOLS_OF_A_WIDER_DOMAIN,
    refillMs: limits.refillMs / POOLS_OF_A_WIDER_DOMAIN,
  };
  const widerLimits = [...wider, WHOLE_FLEET].map((domain) => [domain, those] as const);
  return pool === undefined ? widerLimits : [[pool, limits], ...widerLimits];
}
