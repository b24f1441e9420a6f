/**
 * The share of the event loop's time that evaluations may take, as a bucket of milliseconds: it fills with
 * `share` of the time that passes, up to `burstMs`, and an evaluation may start while it is not empty.
 */
export class EvaluationBudget {
  readonly #share: number;
  readonly #burstMs: number;
  #availableMs: number;
  #filledAtMs = 0;

  constructor(share: number, burstMs: number) {
    this.#share = share;
    this.#burstMs = burstMs;
    this.#availableMs = burstMs;
  }

  /** How long to wait until an evaluation may start; 0: now. Times are monotonic. */
  waitMs(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#availableMs = Math.min(this.#burstMs, this.#availableMs + passedMs * this.#share);
    this.#filledAtMs = nowMs;
    return this.#availableMs > 0 ? 0 : Math.max(1, -this.#availableMs / this.#share);
  }

  spend(costMs: number): void {
    this.#availableMs -= costMs;
  }
}
