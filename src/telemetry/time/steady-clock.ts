import type { Clock } from './clock.ts';
import { DelegatingClock } from './delegating-clock.ts';

/**
 * How fast steady time runs while it is ahead of the wall clock. Faster, and it would be ahead for longer; slower, and
 * rates and durations in rules would be more wrong: at this pace by a ninth, and an hour is caught up in ten.
 */
const CATCH_UP_PACE = 0.9;
/** A smaller lead is left to be caught up: senders' samples are then late by less than they may be. */
const MIN_REDATED_LEAD_MS = 10_000;
/** How far a sender's clock may be ahead of the wall clock. What is dated later follows a clock that did not step. */
const MAX_SENDER_AHEAD_MS = 5000;
/** How long before the step was noticed a sender may have read its clock: it was made while Omoi was down, or sent late. */
const MAX_SENT_LATE_MS = 300_000;
/** Two clocks of one machine drift apart by less between two readings, and NTP's corrections are smaller too. */
const MIN_STEP_MS = 1000;

/** Gives a sender's time as steady time, both ms since epoch. */
export type Redate = (timestampMs: number) => number;

/** Where steady time and the wall clock parted: a line from there says which steady time a wall time is. */
interface Parting {
  readonly wallMs: number;
  readonly steadyMs: number;
  readonly monotonicMs: number;
}

/**
 * A clock whose wall time never goes back: what is appended later is dated later. Where the wall clock steps back,
 * steady time runs on a little slower until the wall clock has caught up; it is never frozen, however large the step was.
 * A step forward is followed at once.
 */
export class SteadyClock extends DelegatingClock {
  #shownMs = Number.NEGATIVE_INFINITY;
  #shownAtMonotonicMs: number;
  /** Null while steady time is the wall clock's. */
  #parting: Parting | null = null;

  constructor(clock: Clock) {
    super(clock);
    this.#shownAtMonotonicMs = clock.monotonicMs();
  }

  override wallMs(): number {
    const wallMs = this.clock.wallMs();
    const monotonicMs = this.clock.monotonicMs();
    const before = this.#parting;
    const steadyMs = before
      ? before.steadyMs + (monotonicMs - before.monotonicMs) * CATCH_UP_PACE
      : this.#shownMs + (monotonicMs - this.#shownAtMonotonicMs) * CATCH_UP_PACE;
    this.#shownAtMonotonicMs = monotonicMs;
    if (wallMs >= steadyMs) {
      this.#parting = null;
      return (this.#shownMs = wallMs);
    }
    if (!before || hasStepped(before, wallMs, monotonicMs)) this.#parting = { wallMs, steadyMs, monotonicMs };
    return (this.#shownMs = steadyMs);
  }

  /**
   * Goes on from a time that was shown before, by the process before this one; ms since epoch.
   * @param leadMs how far it was ahead of the wall clock then
   */
  notBefore(shownMs: number, leadMs = 0): void {
    const nowMs = this.wallMs();
    if (nowMs >= shownMs) return;
    const [wallMs, monotonicMs] = [this.clock.wallMs(), this.clock.monotonicMs()];
    const sinceMs = wallMs - (shownMs - leadMs);
    // Without a step since then, the wall clock says how long nobody looked.
    const steadyMs = shownMs + Math.max(0, sinceMs) * CATCH_UP_PACE;
    this.#parting = { wallMs, steadyMs, monotonicMs };
    this.#shownMs = steadyMs;
    this.#shownAtMonotonicMs = monotonicMs;
  }

  /** How far it is ahead of the wall clock, ms. */
  leadMs(): number {
    return this.wallMs() - this.clock.wallMs();
  }

  /**
   * How to date what senders have dated by a wall clock that was set back as this one was; null while there is nothing to
   * be put right. The same time becomes the same, however often it is sent; what follows another clock stays as it is.
   */
  redating(): Redate | null {
    const leadMs = this.leadMs();
    const parting = this.#parting;
    if (!parting || leadMs < MIN_REDATED_LEAD_MS) return null;
    const fromMs = parting.wallMs - MAX_SENT_LATE_MS;
    const untilMs = this.clock.wallMs() + MAX_SENDER_AHEAD_MS;
    return (timestampMs) =>
      timestampMs >= fromMs && timestampMs <= untilMs
        ? Math.round(parting.steadyMs + (timestampMs - parting.wallMs) * CATCH_UP_PACE)
        : timestampMs;
  }
}

function hasStepped(since: Parting, wallMs: number, monotonicMs: number): boolean {
  const steppedMs = wallMs - since.wallMs - (monotonicMs - since.monotonicMs);
  return Math.abs(steppedMs) > MIN_STEP_MS;
}
