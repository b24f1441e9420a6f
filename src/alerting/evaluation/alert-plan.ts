import { METRIC_NAME_LABEL, withoutLabels, type Labels } from '#telemetry';
import { fingerprintOf } from '../fingerprint.ts';
import type { Instance } from '../lifecycle/instance.ts';
import {
  transition,
  type Observation,
  type ResolutionCause,
  type Transition,
  type TransitionTimes,
} from '../lifecycle/transition.ts';
import type { AlertElement } from './alert-elements.ts';
import { causeAtFiring, causeOf, type EvaluationTrace } from './rule-trace.ts';
import type { VectorElement } from './rule-query.ts';

/** What an evaluation means for a rule's label sets; nothing of it has happened yet. */
export interface AlertPlan {
  /** The label sets that are not inactive afterwards; of those that fire, `alertId` is still null. */
  readonly next: ReadonlyMap<string, Instance>;
  readonly fired: readonly { readonly instance: Instance; readonly element: VectorElement }[];
  readonly resolved: readonly { readonly instance: Instance; readonly cause: ResolutionCause }[];
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
export function planFromResult(
  instances: ReadonlyMap<string, Instance>,
  { elements, data, holdVanishedUntilMs }: EvaluationResult,
  context: { readonly times: TransitionTimes; readonly trace: EvaluationTrace },
): AlertPlan {
  const plan = new PlanBuilder();
  for (const found of elements.values()) {
    const before = instances.get(found.key);
    const step = transition(before?.phase ?? null, { kind: 'holds' }, context.times);
    if (step.next === null) continue;
    plan.add(instanceFor(found, before, step, context.trace), step, found.element);
  }
  for (const instance of instances.values()) {
    if (elements.has(instance.key)) continue;
    const vanished = data !== null && !data.some((element) => agrees(element.labels, instance.sourceLabels));
    if (vanished && holdVanishedUntilMs !== null) {
      plan.add(instance, { next: instance.phase, event: null, wakeAtMs: holdVanishedUntilMs }, null);
      continue;
    }
    const observation: Observation = { kind: 'misses', cause: vanished ? 'data_vanished' : 'recovered' };
    const step = transition(instance.phase, observation, context.times);
    plan.add(step.next === null ? instance : { ...instance, phase: step.next }, step, null);
  }
  return plan.build();
}

/** The plan of an evaluation that failed, and has done so since `sinceMs`. */
export function planFromFailure(
  instances: ReadonlyMap<string, Instance>,
  sinceMs: number,
  times: TransitionTimes,
): AlertPlan {
  const plan = new PlanBuilder();
  for (const instance of instances.values()) {
    const step = transition(instance.phase, { kind: 'unknown', sinceMs }, times);
    plan.add(step.next === null ? instance : { ...instance, phase: step.next }, step, null);
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

/** Whether no label of the element contradicts the instance; aggregations drop labels, so missing ones agree. */
function agrees(element: Labels, instance: Labels): boolean {
  return Object.entries(instance).every(([name, value]) => (element[name] ?? value) === value);
}

class PlanBuilder {
  readonly #next = new Map<string, Instance>();
  readonly #fired: { instance: Instance; element: VectorElement }[] = [];
  readonly #resolved: { instance: Instance; cause: ResolutionCause }[] = [];
  #wakeAtMs: number | null = null;

  /** @param instance as it is afterwards, or as it was before where it becomes inactive */
  add(instance: Instance, step: Transition, element: VectorElement | null): void {
    if (step.next !== null) this.#next.set(instance.key, instance);
    if (step.event?.kind === 'fired' && element) this.#fired.push({ instance, element });
    if (step.event?.kind === 'resolved') this.#resolved.push({ instance, cause: step.event.cause });
    if (step.wakeAtMs !== null) {
      this.#wakeAtMs = this.#wakeAtMs === null ? step.wakeAtMs : Math.min(this.#wakeAtMs, step.wakeAtMs);
    }
  }

  build(): AlertPlan {
    return { next: this.#next, fired: this.#fired, resolved: this.#resolved, wakeAtMs: this.#wakeAtMs };
  }
}
