import type { EvaluationSize } from './evaluation-budget.ts';
import { MAX_SLICE_MS, MAX_SMALL_MS } from './sliced-work.ts';

/** A rule's evaluations begin at most every so many times its own cost … */
const COST_FACTOR = 20;
/** … and from the end of one to the next are no less than this. */
const MIN_PAUSE_MS = 5;
/** How much of a new measurement goes into the smoothed cost. */
const COST_WEIGHT = 0.2;
/** A measurement counts for at most so many times the cost so far, or so much. */
const MAX_COST_GROWTH = 4;
const MIN_COST_CEILING_MS = 1;

/** What the evaluations of a rule cost, and how often it had to wait. Durations in ms. */
export interface PaceReport {
  readonly lastDurationMs: number;
  /** The smoothed cost that the pace follows. */
  readonly costMs: number;
  readonly evaluations: number;
  /** How often it had to wait although it was dirty, and for how long the last time. */
  readonly delays: number;
  readonly lastDelayMs: number;
}

/** One pause of the garbage collector in the middle of an evaluation must not slow the rule down for long. */
function smoothedCostMs(beforeMs: number, measuredMs: number): number {
  const ceilingMs = Math.max(MIN_COST_CEILING_MS, MAX_COST_GROWTH * beforeMs);
  return beforeMs + (Math.min(measuredMs, ceilingMs) - beforeMs) * COST_WEIGHT;
}

/** How often one rule may be evaluated: what is dear comes less often. Times are monotonic ms. */
export class RulePace {
  #notBeforeMs = 0;
  #startedMs = 0;
  #lastDurationMs = 0;
  /** Of the evaluation before that one; infinite where there was none. */
  #durationBeforeMs = Number.POSITIVE_INFINITY;
  #costMs = 0;
  #evaluations = 0;
  #delays = 0;
  #lastDelayMs = 0;
  #isDelayed = false;

  get notBeforeMs(): number {
    return this.#notBeforeMs;
  }

  /** What is to be expected of the next evaluation. Of a rule that was never evaluated nothing is known. */
  get size(): EvaluationSize {
    // What took longer the last times is not small now, though its smoothed cost says so: that follows it slowly. Once
    // may have been a pause of the garbage collector.
    const lastMs = Math.min(this.#lastDurationMs, this.#durationBeforeMs);
    const isSmall = this.#costMs < MAX_SLICE_MS && lastMs < MAX_SMALL_MS;
    return this.#evaluations > 0 && isSmall ? 'small' : 'large';
  }

  get report(): PaceReport {
    return {
      lastDurationMs: this.#lastDurationMs,
      costMs: this.#costMs,
      evaluations: this.#evaluations,
      delays: this.#delays,
      lastDelayMs: this.#lastDelayMs,
    };
  }

  /** The rule has to wait. @returns whether that is new */
  hold(): boolean {
    if (this.#isDelayed) return false;
    this.#isDelayed = true;
    return true;
  }

  /** It is evaluated now. @param dirtySinceMs when it became dirty */
  starts(dirtySinceMs: number, nowMs: number): void {
    this.#startedMs = nowMs;
    this.#evaluations++;
    if (!this.#isDelayed) return;
    this.#isDelayed = false;
    this.#delays++;
    this.#lastDelayMs = nowMs - dirtySinceMs;
  }

  /**
   * The evaluation has ended. What it waited for the database is part of the pause until the next one: that took the event
   * loop no time.
   * @param costMs what it took of the event loop
   */
  ended(costMs: number, nowMs: number): void {
    if (this.#evaluations > 1) this.#durationBeforeMs = this.#lastDurationMs;
    this.#lastDurationMs = costMs;
    this.#costMs = smoothedCostMs(this.#costMs, costMs);
    this.#notBeforeMs = Math.max(nowMs + MIN_PAUSE_MS, this.#startedMs + COST_FACTOR * this.#costMs);
  }
}
