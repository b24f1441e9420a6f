import { PreparedInsert, type StateTransaction } from '#storage';
import type { Moment } from '#telemetry';
import type { Policy } from '../policies/policy.ts';
import { writePlan } from '../policies/remediation-plan.ts';
import type { Target } from '../policies/target.ts';
import type { AlertFacts } from '../ports.ts';
import type { Remediation } from './remediation.ts';

/** A policy's answer to an alert on one target. */
export interface WantedRemediation {
  readonly policy: Policy;
  readonly alert: AlertFacts;
  readonly target: Target;
}

const INSERT_ONCE = new PreparedInsert<Remediation, { id: string }>((db, rows) =>
  db
    .insertInto('remediations')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['policy', 'alert_id', 'target_kind', 'target_id']).doNothing(),
    )
    .returning('id'),
);

/** Writes those that are not there yet, once for each policy, alert and target. @returns these */
export async function insertPlanned(
  tx: StateTransaction,
  planned: readonly Remediation[],
): Promise<readonly Remediation[]> {
  const inserted = new Set((await INSERT_ONCE.rows(tx, planned)).map(({ id }) => id));
  return planned.filter(({ id }) => inserted.has(id));
}

export function plannedRemediation(
  { policy, alert, target }: WantedRemediation,
  now: Moment,
  id: string,
): Remediation {
  const { wallMs: nowMs } = now;
  const isAgent = target.kind === 'agent';
  return {
    id,
    policy: policy.name,
    alert_id: alert.alertId,
    rule_id: alert.ruleId,
    target_kind: target.kind,
    target_id: target.id,
    pool_id: target.poolId,
    state: 'planned',
    plan: writePlan(policy),
    step: 0,
    outcome: null,
    generation: isAgent ? target.generation : null,
    generation_since_ms: isAgent && target.spawning ? nowMs : null,
    value_before: null,
    planned_at_ms: nowMs,
    step_started_at_ms: null,
    verify_until_ms: null,
    ended_at_ms: null,
    approved_by: null,
    reason: null,
    traceparent: alert.traceparent,
    attempts: 0,
    lineage_order: 0,
    certain: 0,
    evidence: null,
    last_output: null,
    given_up_as: null,
    updated_at_ms: nowMs,
    boot_ms: Math.trunc(now.bootMs),
    boot_id: now.bootId,
  };
}
