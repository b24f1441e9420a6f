import type { Clock, Timer } from '#telemetry';

export interface SelfSuspicionLimits {
  readonly tickMs: number;
  /** A gap between ticks beyond this is a stall of the process. */
  readonly maxStallMs: number;
  /** How long the watchdog holds still after a stall or an outage: a full heartbeat TTL. */
  readonly holdMs: number;
}

export const DEFAULT_SUSPICION_LIMITS: SelfSuspicionLimits = {
  tickMs: 250,
  maxStallMs: 2000,
  holdMs: 15_000,
};

/** Who was asleep or blind must not judge at once that everybody else is dead. */
export class SelfSuspicion {
  readonly #clock: Clock;
  readonly #limits: SelfSuspicionLimits;
  readonly #onSuspicion: (reason: string) => void;
  #lastTickMs: number;
  /** Monotonic: a step of the wall clock neither ends nor prolongs a suspicion. */
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;

  /** @param onSuspicion told once for each stall or outage */
  constructor(clock: Clock, limits: SelfSuspicionLimits, onSuspicion: (reason: string) => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onSuspicion = onSuspicion;
    this.#lastTickMs = clock.monotonicMs();
  }

  start(): void {
    this.#lastTickMs = this.#clock.monotonicMs();
    this.#timer = this.#clock.every(this.#limits.tickMs, () => this.#tick());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Wall ms until which nothing is repaired; in the past where there is no suspicion. */
  untilMs(): number {
    this.#tick();
    return this.#clock.wallMs() + (this.#heldUntilMs - this.#clock.monotonicMs());
  }

  /** The database was away: what happened in between is unknown. */
  outage(reason: string): void {
    this.#suspect(reason);
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs();
    const gapMs = nowMs - this.#lastTickMs;
    this.#lastTickMs = nowMs;
    if (gapMs > this.#limits.maxStallMs) this.#suspect(`the process stalled for ${Math.round(gapMs)} ms`);
  }

  #suspect(reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    const wasTrusted = this.#heldUntilMs <= nowMs;
    this.#heldUntilMs = nowMs + this.#limits.holdMs;
    if (wasTrusted) this.#onSuspicion(reason);
  }
}
