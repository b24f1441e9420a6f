import type { StateTransaction } from '#storage';
import { BUSY_STATES, type Remediation } from './remediation.ts';

/** What the guards need to know of other remediations. Times are wall ms. */
export interface Standing {
  /** One that executes or verifies on the same target, or on what contains it or is contained. */
  readonly busyWith: string | null;
  /** When the same policy last ended a remediation on the same target after acting. */
  readonly lastEndedAtMs: number | null;
  /** How many others of the policy execute or verify. */
  readonly running: number;
  /** When steps of the policy started since then, oldest first. */
  readonly startsMs: readonly number[];
}

/** @param sinceMs from when on starts are counted, wall ms */
export async function readStanding(
  tx: StateTransaction,
  remediation: Remediation,
  sinceMs: number,
): Promise<Standing> {
  const busy = await tx.db
    .selectFrom('remediations')
    .select(['id', 'policy', 'target_kind', 'target_id', 'pool_id'])
    .where('state', 'in', BUSY_STATES)
    .execute();
  const others = busy.filter((other) => other.id !== remediation.id);
  const last = await tx.db
    .selectFrom('remediations')
    .select((select) => select.fn.max('ended_at_ms').as('at'))
    .where('policy', '=', remediation.policy)
    .where('target_kind', '=', remediation.target_kind)
    .where('target_id', '=', remediation.target_id)
    .where('id', '!=', remediation.id)
    .where('step_started_at_ms', 'is not', null)
    .executeTakeFirst();
  const starts = await tx.db
    .selectFrom('watchdog_actions')
    .innerJoin('remediations', 'remediations.id', 'watchdog_actions.remediation_id')
    .select('watchdog_actions.intended_at_ms')
    .where('remediations.policy', '=', remediation.policy)
    .where('watchdog_actions.intended_at_ms', '>', sinceMs)
    .orderBy('watchdog_actions.intended_at_ms')
    .execute();
  return {
    busyWith: others.find((other) => sharesTarget(other, remediation))?.id ?? null,
    lastEndedAtMs: last?.at ?? null,
    running: others.filter((other) => other.policy === remediation.policy).length,
    startsMs: starts.map((start) => start.intended_at_ms),
  };
}

type TargetColumns = Pick<Remediation, 'target_kind' | 'target_id' | 'pool_id'>;

/** The same target, or a pool and one of its agents. Two agents of one pool do not exclude each other. */
function sharesTarget(a: TargetColumns, b: TargetColumns): boolean {
  if (a.target_kind === b.target_kind) return a.target_id === b.target_id;
  return a.pool_id !== null && a.pool_id === b.pool_id;
}
