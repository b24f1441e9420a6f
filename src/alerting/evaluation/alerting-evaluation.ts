import type { RuleTemplateHost } from '#gotemplate';
import {
  createId,
  messageOf,
  type Clock,
  type Counter,
  type Logger,
  type Random,
  type SelfMetrics,
  type Tracing,
} from '#telemetry';
import type { EpisodeJournal, NewEpisode } from '../alerts/episode-journal.ts';
import type { RuleMemory } from '../alerts/rule-memory.ts';
import { alertState, type Instance } from '../lifecycle/instance.ts';
import type { TransitionTimes } from '../lifecycle/transition.ts';
import type { AlertingOptions } from '../options.ts';
import type { AlertingRule } from '../rules/rule.ts';
import {
  expandAnnotations,
  identifyElements,
  type AlertElement,
  type ExpansionContext,
} from './alert-elements.ts';
import { planFromFailure, planFromResult, type AlertPlan } from './alert-plan.ts';
import { recordFiring, recordResolution, type EvaluationTrace } from './rule-trace.ts';
import type { RuleRun } from './rule-run.ts';
import type { OutputSample } from './series-writer.ts';

/** What could not be committed is evaluated anew after this time. */
const COMMIT_RETRY_MS = 1000;
/** The value of a firing alert is written to its row at most this often. */
const VALUE_REFRESH_MS = 1000;

export interface AlertingEvaluationParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly metrics: SelfMetrics;
  readonly journal: EpisodeJournal;
  readonly memory: RuleMemory;
  readonly options: AlertingOptions;
  readonly hostAt: (timeMs: number) => RuleTemplateHost;
}

/** One evaluation as it goes: the rule, its time, and what is known of the samples' origins. */
export interface EvaluationMoment {
  readonly timeMs: number;
  readonly startedAtMs: number;
  readonly repeat: boolean;
  readonly receivedAtMs: number | null;
  /** Until then missing data changes nothing. */
  readonly graceUntilMs: number;
}

/**
 * Evaluates alerting rules. What an evaluation means is planned first; then the episodes that begin or end are
 * committed with their events; only then does the rule's memory change. What could not be committed has not
 * happened, and is evaluated anew.
 */
export class AlertingEvaluation {
  readonly #parts: AlertingEvaluationParts;
  readonly #refreshedAtMs = new WeakMap<RuleRun, number>();
  readonly #uncommitted: Counter;

  constructor(parts: AlertingEvaluationParts) {
    this.#parts = parts;
    this.#uncommitted = parts.metrics.counter(
      'omoi_alert_commits_failed_total',
      'Evaluations whose alerts could not be committed; they are evaluated anew.',
    );
  }

  /**
   * @returns the evaluation time at which the rule has to be looked at again though nothing arrives; null: none
   * @throws what the evaluation failed with; `fail` is to be called then
   */
  async evaluate(run: RuleRun, rule: AlertingRule, moment: EvaluationMoment): Promise<number | null> {
    const queryTimeMs = moment.timeMs - (run.loaded.group.queryOffsetMs ?? 0);
    const { query } = run.loaded;
    const pending = query.evaluate(queryTimeMs);
    const result = pending instanceof Promise ? await pending : pending;
    const expansion = this.#expansion(moment.timeMs);
    const elements = identifyElements(rule, result, run.loaded.group.limit, expansion);
    const inGrace = moment.timeMs < moment.graceUntilMs;
    const mayHaveVanished = [...run.instances.values()].some(
      ({ key, phase }) => !elements.has(key) && (inGrace || phase.kind !== 'pending'),
    );
    const asked = mayHaveVanished ? query.evaluateData(queryTimeMs) : null;
    const data = asked instanceof Promise ? await asked : asked;
    const trace: EvaluationTrace = {
      tracesFor: (labels) => run.provenance.tracesFor(labels),
      receivedAtMs: moment.receivedAtMs,
      startedAtMs: moment.startedAtMs,
      endedAtMs: this.#parts.clock.wallMs(),
    };
    const plan = planFromResult(
      run.instances,
      { elements, data, holdVanishedUntilMs: inGrace ? moment.graceUntilMs : null },
      { times: this.#times(run, rule, moment.timeMs), trace },
    );
    const wakeAtMs = await this.#carryOut(run, rule, plan, moment);
    this.#refreshValues(run, rule, elements, moment);
    return wakeAtMs;
  }

  /** The rule could not be evaluated: its alerts go on firing, marked, until it has failed for very long. */
  async fail(run: RuleRun, rule: AlertingRule, moment: EvaluationMoment): Promise<number | null> {
    const { failingSinceMs, lastError } = run.statistics;
    const times = this.#times(run, rule, moment.timeMs);
    const plan = planFromFailure(run.instances, failingSinceMs ?? moment.timeMs, times);
    const wakeAtMs = await this.#carryOut(run, rule, plan, moment);
    for (const { alertId, value } of run.instances.values()) {
      if (alertId !== null) {
        this.#parts.memory.refresh(alertId, { value, annotations: null, evaluationError: lastError });
      }
    }
    return wakeAtMs;
  }

  /** Writes `ALERTS` and `ALERTS_FOR_STATE` as they are now. */
  writeSeries(run: RuleRun, moment: EvaluationMoment): void {
    const outputs = [...run.instances.values()].flatMap(alertSeries);
    run.writer.write(outputs, {
      timeMs: moment.timeMs,
      repeat: moment.repeat,
      origin: {
        source: 'rule',
        traceparent: null,
        receivedAtMs: moment.startedAtMs,
        receivedMonotonicMs: this.#parts.clock.monotonicMs(),
      },
    });
  }

  async #carryOut(
    run: RuleRun,
    rule: AlertingRule,
    plan: AlertPlan,
    moment: EvaluationMoment,
  ): Promise<number | null> {
    const changed = hasChanged(run.instances, plan.next);
    let next = plan.next;
    if (plan.fired.length > 0 || plan.resolved.length > 0) {
      const committed = await this.#commit(run, rule, plan, moment);
      if (committed === null) return moment.timeMs + COMMIT_RETRY_MS;
      next = committed;
    }
    run.instances = next;
    if (changed) this.#parts.memory.remember({ key: rule.key, instances: next });
    if (changed || moment.repeat) this.writeSeries(run, moment);
    return plan.wakeAtMs;
  }

  /** @returns the label sets with their episodes' ids; null where nothing could be committed */
  async #commit(
    run: RuleRun,
    rule: AlertingRule,
    plan: AlertPlan,
    moment: EvaluationMoment,
  ): Promise<ReadonlyMap<string, Instance> | null> {
    const { clock, journal, logger, tracing } = this.#parts;
    const begun = plan.fired.map((fired) => this.#newEpisode(run, rule, fired, moment));
    const ended = plan.resolved.flatMap(({ instance, cause }) =>
      instance.alertId === null
        ? []
        : [
            {
              alertId: instance.alertId,
              cause,
              resolvedAtMs: moment.timeMs,
              traceparent: instance.traceparent,
            },
          ],
    );
    try {
      const opened = await journal.write(begun, ended);
      for (const end of ended) {
        const endedAtMs = clock.wallMs();
        const times = { cause: end.cause, startedAtMs: moment.startedAtMs, endedAtMs };
        recordResolution(tracing, { ...end, ruleId: rule.id }, times);
      }
      const next = new Map(plan.next);
      plan.fired.forEach(({ instance }, place) => {
        const alertId = opened[place]?.alertId ?? null;
        next.set(instance.key, { ...instance, alertId, traceparent: begun[place]?.traceparent ?? null });
      });
      return next;
    } catch (thrown) {
      this.#uncommitted.add(1);
      logger.error(
        { rule: rule.id, error: messageOf(thrown) },
        'Alerts could not be committed; trying again',
      );
      return null;
    }
  }

  #newEpisode(
    run: RuleRun,
    rule: AlertingRule,
    fired: AlertPlan['fired'][number],
    moment: EvaluationMoment,
  ): NewEpisode {
    const { clock, random, tracing } = this.#parts;
    const { instance, element } = fired;
    const alertId = createId('alrt', clock.wallMs(), random);
    const traceparent = recordFiring(
      tracing,
      { ruleId: rule.id, alertId, cause: instance.cause },
      { wallMs: clock.wallMs() },
    );
    return {
      alertId,
      ruleId: rule.id,
      ruleKey: rule.key,
      fingerprint: instance.fingerprint,
      labels: instance.labels,
      sourceLabels: instance.sourceLabels,
      annotations: expandAnnotations(rule, element, this.#expansion(moment.timeMs)),
      severity: instance.labels['severity'] ?? 'warning',
      value: element.value,
      metricName: run.loaded.query.metricName,
      threshold: run.loaded.query.threshold,
      comparison: run.loaded.query.comparison,
      activeAtMs: instance.phase.activeAtMs,
      firedAtMs: moment.timeMs,
      traceparent,
    };
  }

  #refreshValues(
    run: RuleRun,
    rule: AlertingRule,
    elements: ReadonlyMap<string, AlertElement>,
    moment: EvaluationMoment,
  ): void {
    const dueMs = (this.#refreshedAtMs.get(run) ?? 0) + VALUE_REFRESH_MS;
    const wasFailing = run.statistics.failingSinceMs !== null;
    if ((moment.timeMs < dueMs && !wasFailing) || run.instances.size === 0) return;
    this.#refreshedAtMs.set(run, moment.timeMs);
    for (const { alertId, key, value } of run.instances.values()) {
      const found = elements.get(key);
      if (alertId === null || !(found || wasFailing)) continue;
      const annotations = found
        ? expandAnnotations(rule, found.element, this.#expansion(moment.timeMs))
        : null;
      this.#parts.memory.refresh(alertId, { value, annotations, evaluationError: null });
    }
  }

  #expansion(timeMs: number): ExpansionContext {
    return { externalLabels: this.#parts.options.externalLabels, host: this.#parts.hostAt(timeMs) };
  }

  #times(run: RuleRun, rule: AlertingRule, nowMs: number): TransitionTimes {
    return {
      nowMs,
      forMs: rule.forMs,
      keepFiringForMs: rule.keepFiringForMs,
      resolveStabilityMs: run.loaded.pace.resolveStabilityMs,
      failedRuleResolveMs: this.#parts.options.failedRuleResolveMs,
    };
  }
}

function hasChanged(before: ReadonlyMap<string, Instance>, after: ReadonlyMap<string, Instance>): boolean {
  if (before.size !== after.size) return true;
  for (const [key, { phase }] of after) if (before.get(key)?.phase.kind !== phase.kind) return true;
  return false;
}

function alertSeries({ labels, phase }: Instance): readonly OutputSample[] {
  const state = alertState(phase);
  if (state === null) return [];
  return [
    { labels: { ...labels, __name__: 'ALERTS', alertstate: state }, value: 1 },
    { labels: { ...labels, __name__: 'ALERTS_FOR_STATE' }, value: Math.floor(phase.activeAtMs / 1000) },
  ];
}
