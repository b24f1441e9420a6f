import type { Clock, Counter, Histogram, SelfMetrics, Timer } from '#telemetry';
import type { EvaluationBudget } from './evaluation-budget.ts';
import type { RuleRun } from './rule-run.ts';

/** A rule is evaluated at most every so many times its own cost … */
const COST_FACTOR = 20;
/** … and never more often than this. */
const MIN_PAUSE_MS = 5;
/** Evaluations in a row take the event loop for at most this long; then others have a turn. */
const MAX_TURN_MS = 10;
/** How much of a new measurement goes into the smoothed cost. */
const COST_WEIGHT = 0.2;
/** A measurement counts for at most so many times the cost so far, or so much. */
const MAX_COST_GROWTH = 4;
const MIN_COST_CEILING_MS = 1;

/** Bounds of the duration of an evaluation, in seconds. */
const DURATION_BOUNDS_S = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** One pause of the garbage collector in the middle of an evaluation must not slow the rule down for long. */
function smoothedCostMs(beforeMs: number, measuredMs: number): number {
  const ceilingMs = Math.max(MIN_COST_CEILING_MS, MAX_COST_GROWTH * beforeMs);
  return beforeMs + (Math.min(measuredMs, ceilingMs) - beforeMs) * COST_WEIGHT;
}

interface DirtyMark {
  readonly sinceMs: number;
  /** Whether the group's interval asked: then unchanged outputs are written too. */
  repeat: boolean;
  delayed: boolean;
}

/** Evaluates a rule; everything up to the first wait happens in the call. Never rejects. */
export type EvaluateRule = (run: RuleRun, options: { readonly repeat: boolean }) => Promise<void>;

/**
 * Evaluates rules as soon as something has changed for them, the one that waits longest first: each at its own
 * pace, all within one budget. What has to wait is counted.
 */
export class EvaluationScheduler {
  readonly #clock: Clock;
  readonly #budget: EvaluationBudget;
  readonly #evaluate: EvaluateRule;
  readonly #dirty = new Map<RuleRun, DirtyMark>();
  readonly #busy = new Set<RuleRun>();
  readonly #notBeforeMs = new WeakMap<RuleRun, number>();
  readonly #delayed: Counter;
  readonly #evaluations: Counter;
  readonly #durations: Histogram;
  #timer: Timer | null = null;
  #drainIsDue = false;
  #stopped = false;

  constructor(parts: {
    readonly clock: Clock;
    readonly budget: EvaluationBudget;
    readonly metrics: SelfMetrics;
    readonly evaluate: EvaluateRule;
  }) {
    this.#clock = parts.clock;
    this.#budget = parts.budget;
    this.#evaluate = parts.evaluate;
    const { metrics } = parts;
    this.#evaluations = metrics.counter('omoi_rule_evaluations_total', 'Rule evaluations.');
    this.#durations = metrics.histogram(
      'omoi_rule_evaluation_duration_seconds',
      'How long a rule evaluation took the event loop.',
      DURATION_BOUNDS_S,
    );
    this.#delayed = metrics.counter(
      'omoi_rule_evaluations_delayed_total',
      'Rule evaluations that had to wait, for the rule’s own pace or for the budget of all rules.',
    );
    metrics.gauge('omoi_rules_dirty', 'Rules that wait to be evaluated.', () => this.#dirty.size);
    metrics.gauge(
      'omoi_rule_evaluation_delay_seconds',
      'How long the rule that waits longest has been waiting.',
      () => this.longestDelayMs() / 1000,
    );
  }

  /** Something has changed for the rule. @param repeat whether its group's interval asks */
  mark(run: RuleRun, { repeat }: { readonly repeat: boolean }): void {
    if (this.#stopped || run.stopped) return;
    const mark = this.#dirty.get(run);
    if (mark) {
      mark.repeat ||= repeat;
      return;
    }
    this.#dirty.set(run, { sinceMs: this.#clock.monotonicMs(), repeat, delayed: false });
    this.#drainSoon();
  }

  isWaiting(run: RuleRun): boolean {
    return this.#dirty.has(run) || this.#busy.has(run);
  }

  longestDelayMs(): number {
    let sinceMs = this.#clock.monotonicMs();
    const nowMs = sinceMs;
    for (const mark of this.#dirty.values()) sinceMs = Math.min(sinceMs, mark.sinceMs);
    return nowMs - sinceMs;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#dirty.clear();
  }

  /** At the end of the present turn: the append that is being announced has reached every subscriber by then. */
  #drainSoon(): void {
    if (this.#drainIsDue) return;
    this.#drainIsDue = true;
    queueMicrotask(() => {
      this.#drainIsDue = false;
      this.#drain();
    });
  }

  #drain(): void {
    const startedMs = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [run, mark] of this.#inTurn()) {
      if (run.stopped) {
        this.#dirty.delete(run);
        continue;
      }
      if (this.#busy.has(run)) continue;
      const nowMs = this.#clock.monotonicMs();
      const notBeforeMs = this.#notBeforeMs.get(run) ?? 0;
      if (notBeforeMs > nowMs) {
        this.#delay(mark, 'pace');
        nextMs = Math.min(nextMs, notBeforeMs);
        continue;
      }
      const waitMs = nowMs - startedMs > MAX_TURN_MS ? 1 : this.#budget.waitMs(nowMs);
      if (waitMs > 0) {
        this.#delay(mark, 'budget');
        nextMs = Math.min(nextMs, nowMs + waitMs);
        break;
      }
      this.#run(run, mark, nowMs);
    }
    this.#timer?.cancel();
    this.#timer = null;
    if (nextMs === Number.POSITIVE_INFINITY || this.#stopped) return;
    this.#timer = this.#clock.after(nextMs - this.#clock.monotonicMs(), () => this.#drain());
  }

  /** Who waits longest comes first; rules of a group that became dirty together come in their order. */
  #inTurn(): readonly [RuleRun, DirtyMark][] {
    if (this.#dirty.size === 1) return [...this.#dirty];
    return [...this.#dirty].sort(
      ([a, first], [b, second]) => first.sinceMs - second.sinceMs || a.loaded.order - b.loaded.order,
    );
  }

  #run(run: RuleRun, mark: DirtyMark, startedMs: number): void {
    this.#dirty.delete(run);
    this.#busy.add(run);
    this.#evaluations.add(1);
    const { statistics } = run;
    statistics.evaluations++;
    if (mark.delayed) {
      statistics.delays++;
      statistics.lastDelayMs = startedMs - mark.sinceMs;
    }
    const settled = this.#evaluate(run, { repeat: mark.repeat });
    const endedMs = this.#clock.monotonicMs();
    const costMs = endedMs - startedMs;
    this.#budget.spend(costMs);
    this.#durations.observe(costMs / 1000);
    statistics.lastDurationMs = costMs;
    statistics.costMs = smoothedCostMs(statistics.costMs, costMs);
    this.#notBeforeMs.set(run, endedMs + Math.max(MIN_PAUSE_MS, COST_FACTOR * statistics.costMs));
    void settled.finally(() => {
      this.#busy.delete(run);
      if (this.#dirty.has(run)) this.#drainSoon();
    });
  }

  #delay(mark: DirtyMark, reason: 'pace' | 'budget'): void {
    if (mark.delayed) return;
    mark.delayed = true;
    this.#delayed.add(1, { reason });
  }
}
