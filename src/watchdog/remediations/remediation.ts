import type { StateTables } from '#storage';
import type { EventPayload } from '#telemetry';
import type { Selectable } from 'kysely';
import { targetText } from '../policies/target.ts';

/** One run of a policy for one alert on one target, as it stands in the database. */
export type Remediation = Selectable<StateTables['remediations']>;
export type RemediationState = Remediation['state'];
export type Outcome = EventPayload<'watchdog.remediation.completed'>['outcome'];

/** How a remediation ends. */
export type Ending = { readonly outcome: Outcome; readonly reason: string } & (
  { readonly state: 'completed' | 'cancelled' } | { readonly state: 'escalated'; readonly guardian: string }
);

const TRANSITIONS: Readonly<Record<RemediationState, readonly RemediationState[]>> = {
  planned: ['awaiting_approval', 'executing', 'completed', 'cancelled'],
  awaiting_approval: ['planned', 'completed', 'cancelled'],
  executing: ['verifying', 'planned', 'completed', 'escalated', 'cancelled'],
  verifying: ['planned', 'completed', 'escalated'],
  completed: [],
  escalated: [],
  cancelled: [],
};

export function mayBecome(from: RemediationState, to: RemediationState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** States in which something is still to be done. */
export const OPEN_STATES = ['planned', 'awaiting_approval', 'executing', 'verifying'] as const;
/** States that exclude others from the target. */
export const BUSY_STATES = ['executing', 'verifying'] as const;

/** The id of the present step's action: that of the claim, too, where it raises one. */
export function actionId(remediation: Pick<Remediation, 'id' | 'step'>): string {
  return `${remediation.id}-${remediation.step + 1}`;
}

export function remediationRef(
  remediation: Remediation,
): EventPayload<'watchdog.remediation.started'> extends infer Ref ? Omit<Ref, 'step'> : never {
  return {
    remediation_id: remediation.id,
    policy: remediation.policy,
    alert_id: remediation.alert_id,
    target: targetText({ kind: remediation.target_kind, id: remediation.target_id }),
  };
}
