import { createSystemRandom, OmoiError, messageOf, type Clock, type Labels } from '#telemetry';
import type { Engine } from '#promql';
import { promqlQueries } from '../evaluation/promql-queries.ts';
import type { RuleQuery, VectorElement } from '../evaluation/rule-query.ts';
import { SeriesHolders } from '../evaluation/series-holders.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import { DEFAULT_ALERTING_OPTIONS } from '../options.ts';
import type { LoadedRule } from '../rules/loaded-rule.ts';
import type { RuleGroup } from '../rules/rule.ts';
import { AlertEvaluation } from '../state/alert-evaluation.ts';
import type { EvaluationMoment, WriteMoment } from '../state/evaluation-moment.ts';
import type { MemorySeries } from './memory-series.ts';
import { OfflineAlertRule, type OfflineAlert } from './offline-alert-rule.ts';
import { OfflineRecordingRule } from './offline-recording-rule.ts';

export interface OfflineSettings {
  readonly engine: Engine;
  /** What rules read, and where they write. */
  readonly samples: MemorySeries;
  /** Of the machine: for the limits of queries. */
  readonly clock: Clock;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
}

/** Why a rule could not be evaluated. */
export interface OfflineFailure {
  readonly rule: string;
  readonly message: string;
}

type OfflineRule = OfflineAlertRule | OfflineRecordingRule;

/**
 * Rules that are evaluated at times that somebody names, over samples in memory: by the same functions as in the server, as
 * in a group that is evaluated at its interval alone and resolves at once (`evaluate: interval`). Nothing is written but
 * their series; nobody is told.
 */
export class OfflineRules {
  readonly #rules: readonly OfflineRule[];
  readonly #refused = new RefusedCount();

  /**
   * @param groups in the order in which they are evaluated
   * @throws OmoiError `query_invalid`
   */
  constructor(groups: readonly RuleGroup[], settings: OfflineSettings) {
    const { clock, engine, externalLabels, externalUrl, samples } = settings;
    const queries = promqlQueries(engine, samples);
    const evaluation = new AlertEvaluation({
      clock,
      random: createSystemRandom(),
      tracing: { startSpan: nothingIsTraced },
      options: { ...DEFAULT_ALERTING_OPTIONS, externalLabels, externalUrl },
      hostAt: (timeMs) => ({ externalUrl, timeMs, query: (expr) => queries.queryNow(expr, timeMs) }),
      graceUntilMs: () => Number.NEGATIVE_INFINITY,
    });
    const outlet = { sink: samples, refused: this.#refused, holders: new UnshiftedHolders() };
    this.#rules = loadedRules(groups, (expr) => queries.prepare(expr)).map(({ definition, query }) =>
      createRule(definition, { evaluation, outlet, dataAt: (timeMs) => dataAt(query, timeMs) }),
    );
  }

  get count(): number {
    return this.#rules.length;
  }

  /** Evaluates all rules, one after the other. Returns those that could not be. */
  evaluate(timeMs: number): readonly OfflineFailure[] {
    const moment: EvaluationMoment & WriteMoment = {
      timeMs,
      startedAtMs: timeMs,
      repeat: true,
      receivedAtMs: null,
      origin: { source: 'rule', traceparent: null, receivedAtMs: timeMs, receivedMonotonicMs: 0 },
    };
    const failures: OfflineFailure[] = [];
    for (const rule of this.#rules) {
      const message = this.#failureOf(rule, moment);
      if (message !== null) failures.push({ rule: rule.name, message });
    }
    return failures;
  }

  /** What is pending or firing of all alerting rules of a name, in the order of rules. */
  alertsNamed(name: string): readonly OfflineAlert[] {
    return this.alertingRules(name).flatMap((rule) => rule.alerts());
  }

  /** The alerting rules of a name. */
  alertingRules(name: string): readonly OfflineAlertRule[] {
    return this.#rules
      .filter((rule) => rule instanceof OfflineAlertRule)
      .filter((rule) => rule.name === name);
  }

  #failureOf(rule: OfflineRule, moment: EvaluationMoment & WriteMoment): string | null {
    const before = this.#refused.samples;
    try {
      atOnce(rule.evaluate(moment));
    } catch (thrown) {
      if (thrown instanceof OmoiError) return messageOf(thrown);
      throw thrown;
    }
    if (this.#refused.samples === before) return null;
    return 'it writes a sample to a series that has another one of this time, from another rule or the input';
  }
}

function createRule(
  definition: LoadedRule,
  parts: ConstructorParameters<typeof OfflineAlertRule>[1],
): OfflineRule {
  const { rule } = definition;
  if (rule.kind === 'recording') return new OfflineRecordingRule({ definition, rule }, parts.outlet);
  return new OfflineAlertRule({ definition, rule }, parts);
}

function loadedRules(
  groups: readonly RuleGroup[],
  prepare: (expr: string) => RuleQuery,
): readonly { readonly definition: LoadedRule; readonly query: RuleQuery }[] {
  const pace = { onArrival: false, resolveStabilityMs: 0 };
  return groups
    .flatMap((group) => group.rules.map((rule) => ({ group, rule })))
    .map(({ group, rule }, order) => {
      const query = prepare(rule.expr);
      return { query, definition: { group, rule, pace, order, query: withoutData(query) } };
    });
}

function dataAt(query: RuleQuery, timeMs: number): readonly VectorElement[] | null {
  try {
    return atOnce(query.evaluateData(timeMs));
  } catch (thrown) {
    if (thrown instanceof OmoiError) return null;
    throw thrown;
  }
}

/** Why a condition has ended changes nothing where it ends at once: the expression's data is not asked for. */
function withoutData(query: RuleQuery): RuleQuery {
  return {
    selectors: query.selectors,
    metricName: query.metricName,
    threshold: query.threshold,
    comparison: query.comparison,
    reachMs: query.reachMs,
    sharesLabel: query.sharesLabel,
    evaluate: (timeMs) => query.evaluate(timeMs),
    // oxlint-disable-next-line require-yield
    *evaluateData() {
      return null;
    },
  };
}

/** Does work that has nothing to wait for: all is in memory. */
function atOnce<Result>(work: SlicedWork<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    if (step.value !== undefined) throw new Error('rules in memory wait for nothing');
  }
}

function nothingIsTraced(): never {
  throw new Error('rules that are evaluated offline begin no episodes');
}

class RefusedCount {
  samples = 0;

  add(samples: number): void {
    this.samples += samples;
  }
}

/** Each sample has the time of its evaluation: two rules that write one series at once are a mistake that is to be seen. */
class UnshiftedHolders extends SeriesHolders {
  override date(_ref: number, timeMs: number): number {
    return timeMs;
  }
}
