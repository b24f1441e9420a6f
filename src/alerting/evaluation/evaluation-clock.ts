/** Samples up to this far ahead of the server's clock count. */
export const MAX_SAMPLE_LEAD_MS = 5000;

/** The evaluation times of one rule: the server's clock, in whole ms, strictly growing. */
export class EvaluationClock {
  #lastMs: number;

  /** @param lastMs the newest time that the rule was evaluated at before; 0: never */
  constructor(lastMs = 0) {
    this.#lastMs = lastMs;
  }

  /** The newest evaluation time given out; 0: none yet. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /**
   * The time to evaluate at: now, or that of the newest sample where it is a little ahead. When the wall clock
   * steps back, time stands nearly still until it has caught up.
   */
  next(wallMs: number, newestSampleMs: number): number {
    const nowMs = Math.floor(wallMs);
    const aheadMs = newestSampleMs - nowMs <= MAX_SAMPLE_LEAD_MS ? newestSampleMs : nowMs;
    this.#lastMs = Math.max(nowMs, aheadMs, this.#lastMs + 1);
    return this.#lastMs;
  }
}
