import type { StateTransaction } from '#storage';
import { elapsedMs, wallTimeOf, type Moment, type RemediationOutcome } from '#telemetry';
import { placeOf } from '../policies/act-on.ts';
import type { Policy } from '../policies/policy.ts';
import type { Remediation } from './remediation.ts';

const maxDoublings = 64;

/** The last remediation of a lineage (one policy on one target) that acted and has ended. */
export interface LastEnd {
  readonly id: string;
  readonly alertId: string;
  readonly outcome: RemediationOutcome | null;
  readonly reason: string | null;
  readonly lastOutput: string | null;
  /** Its place among those of the lineage that acted. */
  readonly order: number;
  /** How often the lineage had tried by then. */
  readonly attempts: number;
  /** How long ago it ended, ms; by the boot clock within one boot. */
  readonly agoMs: number;
  /** When that was, on the present wall clock. */
  readonly endedAtMs: number;
  readonly durationMs: number;
}

/** Null where the policy never acted on the target but for ends that a task explains, which are no attempts. */
export async function readLastEnd(
  tx: StateTransaction,
  { policy, target_kind: kind, target_id: id }: Remediation,
  now: Moment,
): Promise<LastEnd | null> {
  const row = await tx.db
    .selectFrom('remediations')
    .select(['id', 'alert_id', 'outcome', 'reason', 'last_output', 'attempts'])
    .select(['lineage_order', 'planned_at_ms', 'ended_at_ms', 'boot_ms', 'boot_id'])
    .where('policy', '=', policy)
    .where('target_kind', '=', kind)
    .where('target_id', '=', id)
    .where('step_started_at_ms', 'is not', null)
    .where('attempts', '>', 0)
    .where('ended_at_ms', 'is not', null)
    .orderBy('lineage_order', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row || row.ended_at_ms === null) return null;
  const start = { wallMs: row.ended_at_ms, bootMs: row.boot_ms, bootId: row.boot_id };
  return {
    id: row.id,
    alertId: row.alert_id,
    outcome: row.outcome,
    reason: row.reason,
    lastOutput: row.last_output,
    order: row.lineage_order,
    attempts: row.attempts,
    agoMs: elapsedMs(start, now),
    endedAtMs: wallTimeOf(start, now),
    durationMs: row.ended_at_ms - row.planned_at_ms,
  };
}

/**
 * The last end where the alert of a remediation is a return of it: it was planned within the policy's relapse window. What
 * a person had ended is over.
 */
export function relapseOf(
  remediation: Remediation,
  last: LastEnd | null,
  { policy, now }: { readonly policy: Pick<Policy, 'relapse_window'>; readonly now: Moment },
): LastEnd | null {
  if (!last || last.outcome === 'cancelled') return null;
  const returnedAfterMs = last.agoMs - sinceOf(remediation, remediation.planned_at_ms, now);
  return returnedAfterMs <= policy.relapse_window ? last : null;
}

/** One policy on one target. */
export function lineageOf({ policy, target_kind: kind, target_id: id }: Remediation): string {
  return `${policy} ${kind}:${id}`;
}

/** The part of a cooldown that differs between lineages: what failed together does not come back together. */
const JITTER_SHARE = 0.2;

/**
 * How long a policy leaves a target alone after a remediation: twice as long with each attempt of the lineage, up to its
 * relapse window, so that who comes back again and again is left alone longer. Up to a quarter of it is jitter, which follows
 * from lineage and attempt: it is the same whenever it is asked for, and after a restart of the server. It is never less
 * than the policy's cooldown, nor, where that is shorter, more than the window.
 */
export function cooldownMsOf(
  { guards, relapse_window: windowMs }: Pick<Policy, 'guards' | 'relapse_window'>,
  attempts: number,
  lineage: string,
): number {
  // Doubled so often one millisecond is longer than any window, and none is still none: 0 × ∞ would hold for ever.
  const grownMs = guards.cooldown * 2 ** Math.min(Math.max(0, attempts - 1), maxDoublings);
  const longestMs = Math.min(grownMs / (1 - JITTER_SHARE), windowMs);
  const spreadMs = longestMs * JITTER_SHARE * placeOf(`${lineage} ${attempts}`);
  return Math.max(guards.cooldown, Math.round(longestMs * (1 - JITTER_SHARE) + spreadMs));
}

/** How long ago a time of a remediation's row was, ms: by the boot clock since the row changed, by wall time before. */
export function sinceOf(remediation: Remediation, atMs: number, now: Moment): number {
  const { updated_at_ms: wallMs, boot_ms: bootMs, boot_id: bootId } = remediation;
  return elapsedMs({ wallMs, bootMs, bootId }, now) + Math.max(0, wallMs - atMs);
}
