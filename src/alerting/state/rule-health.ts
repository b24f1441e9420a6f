import {
  messageOf,
  type AppendOrigin,
  type Counter,
  type Histogram,
  type Logger,
  type SelfMetrics,
} from '#telemetry';

/** Bounds of the time from a sample's arrival to the evaluated rule, in seconds. */
const LATENCY_BOUNDS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What all rules count together. */
export interface RuleCounters {
  readonly failures: Counter;
  readonly uncommitted: Counter;
  readonly latencies: Histogram;
}

export function ruleCounters(metrics: SelfMetrics): RuleCounters {
  return {
    failures: metrics.counter('omoi_rule_evaluation_failures_total', 'Rule evaluations that failed.'),
    uncommitted: metrics.counter(
      'omoi_alert_commits_failed_total',
      'Evaluations whose alerts could not be committed; they are evaluated anew.',
    ),
    latencies: metrics.histogram(
      'omoi_rule_evaluation_latency_seconds',
      'From the arrival of the first sample that a rule had to be evaluated for to the end of that evaluation.',
      LATENCY_BOUNDS_S,
    ),
  };
}

/** How the evaluations of one rule have gone. */
export interface RuleHealthReport {
  readonly health: 'unknown' | 'ok' | 'err';
  readonly lastError: string | null;
  /** Evaluation time; null: it was never evaluated. */
  readonly lastEvaluationMs: number | null;
}

/** Keeps count of how the evaluations of one rule go, and says in the log when that changes. */
export class RuleHealth {
  readonly #counters: RuleCounters;
  readonly #logger: Logger;
  #report: RuleHealthReport = { health: 'unknown', lastError: null, lastEvaluationMs: null };
  #failingSinceMs: number | null = null;

  constructor(counters: RuleCounters, logger: Logger) {
    this.#counters = counters;
    this.#logger = logger;
  }

  get report(): RuleHealthReport {
    return this.#report;
  }

  /** Evaluation time of the first failure in a row; null while it succeeds. */
  get failingSinceMs(): number | null {
    return this.#failingSinceMs;
  }

  succeeded(rule: { readonly id: string }, timeMs: number): void {
    if (this.#report.health === 'err')
      this.#logger.info({ rule: rule.id }, 'The rule can be evaluated again');
    this.#report = { health: 'ok', lastError: null, lastEvaluationMs: timeMs };
    this.#failingSinceMs = null;
  }

  /** @returns since when it fails */
  failed(rule: { readonly id: string }, timeMs: number, thrown: unknown): number {
    const reason = messageOf(thrown);
    this.#counters.failures.add(1);
    if (this.#report.lastError !== reason) {
      this.#logger.warn(
        { rule: rule.id, error: reason },
        'The rule can’t be evaluated; its alerts stay as they are until it can',
      );
    }
    this.#report = { health: 'err', lastError: reason, lastEvaluationMs: timeMs };
    this.#failingSinceMs ??= timeMs;
    return this.#failingSinceMs;
  }

  /** An evaluation has ended that an append had asked for. */
  took(origin: AppendOrigin, monotonicMs: number): void {
    this.#counters.latencies.observe((monotonicMs - origin.receivedMonotonicMs) / 1000);
  }
}
