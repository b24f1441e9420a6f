import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import { elapsedMs, type Guard, type Moment } from '#telemetry';
import type { Selectable } from 'kysely';
import { actionId, type Remediation } from '../remediations/remediation.ts';

/** What a guard saw that let a step begin. */
export interface PassedGuard {
  readonly guard: Guard;
  readonly saw: string;
}

/** A step's intent, and what became of it. */
export type ActionRow = Selectable<StateTables['watchdog_actions']>;

/** Writes down what is about to be ordered, before it is; its first attempt is counted. */
export async function insertIntent(
  tx: StateTransaction,
  remediation: Remediation,
  intent: {
    readonly step: { readonly action: string };
    readonly expectedGeneration: number | null;
    readonly passed: readonly PassedGuard[];
    readonly now: Moment;
  },
): Promise<ActionRow> {
  const action: ActionRow = {
    id: actionId(remediation),
    remediation_id: remediation.id,
    step: remediation.step,
    action: intent.step.action,
    params: JSON.stringify(intent.step),
    certain: remediation.certain,
    expected_generation: intent.expectedGeneration,
    intended_at_ms: tx.nowMs,
    boot_ms: Math.trunc(intent.now.bootMs),
    boot_id: intent.now.bootId,
    attempts: 1,
    next_attempt_at_ms: null,
    finished_at_ms: null,
    result: null,
    detail: null,
    passed_guards: JSON.stringify(intent.passed),
  };
  await tx.db.insertInto('watchdog_actions').values(action).execute();
  return action;
}

/** What the guards saw when the step began; empty where that was not kept. */
export function passedGuardsOf({ passed_guards: text }: ActionRow): readonly PassedGuard[] {
  // Written by `insertIntent` alone.
  return text === null ? [] : (JSON.parse(text) as readonly PassedGuard[]);
}

/** The intent of a remediation's present step. */
export function readAction(
  db: StateDatabase['reader'],
  remediation: Pick<Remediation, 'id' | 'step'>,
): Promise<ActionRow> {
  return db
    .selectFrom('watchdog_actions')
    .selectAll()
    .where('id', '=', actionId(remediation))
    .executeTakeFirstOrThrow();
}

/** The intent of the step before a remediation's present one; null where it has had none. */
export async function readActionBefore(
  db: StateDatabase['reader'],
  { id, step }: Pick<Remediation, 'id' | 'step'>,
): Promise<ActionRow | null> {
  if (step === 0) return null;
  const before = await db
    .selectFrom('watchdog_actions')
    .selectAll()
    .where('id', '=', actionId({ id, step: step - 1 }))
    .executeTakeFirst();
  return before ?? null;
}

/** How long ago a step's intent was written, ms. */
export function sinceIntentMs(action: ActionRow, now: Moment): number {
  const { intended_at_ms: wallMs, boot_ms: bootMs, boot_id: bootId } = action;
  return elapsedMs({ wallMs, bootMs, bootId }, now);
}

/** Another attempt is about to be ordered. */
export function countAttempt(tx: StateTransaction, action: ActionRow): Promise<ActionRow> {
  return change(tx, action, { attempts: action.attempts + 1, next_attempt_at_ms: null });
}

/** An attempt did not do it; another one follows. */
export function putOff(
  tx: StateTransaction,
  action: ActionRow,
  attempt: { readonly result: 'unknown' | null; readonly detail: string; readonly nextAttemptAtMs: number },
): Promise<ActionRow> {
  const { result, detail, nextAttemptAtMs } = attempt;
  return change(tx, action, { result, detail, next_attempt_at_ms: nextAttemptAtMs });
}

export function finishAction(
  tx: StateTransaction,
  action: ActionRow,
  end: { readonly result: NonNullable<ActionRow['result']>; readonly detail: string },
): Promise<ActionRow> {
  return change(tx, action, { ...end, next_attempt_at_ms: null, finished_at_ms: tx.nowMs });
}

async function change(
  tx: StateTransaction,
  action: ActionRow,
  changed: Partial<ActionRow>,
): Promise<ActionRow> {
  await tx.db.updateTable('watchdog_actions').set(changed).where('id', '=', action.id).execute();
  return { ...action, ...changed };
}
