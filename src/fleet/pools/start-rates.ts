import { StartRamp, type Clock } from '#telemetry';

/** How many units are started: so many at once, and so many a second after that. */
export interface StartLimits {
  /** On this machine, of all pools together. */
  readonly startsPerSecond: number;
}

export const DEFAULT_START_LIMITS: StartLimits = { startsPerSecond: 20 };

/** Two pools that start at once have the machine's rate together, and one alone leaves room for another. */
const SHARE_OF_A_POOL = 0.5;
const SECOND_MS = 1000;
/** What looks like a shorter wait is a rounding error. */
const ROUNDING_MS = 1e-6;

/** The machine's own bucket, beside those of its pools: no pool has an empty name. */
const MACHINE = '';

/**
 * A token bucket for each pool and for the machine, whoever asked for a start: a person, the watchdog, a roll, a scale, or
 * the start of the server, when whole pools have to be filled. Each holds what comes in within a second, and fills slowly
 * for a while after the server has started (`StartRamp`). Kept as the time at which it will be full again.
 */
export class StartRates {
  readonly #ramp: StartRamp;
  readonly #limits: StartLimits;
  /** By the ramp's clock; what is not here is full. */
  readonly #fullAtMs = new Map<string, number>();

  constructor(clock: Clock, limits: StartLimits) {
    this.#ramp = new StartRamp(clock);
    this.#limits = limits;
  }

  /** In how many ms a unit of the pool may be started; 0: now. */
  waitMs(poolId: string): number {
    return Math.max(0, ...[MACHINE, poolId].map((name) => this.#untilToken(name)));
  }

  /** Takes a token of both. */
  take(poolId: string): void {
    const nowMs = this.#ramp.creditMs();
    for (const name of [MACHINE, poolId]) {
      this.#fullAtMs.set(name, Math.max(this.#fullAtMs.get(name) ?? nowMs, nowMs) + this.#refillMs(name));
    }
    for (const [name, fullAtMs] of this.#fullAtMs) if (fullAtMs <= nowMs) this.#fullAtMs.delete(name);
  }

  /** Nothing was started after all. */
  giveBack(poolId: string): void {
    for (const name of [MACHINE, poolId]) {
      const fullAtMs = this.#fullAtMs.get(name);
      if (fullAtMs !== undefined) this.#fullAtMs.set(name, fullAtMs - this.#refillMs(name));
    }
  }

  #untilToken(name: string): number {
    const fullAtMs = this.#fullAtMs.get(name);
    if (fullAtMs === undefined) return 0;
    const ms = this.#ramp.untilMs(fullAtMs - SECOND_MS + this.#refillMs(name));
    return ms > ROUNDING_MS ? Math.ceil(ms) : 0;
  }

  #refillMs(name: string): number {
    const perSecond = this.#limits.startsPerSecond * (name === MACHINE ? 1 : SHARE_OF_A_POOL);
    return SECOND_MS / Math.max(1, perSecond);
  }
}
