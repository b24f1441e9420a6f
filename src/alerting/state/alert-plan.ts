import { fingerprintOf, METRIC_NAME_LABEL, withoutLabels, type Labels } from '#telemetry';
import type { AlertElement } from '../evaluation/alert-elements.ts';
import type { VectorElement } from '../evaluation/rule-query.ts';
import { causeAtFiring, causeOf, type EvaluationTrace } from '../evaluation/rule-trace.ts';
import type { SlicedWork } from '../evaluation/sliced-work.ts';
import { findVanished } from '../evaluation/vanished.ts';
import type { Instance } from './instance.ts';
import {
  transition,
  unseen,
  type EvaluatedCause,
  type Observation,
  type Transition,
  type TransitionTimes,
} from './transition.ts';

/** An episode that begins, with the element that says so. */
export interface Fired {
  /** As it is from then on; `alertId` is still null. */
  readonly instance: Instance;
  readonly element: VectorElement;
}

/** An episode that ends. */
export interface Resolved {
  /** As it was before. */
  readonly instance: Instance;
  readonly cause: EvaluatedCause;
}

/** What an evaluation means for a rule's label sets; nothing of it has happened yet. */
export interface AlertPlan {
  /**
   * The label sets that are not inactive afterwards, by key. Those in `fired` and `resolved` stand there as they were
   * before: they change when their episodes are committed.
   */
  readonly next: Map<string, Instance>;
  readonly fired: readonly Fired[];
  readonly resolved: readonly Resolved[];
  /** Whether some label set is in another phase afterwards, episodes aside. */
  readonly isChanged: boolean;
  /** What has to be remembered over a restart from now on, by fingerprint; null: nothing any more. */
  readonly toSave: ReadonlyMap<string, Instance | null>;
  /** The evaluation time at which time alone changes something; null where only new data can. */
  readonly wakeAtMs: number | null;
}

/** What an evaluation gave. */
export interface EvaluationResult {
  readonly elements: ReadonlyMap<string, AlertElement>;
  /** What the expression has before its comparisons drop elements; null: a miss is never a lack of data. */
  readonly data: readonly VectorElement[] | null;
  /** Until then missing data changes nothing; null: it does. */
  readonly holdVanishedUntilMs: number | null;
}

/** The plan of an evaluation that gave a result. */
export function* planFromResult(
  instances: ReadonlyMap<string, Instance>,
  { elements, data, holdVanishedUntilMs }: EvaluationResult,
  context: { readonly times: TransitionTimes; readonly trace: EvaluationTrace },
): SlicedWork<AlertPlan> {
  const plan = new PlanBuilder();
  for (const found of elements.values()) {
    const before = instances.get(found.key);
    const step = transition(before?.phase ?? null, { kind: 'holds' }, context.times);
    plan.add(before, step, { instance: instanceFor(found, before, step, context.trace), found });
    yield;
  }
  const missing = new Map<Instance, Labels>();
  for (const instance of instances.values()) {
    if (!elements.has(instance.key)) missing.set(instance, instance.sourceLabels);
  }
  const vanished = data === null ? new Set<Instance>() : yield* findVanished(missing, data);
  for (const instance of missing.keys()) {
    const isVanished = vanished.has(instance);
    if (isVanished && holdVanishedUntilMs !== null) {
      plan.add(instance, { next: unseen(instance.phase), event: null, wakeAtMs: holdVanishedUntilMs });
      continue;
    }
    const observation: Observation = { kind: 'misses', cause: isVanished ? 'data_vanished' : 'recovered' };
    plan.add(instance, transition(instance.phase, observation, context.times));
    yield;
  }
  return plan.build();
}

/** The plan of an evaluation that failed, and has done so since `sinceMs`. */
export function* planFromFailure(
  instances: ReadonlyMap<string, Instance>,
  sinceMs: number,
  times: TransitionTimes,
): SlicedWork<AlertPlan> {
  const plan = new PlanBuilder();
  for (const instance of instances.values()) {
    plan.add(instance, transition(instance.phase, { kind: 'unknown', sinceMs }, times));
    yield;
  }
  return plan.build();
}

function instanceFor(
  found: AlertElement,
  before: Instance | undefined,
  step: Transition,
  trace: EvaluationTrace,
): Instance {
  const phase = step.next ?? { kind: 'pending' as const, activeAtMs: 0 };
  const { element, labels, key } = found;
  if (before) {
    if (step.event === null && step.next === before.phase && Object.is(element.value, before.value))
      return before;
    const cause =
      step.event?.kind === 'fired' ? causeAtFiring(before.cause, before.sourceLabels, trace) : before.cause;
    return { ...before, phase, cause, value: element.value };
  }
  const sourceLabels = withoutLabels(element.labels, METRIC_NAME_LABEL);
  return {
    key,
    labels,
    sourceLabels,
    fingerprint: fingerprintOf(labels),
    phase,
    value: element.value,
    cause: causeOf(sourceLabels, trace),
    alertId: null,
    traceparent: null,
  };
}

class PlanBuilder {
  readonly #next = new Map<string, Instance>();
  readonly #fired: Fired[] = [];
  readonly #resolved: Resolved[] = [];
  readonly #toSave = new Map<string, Instance | null>();
  #isChanged = false;
  #wakeAtMs: number | null = null;

  /**
   * @param before the label set as it was; undefined: inactive
   * @param seen what it becomes where its condition holds; else its phase alone changes
   */
  add(
    before: Instance | undefined,
    step: Transition,
    seen?: { readonly instance: Instance; readonly found: AlertElement },
  ): void {
    if (step.wakeAtMs !== null) {
      this.#wakeAtMs = this.#wakeAtMs === null ? step.wakeAtMs : Math.min(this.#wakeAtMs, step.wakeAtMs);
    }
    if (step.event !== null) {
      if (before) this.#next.set(before.key, before);
      if (step.event.kind === 'fired' && seen) {
        this.#fired.push({ instance: seen.instance, element: seen.found.element });
      }
      if (step.event.kind === 'resolved' && before) {
        this.#resolved.push({ instance: before, cause: step.event.cause });
      }
      return;
    }
    const after = seen?.instance ?? (before && step.next ? withPhase(before, step.next) : undefined);
    if (after && step.next) this.#next.set(after.key, after);
    this.#note(before, step.next ? after : undefined);
  }

  build(): AlertPlan {
    return {
      next: this.#next,
      fired: this.#fired,
      resolved: this.#resolved,
      isChanged: this.#isChanged,
      toSave: this.#toSave,
      wakeAtMs: this.#wakeAtMs,
    };
  }

  #note(before: Instance | undefined, after: Instance | undefined): void {
    const was = before?.phase;
    const is = after?.phase;
    if (was === is || was?.kind === is?.kind) return;
    this.#isChanged = true;
    const fingerprint = before?.fingerprint ?? after?.fingerprint;
    if (fingerprint === undefined) return;
    const toSave = after && after.phase.kind !== 'firing' ? after : null;
    if (toSave !== null || (was && was.kind !== 'firing')) this.#toSave.set(fingerprint, toSave);
  }
}

function withPhase(instance: Instance, phase: Instance['phase']): Instance {
  return phase === instance.phase ? instance : { ...instance, phase };
}
