import type { RuleTemplateHost } from '#gotemplate';
import { createId, type Clock, type Labels, type Random, type Tracing } from '#telemetry';
import type { NewEpisode } from '../alerts/episode-writer.ts';
import {
  expandAnnotations,
  type AlertElement,
  type AlertIdentities,
  type ExpansionContext,
} from '../evaluation/alert-elements.ts';
import { recordFiring, recordResolution, type EvaluationTrace } from '../evaluation/rule-trace.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import type { AlertingOptions } from '../options.ts';
import type { LoadedRule } from '../rules/loaded-rule.ts';
import type { AlertingRule } from '../rules/rule.ts';
import { planFromFailure, planFromResult, type AlertPlan, type Fired } from './alert-plan.ts';
import type { EpisodeTexts } from './alert-states.ts';
import type { EvaluationMoment } from './evaluation-moment.ts';
import type { Instance } from './instance.ts';
import type { TransitionTimes } from './transition.ts';

export interface AlertEvaluationParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly tracing: Tracing;
  readonly options: AlertingOptions;
  readonly hostAt: (timeMs: number) => RuleTemplateHost;
  /** Wall ms until which missing data changes nothing. */
  readonly graceUntilMs: () => number;
}

/** An alerting rule with what it has been loaded with. */
export interface LoadedAlertingRule {
  readonly definition: LoadedRule;
  readonly rule: AlertingRule;
}

/** What an evaluation has found out. */
export interface EvaluatedAlerts {
  readonly plan: AlertPlan;
  readonly elements: ReadonlyMap<string, AlertElement>;
}

/** Finds out what an evaluation means for a rule's label sets. Changes nothing. */
export class AlertEvaluation {
  readonly #parts: AlertEvaluationParts;

  constructor(parts: AlertEvaluationParts) {
    this.#parts = parts;
  }

  /** @throws what the evaluation failed with */
  *evaluate(
    loaded: LoadedAlertingRule,
    instances: ReadonlyMap<string, Instance>,
    at: {
      readonly moment: EvaluationMoment;
      /** When the wall clock last leapt forward. */
      readonly leaptAtMs: number;
      readonly tracesFor: EvaluationTrace['tracesFor'];
      /** Of the rule, from one evaluation to the next. */
      readonly identities: AlertIdentities;
    },
  ): SlicedWork<EvaluatedAlerts> {
    const { timeMs, receivedAtMs, startedAtMs } = at.moment;
    const { query, group } = loaded.definition;
    const queryTimeMs = timeMs - (group.queryOffsetMs ?? 0);
    const result = yield* query.evaluate(queryTimeMs);
    const identified = { rule: loaded.rule, limit: group.limit };
    const elements = yield* at.identities.identify(identified, result, this.expansion(timeMs));
    const graceUntilMs = Math.max(
      this.#parts.graceUntilMs(),
      at.leaptAtMs + this.#parts.options.startupGraceMs,
    );
    const inGrace = timeMs < graceUntilMs;
    const asksForData = mayHaveVanished(instances, elements, inGrace);
    const data = asksForData ? yield* query.evaluateData(queryTimeMs) : null;
    const endedAtMs = this.#parts.clock.wallMs();
    const plan = yield* planFromResult(
      instances,
      { elements, data, holdVanishedUntilMs: inGrace ? graceUntilMs : null },
      {
        times: this.#times(loaded, timeMs),
        trace: { tracesFor: at.tracesFor, receivedAtMs, startedAtMs, endedAtMs },
      },
    );
    return { plan, elements };
  }

  /** What it means that the rule can't be evaluated since `failingSinceMs`. */
  planFailure(
    loaded: LoadedAlertingRule,
    instances: ReadonlyMap<string, Instance>,
    at: { readonly timeMs: number; readonly failingSinceMs: number },
  ): SlicedWork<AlertPlan> {
    return planFromFailure(instances, at.failingSinceMs, this.#times(loaded, at.timeMs));
  }

  /** The texts of what begins by an evaluation, and the spans that tell of what ends by it. */
  textsOf(loaded: LoadedAlertingRule, { timeMs, startedAtMs }: EvaluationMoment): EpisodeTexts {
    const { clock, tracing } = this.#parts;
    const ruleId = loaded.rule.id;
    return {
      begin: (fired) => this.#newEpisodes(loaded, fired, timeMs),
      ended: ({ alertId, traceparent }, cause) => {
        const times = { cause, startedAtMs, endedAtMs: clock.wallMs() };
        recordResolution(tracing, { ruleId, alertId: alertId ?? '', traceparent }, times);
      },
    };
  }

  /** The episodes that begin, with their texts and the spans that tell how they came about. */
  *#newEpisodes(
    loaded: LoadedAlertingRule,
    fired: readonly Fired[],
    timeMs: number,
  ): SlicedWork<readonly NewEpisode[]> {
    const expansion = this.expansion(timeMs);
    const episodes: NewEpisode[] = [];
    for (const one of fired) {
      episodes.push(this.#newEpisode(loaded, one, { timeMs, expansion }));
      yield;
    }
    return episodes;
  }

  expansion(timeMs: number): ExpansionContext {
    return { externalLabels: this.#parts.options.externalLabels, host: this.#parts.hostAt(timeMs) };
  }

  #newEpisode(
    { definition, rule }: LoadedAlertingRule,
    { instance, element }: Fired,
    at: { readonly timeMs: number; readonly expansion: ExpansionContext },
  ): NewEpisode {
    const { clock, random, tracing } = this.#parts;
    const wallMs = clock.wallMs();
    const alertId = createId('alrt', wallMs, random);
    return {
      alertId,
      ruleId: rule.id,
      ruleKey: rule.key,
      fingerprint: instance.fingerprint,
      labels: instance.labels,
      sourceLabels: instance.sourceLabels,
      annotations: expandAnnotations(rule, element, at.expansion),
      severity: severityOf(instance.labels),
      value: element.value,
      metricName: definition.query.metricName,
      threshold: definition.query.threshold,
      comparison: definition.query.comparison,
      activeAtMs: instance.phase.activeAtMs,
      firedAtMs: at.timeMs,
      traceparent: recordFiring(
        tracing,
        { ruleId: rule.id, alertId, labels: instance.labels, cause: instance.cause },
        { wallMs },
      ),
    };
  }

  #times({ definition, rule }: LoadedAlertingRule, nowMs: number): TransitionTimes {
    return {
      nowMs,
      forMs: rule.forMs,
      keepFiringForMs: rule.keepFiringForMs,
      resolveStabilityMs: definition.pace.resolveStabilityMs,
      failedRuleResolveMs: this.#parts.options.failedRuleResolveMs,
    };
  }
}

function severityOf(labels: Labels): string {
  return labels['severity'] ?? 'warning';
}

/** Whether some label set lacks its element, so that it matters whether it lacks its data too. */
function mayHaveVanished(
  instances: ReadonlyMap<string, Instance>,
  elements: ReadonlyMap<string, AlertElement>,
  inGrace: boolean,
): boolean {
  for (const { key, phase } of instances.values()) {
    if (!elements.has(key) && (inGrace || phase.kind !== 'pending')) return true;
  }
  return false;
}
