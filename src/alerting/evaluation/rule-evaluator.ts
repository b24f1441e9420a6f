import {
  messageOf,
  type AppendOrigin,
  type Clock,
  type Counter,
  type Histogram,
  type Logger,
  type SelfMetrics,
} from '#telemetry';
import type { AlertingEvaluation, EvaluationMoment } from './alerting-evaluation.ts';
import { evaluateRecording } from './recording-evaluation.ts';
import type { RuleRun } from './rule-run.ts';

/** Bounds of the time from a sample's arrival to the evaluated rule, in seconds. */
const LATENCY_BOUNDS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

export interface RuleEvaluatorParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly alerting: AlertingEvaluation;
  /** Wall ms until which missing data changes nothing. */
  readonly graceUntilMs: () => number;
  /** The rule has to be looked at again at that evaluation time. */
  readonly wakeAt: (run: RuleRun, timeMs: number) => void;
}

/** Evaluates one rule once, keeps count of how it does, and sees that it is woken when time alone matters. */
export class RuleEvaluator {
  readonly #parts: RuleEvaluatorParts;
  readonly #failures: Counter;
  readonly #latencies: Histogram;

  constructor(parts: RuleEvaluatorParts) {
    this.#parts = parts;
    this.#failures = parts.metrics.counter(
      'omoi_rule_evaluation_failures_total',
      'Rule evaluations that failed.',
    );
    this.#latencies = parts.metrics.histogram(
      'omoi_rule_evaluation_latency_seconds',
      'From the arrival of the first sample that a rule had to be evaluated for to the end of that evaluation.',
      LATENCY_BOUNDS_S,
    );
  }

  /** Never rejects. What can be done without waiting is done in the call. */
  evaluate(run: RuleRun, options: { readonly repeat: boolean }): Promise<void> {
    return run.exclusively(() => this.#evaluate(run, options.repeat));
  }

  async #evaluate(run: RuleRun, repeat: boolean): Promise<void> {
    if (run.stopped) return;
    const { clock, graceUntilMs, wakeAt } = this.#parts;
    const origin = run.provenance.takeDirtyOrigin();
    const startedAtMs = clock.wallMs();
    const timeMs = run.clock.next(startedAtMs, run.newestSampleMs);
    run.statistics.lastEvaluationMs = timeMs;
    const moment: EvaluationMoment = {
      timeMs,
      startedAtMs,
      repeat,
      receivedAtMs: origin?.receivedAtMs ?? null,
      graceUntilMs: graceUntilMs(),
    };
    let wakeAtMs: number | null = null;
    try {
      wakeAtMs = await this.#evaluateKind(run, moment, origin);
      this.#succeeded(run);
    } catch (thrown) {
      this.#failed(run, timeMs, thrown);
      const { rule } = run.loaded;
      if (rule.kind === 'alerting') wakeAtMs = await this.#parts.alerting.fail(run, rule, moment);
    }
    if (origin) this.#latencies.observe((clock.monotonicMs() - origin.receivedMonotonicMs) / 1000);
    if (wakeAtMs === null) run.wakeWith(null);
    else wakeAt(run, wakeAtMs);
  }

  async #evaluateKind(
    run: RuleRun,
    moment: EvaluationMoment,
    origin: AppendOrigin | null,
  ): Promise<number | null> {
    const { rule } = run.loaded;
    if (rule.kind === 'alerting') return this.#parts.alerting.evaluate(run, rule, moment);
    await evaluateRecording(run, rule, {
      timeMs: moment.timeMs,
      repeat: moment.repeat,
      origin: {
        source: 'rule',
        traceparent: run.provenance.tracesFor({})[0] ?? null,
        receivedAtMs: origin?.receivedAtMs ?? moment.startedAtMs,
        receivedMonotonicMs: origin?.receivedMonotonicMs ?? this.#parts.clock.monotonicMs(),
      },
    });
    return null;
  }

  #succeeded(run: RuleRun): void {
    const { statistics } = run;
    if (statistics.health === 'err') {
      this.#parts.logger.info({ rule: run.loaded.rule.id }, 'The rule can be evaluated again');
    }
    statistics.health = 'ok';
    statistics.lastError = null;
    statistics.failingSinceMs = null;
  }

  #failed(run: RuleRun, timeMs: number, thrown: unknown): void {
    const { statistics } = run;
    const reason = messageOf(thrown);
    this.#failures.add(1);
    if (statistics.lastError !== reason) {
      this.#parts.logger.warn({ rule: run.loaded.rule.id, error: reason }, 'The rule can’t be evaluated');
    }
    statistics.health = 'err';
    statistics.lastError = reason;
    statistics.failingSinceMs ??= timeMs;
  }
}
