import { durationText } from '#telemetry';
import { z } from 'zod';
import type { ActionContext, ActionKind, Done, StepView } from './action.ts';
import { restart } from './restart.ts';
import { scale } from './scale/scale.ts';

/** Everything that a policy may have done: an action that stands here is known to policies, runner and API. */
const ACTIONS = { restart, scale } as const;

const DAY_MS = 86_400_000;
const TOO_LONG =
  'holds its target for longer than a day, in which nobody else may repair it; give at most 1d';

/** What has to be true for a step to have worked: see `verdict.ts`. */
const verify = z
  .strictObject({
    /** How long the target has to be well again, and the alert to resolve. */
    within: durationText
      .refine((withinMs) => withinMs > 0, 'nothing is well again in no time; give at least 1s')
      .refine((withinMs) => withinMs <= DAY_MS, TOO_LONG)
      .prefault('1m'),
    /** How long a restarted agent has to stay well. */
    healthy_for: durationText.refine((ms) => ms <= DAY_MS, TOO_LONG).optional(),
  })
  .prefault({});

function stepSchema<Name extends string, Keys extends z.ZodRawShape>({ name, keys }: ActionKind<Name, Keys>) {
  return z.strictObject({ action: z.literal(name), ...keys, verify });
}

/** One step of a policy. */
export const policyStepSchema = z.discriminatedUnion('action', [stepSchema(restart), stepSchema(scale)]);

export type PolicyStep = z.output<typeof policyStepSchema>;

/** An action as whoever has a step of any kind sees it. */
interface AnyAction {
  readonly target: ActionKind<string, z.ZodRawShape>['target'];
  act(step: PolicyStep, context: ActionContext): Promise<Done>;
  findDone(step: PolicyStep, context: ActionContext): Promise<Done | null>;
  view(step: PolicyStep): StepView;
}

/** The action of a step. */
export function actionOf(step: PolicyStep): AnyAction {
  // A step's keys are those of the action that it names: its schema has seen to it.
  return ACTIONS[step.action] as AnyAction;
}
