import type { PolicyStep } from '../actions/actions.ts';
import type { StepOrder } from '../actions/step-order.ts';
import type { Suppression } from '../guards/guards.ts';
import { readPlan, type RemediationPlan } from '../policies/remediation-plan.ts';
import type { AlertFacts } from '../ports.ts';
import type { Remediation } from './remediation.ts';

/** What follows from one transition; the remediation as it stands after it. */
export type Next =
  | { readonly kind: 'again'; readonly remediation: Remediation }
  /** Until an event or, where a time is given, until it has passed. */
  | {
      readonly kind: 'wait';
      readonly remediation: Remediation;
      readonly waitMs: number | null;
      /** The guard that holds it back; null where it waits for something else. */
      readonly heldBy: RecordedSuppression | null;
    }
  | { readonly kind: 'order'; readonly remediation: Remediation; readonly order: StepOrder }
  /** Null where the row is gone. */
  | { readonly kind: 'ended'; readonly remediation: Remediation | null };

/** What a guard's row says of a remediation, and since when. */
export interface RecordedSuppression extends Suppression {
  /** Wall ms. */
  readonly recordedAtMs: number;
}

export function again(remediation: Remediation): Next {
  return { kind: 'again', remediation };
}

/** Waits for an event or, where a time is given, until it has passed. */
export function wait(remediation: Remediation, waitMs: number | null): Next {
  return { kind: 'wait', remediation, waitMs, heldBy: null };
}

export function isOver(
  alert: AlertFacts | null,
): alert is null | (AlertFacts & { readonly state: 'resolved' }) {
  return alert === null || alert.state === 'resolved';
}

/** What a remediation's plan says of it, and the step that it is at; the last one is repeated where it was not to blame. */
export function planOf(remediation: Remediation): RemediationPlan & { readonly step: PolicyStep } {
  const plan = readPlan(remediation.plan);
  const step = plan.steps[remediation.step] ?? plan.steps.at(-1);
  if (!step) throw new Error(`the plan of remediation ${remediation.id} has no steps`);
  return { ...plan, step };
}
