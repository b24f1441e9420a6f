import { MemorySeries, OfflineRules, type RuleGroup } from '#alerting';
import type { Engine } from '#promql';
import { messageOf, OmoiError, type Clock, type SelectedSeries } from '#telemetry';
import { compareAlerts } from './compare-alerts.ts';
import { compareSamples, samplesOf } from './compare-samples.ts';
import type { AlertCase, ExprCase, RuleTest } from './test-file.ts';
import type { AlertReport, CaseReport, ExprReport, RuleFailure, TestReport } from './test-report.ts';

/** Evaluations of rules in one test: some minutes. */
const MAX_EVALUATIONS = 20_000_000;
/** Times at which rules are evaluated between two calls of `onProgress`. */
const ROUNDS_BETWEEN_CALLS = 1024;

export interface TestSurroundings {
  /** Its subqueries have the step `evaluationIntervalMs`. */
  readonly engine: Engine;
  readonly clock: Clock;
  /** In the order in which they are evaluated. */
  readonly groups: readonly RuleGroup[];
  readonly evaluationIntervalMs: number;
  readonly isFuzzy: boolean;
  /** Whether the report has all that is stored at the end. */
  readonly keepsSeries: boolean;
  /** Told now and then how much of a test is done, from 0 to 1. */
  readonly onProgress: (share: number) => void;
}

/** Runs one test: evaluates the rules at each interval until the last time that something is said of. */
export function runRuleTest(test: RuleTest, surroundings: TestSurroundings): TestReport {
  const { clock } = surroundings;
  const startedMs = clock.monotonicMs();
  const run = new TestRun(test, surroundings);
  const refusal = run.refusal();
  const failures = refusal === null ? run.evaluateRules() : [];
  const cases = refusal === null && failures.length === 0 ? run.evaluateExpressions() : [];
  return {
    name: test.name,
    line: test.line,
    refusal,
    failures,
    cases: [...run.alertReports, ...cases],
    stored: surroundings.keepsSeries ? run.stored() : null,
    evaluations: run.evaluations,
    elapsedMs: clock.monotonicMs() - startedMs,
  };
}

class TestRun {
  readonly #test: RuleTest;
  readonly #surroundings: TestSurroundings;
  readonly #samples = new MemorySeries();
  readonly #rules: OfflineRules;
  readonly #lastMs: number;
  /** By their times, what is to be looked at next in front. */
  readonly #alertCases: readonly AlertCase[];
  readonly alertReports: CaseReport[] = [];
  evaluations = 0;

  constructor(test: RuleTest, surroundings: TestSurroundings) {
    this.#test = test;
    this.#surroundings = surroundings;
    const { clock, engine, groups } = surroundings;
    const { externalLabels, externalUrl } = test;
    this.#rules = new OfflineRules(groups, {
      clock,
      engine,
      samples: this.#samples,
      externalLabels,
      externalUrl,
    });
    this.#lastMs = [...test.alertCases, ...test.exprCases].reduce(
      (last, { atMs }) => Math.max(last, atMs),
      0,
    );
    this.#alertCases = test.alertCases.toSorted((a, b) => a.atMs - b.atMs);
    for (const { labels, points } of test.inputs) {
      this.#samples.addInput(labels, points, { startMs: test.startMs, stepMs: test.intervalMs });
    }
  }

  refusal(): string | null {
    const { evaluationIntervalMs } = this.#surroundings;
    const rounds = Math.floor(this.#lastMs / evaluationIntervalMs) + 1;
    const evaluations = rounds * this.#rules.count;
    if (evaluations <= MAX_EVALUATIONS) return null;
    return (
      `${rounds} times (each evaluation_interval until the last eval_time) ${this.#rules.count} rules are ${evaluations} ` +
      `evaluations, more than the ${MAX_EVALUATIONS} that a test may have`
    );
  }

  /** Returns what could not be evaluated: there it stops. */
  evaluateRules(): readonly RuleFailure[] {
    const { evaluationIntervalMs: stepMs, onProgress } = this.#surroundings;
    const { startMs } = this.#test;
    let nextCase = 0;
    let round = 0;
    for (
      let atMs = this.#roundFrom(0, 0);
      atMs <= this.#lastMs;
      atMs = this.#roundFrom(atMs + stepMs, nextCase)
    ) {
      this.#samples.readUntil(startMs + atMs);
      const failures = this.#rules.evaluate(startMs + atMs);
      this.evaluations += this.#rules.count;
      if (failures.length > 0) return failures.map((failure) => ({ ...failure, atMs }));
      for (
        let due = this.#alertCases[nextCase];
        due && due.atMs < atMs + stepMs;
        due = this.#alertCases[nextCase]
      ) {
        this.alertReports.push(this.#reportOf(due, startMs + atMs));
        nextCase++;
      }
      if (++round % ROUNDS_BETWEEN_CALLS === 0) onProgress(atMs / this.#lastMs);
    }
    return [];
  }

  evaluateExpressions(): readonly ExprReport[] {
    return this.#test.exprCases.map((one) =>
      compareSamples(one, this.#resultOf(one), this.#surroundings.isFuzzy),
    );
  }

  stored(): readonly SelectedSeries[] {
    return this.#samples.select({ matchers: [], startMs: -Infinity, endMs: Infinity });
  }

  /** The first time from that one on at which there is something to do: without rules only where something is said of it. */
  #roundFrom(atMs: number, nextCase: number): number {
    if (this.#rules.count > 0) return atMs;
    const { evaluationIntervalMs: stepMs } = this.#surroundings;
    const dueMs = this.#alertCases[nextCase]?.atMs ?? this.#lastMs;
    return Math.max(atMs, Math.floor(dueMs / stepMs) * stepMs);
  }

  #resultOf({ atMs, expr }: ExprCase): Parameters<typeof compareSamples>[1] {
    try {
      const result = this.#surroundings.engine
        .prepare(expr)
        .instant(this.#samples, this.#test.startMs + atMs);
      if (result instanceof Promise) throw new Error('series in memory answer at once');
      return samplesOf(result);
    } catch (thrown) {
      if (thrown instanceof OmoiError) return { error: messageOf(thrown) };
      throw thrown;
    }
  }

  #reportOf(due: AlertCase, evaluatedAtMs: number): AlertReport {
    const rules = this.#rules.alertingRules(due.alertname);
    return compareAlerts(due, {
      rules,
      alerts: rules.flatMap((rule) => rule.alerts()),
      ended: rules.flatMap((rule) => [...rule.ended]),
      startMs: this.#test.startMs,
      evaluatedAtMs,
    });
  }
}
