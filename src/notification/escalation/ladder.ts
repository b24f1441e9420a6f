import type { Escalation, EscalationStep } from '../configuration/omoi-settings.ts';

/** Where an alert stands on a ladder: the step that comes next, and how often all have been gone through. */
export interface Rung {
  readonly step: number;
  readonly round: number;
}

/** A ladder whose last step comes at once is gone through again no faster. */
const minRoundMs = 60_000;

/** When a step is due, wall ms. */
export function dueAtMs(escalation: Escalation, beganAtMs: number, { step, round }: Rung): number {
  const roundMs = Math.max(escalation.steps.at(-1)?.afterMs ?? 0, minRoundMs);
  return beganAtMs + round * roundMs + stepOf(escalation, step).afterMs;
}

/**
 * When the next step is due after one that is taken now, wall ms. Who was told late, since Omoi was down or the step had to
 * wait, gets the time until the next one all the same: otherwise whole ladders are climbed at once.
 */
export function dueAfterMs(
  escalation: Escalation,
  {
    beganAtMs,
    taken,
    next,
    nowMs,
  }: { readonly beganAtMs: number; readonly taken: Rung; readonly next: Rung; readonly nowMs: number },
): number {
  const lateMs = Math.max(0, nowMs - dueAtMs(escalation, beganAtMs, taken));
  return dueAtMs(escalation, beganAtMs, next) + lateMs;
}

/** The rung above; null at the end of the last round. */
export function rungAfter({ steps, repeats }: Escalation, { step, round }: Rung): Rung | null {
  if (step + 1 < steps.length) return { step: step + 1, round };
  return round < repeats ? { step: 0, round: round + 1 } : null;
}

/** The rung below; null at the bottom of the first round. */
export function rungBefore({ steps }: Escalation, { step, round }: Rung): Rung | null {
  if (step > 0) return { step: step - 1, round };
  return round > 0 ? { step: steps.length - 1, round: round - 1 } : null;
}

/** The severity to which an alert was raised by the time of a step; null where none has raised it. */
export function severityAt({ steps }: Escalation, { step, round }: Rung): string | null {
  const passed = steps.slice(0, step + 1).findLast(({ severity }) => severity !== null);
  if (passed || round === 0) return passed?.severity ?? null;
  return steps.findLast(({ severity }) => severity !== null)?.severity ?? null;
}

/** One of a configuration that has become shorter since counts as its last. */
export function stepOf({ steps }: Escalation, step: number): EscalationStep {
  const found = steps[step] ?? steps.at(-1);
  if (!found) throw new Error('an escalation has at least one step');
  return found;
}
