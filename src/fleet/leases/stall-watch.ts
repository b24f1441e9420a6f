import type { Clock } from '#telemetry';
import {
  SchedulingDelay,
  type DelayLimits,
  type Heard,
  type Punctuality,
  type Vouching,
} from './scheduling-delay.ts';

export interface StallLimits extends DelayLimits {
  readonly tickMs: number;
  readonly maxStallMs: number;
}

/** Where an agent runs: on another host, or on this one, as Omoi knows or as it says itself. */
export type Whereabouts = 'elsewhere' | Vouching;

/**
 * Knows since when Omoi itself has been listening without a gap. While it was not, nobody else's silence may be
 * held against him: ages and leases count from `trustedSinceMs` at the earliest. What is too short for that is a delay:
 * while the host is behind, heartbeat TTLs are longer.
 */
export class StallWatch {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #maxStallMs: number;
  #lastTickMs: number;
  #trustedSinceMs: number;
  readonly #delay: SchedulingDelay;

  constructor(clock: Clock, limits: StallLimits) {
    this.#clock = clock;
    this.#tickMs = limits.tickMs;
    this.#maxStallMs = limits.maxStallMs;
    this.#delay = new SchedulingDelay(clock, limits);
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
    this.#delay.forget();
  }

  /** To be called every tick. Returns how long a stall lasted that has just ended, or 0. */
  tick(): number {
    const nowMs = this.#clock.monotonicMs();
    const lateMs = this.#lateMs(nowMs);
    this.#lastTickMs = nowMs;
    this.#delay.own(lateMs);
    if (lateMs <= this.#maxStallMs) return 0;
    this.#trustedSinceMs = nowMs;
    return lateMs;
  }

  /** Monotonic ms that may be held against somebody who was last heard of at `heardAtMs`. */
  silenceMs(heardAtMs: number): number {
    return this.#clock.monotonicMs() - Math.max(heardAtMs, this.trustedSinceMs);
  }

  /** How far the host is behind, ms, as it counts for such an agent; 0 while it is not. */
  delayMs(agent: Whereabouts, registeredBy: string | null = null): number {
    this.#noteOwn();
    const { ownMs } = this.#delay;
    if (agent === 'elsewhere') return ownMs;
    return Math.max(ownMs, this.#delay.togetherMs({ vouching: agent, registeredBy }));
  }

  /** How far it is behind for the agent for which that counts most, ms. */
  get greatestDelayMs(): number {
    this.#noteOwn();
    return this.#delay.greatestMs;
  }

  /**
   * The TTL of an agent whose usual one that is, at this moment; ms.
   * @param registeredBy the token that has registered one that only says where it runs; null: that of a person, or none
   */
  ttlMs(usualMs: number, agent: Whereabouts, registeredBy: string | null = null): number {
    return this.#delay.ttlMs(usualMs, this.delayMs(agent, registeredBy));
  }

  /** An agent of this host gave a sign of life that is due every `intervalMs`, and before it one at `heardAtMs`. */
  heard(
    agent: Punctuality,
    {
      heardAtMs,
      intervalMs,
      vouching,
      registeredBy = null,
    }: {
      readonly heardAtMs: number;
      readonly intervalMs: number;
      readonly vouching: Vouching;
      readonly registeredBy?: Heard['registeredBy'];
    },
  ): void {
    this.#delay.heard(agent, this.silenceMs(heardAtMs) - intervalMs, { vouching, registeredBy });
  }

  /** Also what no tick has noticed yet: others may be called before it. */
  #noteOwn(): void {
    this.#delay.own(this.#lateMs(this.#clock.monotonicMs()));
  }

  #lateMs(nowMs: number): number {
    return nowMs - this.#lastTickMs - this.#tickMs;
  }
}
