import type { Labels } from '#telemetry';
import { AlertIdentities, expandAnnotations, type AlertElement } from '../evaluation/alert-elements.ts';
import { AlertSeries } from '../evaluation/alert-series.ts';
import type { RuleOutlet } from '../evaluation/rule-outlet.ts';
import type { VectorElement } from '../evaluation/rule-query.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import type { AlertEvaluation, LoadedAlertingRule } from '../state/alert-evaluation.ts';
import type { AlertPlan } from '../state/alert-plan.ts';
import type { EvaluationMoment, WriteMoment } from '../state/evaluation-moment.ts';
import { alertState, type Instance } from '../state/instance.ts';

/** A label set that is pending or firing. Times: evaluation time, ms. */
export interface OfflineAlert {
  readonly state: 'pending' | 'firing';
  readonly labels: Labels;
  /** Over the newest result in which the condition held. */
  readonly annotations: Labels;
  readonly value: number;
  readonly activeAtMs: number;
  /** Since when the condition has not held although the alert fires; null while it holds. */
  readonly missedSinceMs: number | null;
  readonly forMs: number;
}

/** A label set that fired, and does so no more. */
export interface EndedAlert {
  readonly labels: Labels;
  readonly endedAtMs: number;
}

/** What a label set was when its condition held last. */
interface Seen {
  readonly element: AlertElement;
  readonly timeMs: number;
  /** Null where they can be expanded later just as well. */
  readonly annotations: Labels | null;
}

/** Alerts that have ended and are remembered, the newest. */
const MAX_ENDED = 1000;

interface OfflineAlertParts {
  /** What the expression has before its comparisons drop elements; null where that can't be told. */
  readonly dataAt: (timeMs: number) => readonly VectorElement[] | null;
  readonly evaluation: AlertEvaluation;
  readonly outlet: RuleOutlet;
}

/** An alerting rule with its label sets, in memory alone. */
export class OfflineAlertRule {
  readonly dataAt: OfflineAlertParts['dataAt'];
  readonly #loaded: LoadedAlertingRule;
  readonly #evaluation: AlertEvaluation;
  readonly #series: AlertSeries;
  readonly #identities = new AlertIdentities();
  /** Whether annotations ask for samples, which are others a moment later. */
  readonly #asksForSamples: boolean;
  #instances: ReadonlyMap<string, Instance> = new Map();
  #seen = new Map<string, Seen>();
  readonly #ended = new Map<string, EndedAlert>();

  constructor(loaded: LoadedAlertingRule, { dataAt, evaluation, outlet }: OfflineAlertParts) {
    this.dataAt = dataAt;
    this.#loaded = loaded;
    this.#evaluation = evaluation;
    this.#series = new AlertSeries(outlet);
    this.#asksForSamples = [...loaded.rule.annotations.values()].some(({ text }) => text.includes('query'));
  }

  get name(): string {
    return this.#loaded.rule.name;
  }

  get expr(): string {
    return this.#loaded.rule.expr;
  }

  /** What fired and has ended, the first first. */
  get ended(): Iterable<EndedAlert> {
    return this.#ended.values();
  }

  /** @throws OmoiError that the evaluation failed with */
  *evaluate(moment: EvaluationMoment & WriteMoment): SlicedWork<void> {
    const { timeMs } = moment;
    const evaluated = yield* this.#evaluation.evaluate(this.#loaded, this.#instances, {
      moment,
      leaptAtMs: Number.NEGATIVE_INFINITY,
      tracesFor: () => [],
      identities: this.#identities,
    });
    this.#remember(evaluated.elements, timeMs);
    this.#instances = this.#carriedOut(evaluated.plan, timeMs);
    for (const key of this.#seen.keys()) if (!this.#instances.has(key)) this.#seen.delete(key);
    yield* this.#series.write(this.#instances, moment);
  }

  /** What is pending or firing now. */
  alerts(): readonly OfflineAlert[] {
    const { rule } = this.#loaded;
    return [...this.#instances.values()].flatMap(({ key, labels, phase, value }) => {
      const state = alertState(phase);
      if (state === null) return [];
      const missedSinceMs = phase.kind === 'keep_firing' ? phase.missedSinceMs : null;
      const { activeAtMs } = phase;
      const annotations = this.#annotationsOf(key);
      return [{ state, labels, annotations, value, activeAtMs, missedSinceMs, forMs: rule.forMs }];
    });
  }

  #remember(elements: ReadonlyMap<string, AlertElement>, timeMs: number): void {
    for (const [key, element] of elements) {
      const annotations = this.#asksForSamples ? this.#expanded(element, timeMs) : null;
      this.#seen.set(key, { element, timeMs, annotations });
    }
  }

  /** The label sets after an evaluation. Nothing can fail between an episode and its row, since there is none. */
  #carriedOut(plan: AlertPlan, timeMs: number): ReadonlyMap<string, Instance> {
    const { fired, next, resolved } = plan;
    for (const { instance } of fired) next.set(instance.key, instance);
    for (const { instance } of resolved) {
      next.delete(instance.key);
      this.#ended.delete(instance.key);
      this.#ended.set(instance.key, { labels: instance.labels, endedAtMs: timeMs });
    }
    for (const key of this.#ended.keys()) {
      if (this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(key);
    }
    return next;
  }

  #annotationsOf(key: string): Labels {
    const seen = this.#seen.get(key);
    return seen ? (seen.annotations ?? this.#expanded(seen.element, seen.timeMs)) : {};
  }

  #expanded({ element }: AlertElement, timeMs: number): Labels {
    return expandAnnotations(this.#loaded.rule, element, this.#evaluation.expansion(timeMs));
  }
}
