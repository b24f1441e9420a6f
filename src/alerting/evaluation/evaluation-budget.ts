import type { Clock } from '#telemetry';

/**
 * What an evaluation is to the budget: `large` where it takes more than a slice, as far as its rule's past tells, `routine`
 * where it is small and only the interval of its group asks for it, `small` where something has changed for it.
 */
export type EvaluationSize = 'small' | 'routine' | 'large';

/** These parts of the budget are there for small evaluations alone. */
const RESERVED_PARTS = { small: 0.2, routine: 0.1 };
const COMMON_PART = 1 - RESERVED_PARTS.small - RESERVED_PARTS.routine;

/** Milliseconds that fill with a share of the time that passes, up to `burstMs`, and may be overdrawn. */
class TimeBucket {
  readonly #share: number;
  readonly #burstMs: number;
  #availableMs: number;
  #filledAtMs = 0;

  constructor(share: number, burstMs: number) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#availableMs = burstMs;
  }

  get isEmpty(): boolean {
    return this.#availableMs <= 0;
  }

  waitMs(nowMs: number): number {
    this.#fill(nowMs);
    return this.isEmpty ? Math.max(1, -this.#availableMs / this.#share) : 0;
  }

  spend(costMs: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#availableMs -= costMs;
  }

  #fill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#availableMs = Math.min(this.#burstMs, this.#availableMs + passedMs * this.#share);
    this.#filledAtMs = nowMs;
  }
}

/**
 * The share of the event loop's time that evaluations may take, as buckets of milliseconds: an evaluation may start
 * while its bucket is not empty. One is common to all; the others are reserves for small evaluations, so that a rule whose
 * thousands of alerts have used the common one up does not hold up those that cost next to nothing, nor the interval of
 * hundreds of rules the one whose sample has arrived. Large evaluations that have to wait, to start or to go on, come in
 * the order in which they asked.
 */
export class EvaluationBudget {
  readonly #clock: Clock;
  readonly #common: TimeBucket;
  readonly #reserves: { readonly small: TimeBucket; readonly routine: TimeBucket };
  #waiting: (() => void)[] = [];

  /** @param limits `share`: of the time, of all evaluations together; `burstMs`: may be used at once */
  constructor(clock: Clock, { share, burstMs }: { readonly share: number; readonly burstMs: number }) {
    this.#clock = clock;
    const bucket = (part: number): TimeBucket => new TimeBucket(share * part, burstMs * part);
    this.#common = bucket(COMMON_PART);
    this.#reserves = { small: bucket(RESERVED_PARTS.small), routine: bucket(RESERVED_PARTS.routine) };
  }

  /** How long to wait until a small evaluation may start; 0: now. */
  smallWaitMs(size: 'small' | 'routine'): number {
    const nowMs = this.#clock.monotonicMs();
    return Math.min(this.#common.waitMs(nowMs), this.#reserves[size].waitMs(nowMs));
  }

  /** Whether a large evaluation may start now, before nobody who waits. */
  get hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#common.waitMs(this.#clock.monotonicMs()) === 0;
  }

  /** Resolves when it is the turn of a large evaluation that waits from now on. */
  turn(): Promise<void> {
    if (this.hasRoom) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#callNext();
    });
  }

  spend(costMs: number, size: EvaluationSize): void {
    const bucket = size !== 'large' && this.#common.isEmpty ? this.#reserves[size] : this.#common;
    bucket.spend(costMs, this.#clock.monotonicMs());
  }

  /** One at a time: what the one before costs is known when the next one is called. */
  #callNext(): void {
    const waitMs = this.#common.waitMs(this.#clock.monotonicMs());
    this.#clock.after(Math.max(1, waitMs), () => {
      if (this.#common.waitMs(this.#clock.monotonicMs()) === 0) this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#callNext();
    });
  }
}
