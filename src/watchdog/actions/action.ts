import type { TargetKind } from '#telemetry';
import type { z } from 'zod';
import type { FleetActuator } from '../ports.ts';
import type { Remediation } from '../remediations/remediation.ts';
import type { ActionRow } from './action-rows.ts';
import type { ScaleOverrides } from './scale/scale-overrides.ts';

/** What an action may use while it is done, or looked for. */
export interface ActionContext {
  readonly fleet: FleetActuator;
  readonly overrides: ScaleOverrides;
  readonly remediation: Remediation;
  /** The recorded intent. */
  readonly action: ActionRow;
  /** Of the step's own span. */
  readonly traceparent: string | null;
}

export interface Done {
  /** One line for the record. */
  readonly detail: string;
  /** The generation of the agent that should run now; null for a pool. */
  readonly generation: number | null;
}

/** What the API shows of a step, beside its action. */
export type StepView = Readonly<Record<string, number | string | boolean>>;

/** What a step may say beside `action` and `verify`. */
type StepKeys = z.ZodRawShape;

/**
 * One thing that a policy may have done. All that is particular to it stands in its file; `actions.ts` lists them.
 * An action states what should be, so that doing it again is harmless.
 */
export interface ActionKind<Name extends string, Keys extends StepKeys> {
  readonly name: Name;
  /** The kind of target that it fits. */
  readonly target: TargetKind;
  /** Its keys in a policy's step. */
  readonly keys: Keys;
  /** Does what a step says. @throws what the fleet refuses */
  act(step: z.output<z.ZodObject<Keys>>, context: ActionContext): Promise<Done>;
  /**
   * Whether what a step says is so already: an earlier attempt whose answer was lost may have done it. Null where it
   * is not.
   */
  findDone(step: z.output<z.ZodObject<Keys>>, context: ActionContext): Promise<Done | null>;
  /** Its keys as the API shows them: durations in ms, with the unit in the name. */
  view(step: z.output<z.ZodObject<Keys>>): StepView;
}

/** Ties the type of an action's step to its keys. */
export function defineAction<Name extends string, Keys extends StepKeys>(
  kind: ActionKind<Name, Keys>,
): ActionKind<Name, Keys> {
  return kind;
}
