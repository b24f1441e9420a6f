import type { StateTables } from '#storage';
import {
  OPEN_REMEDIATION_STATES,
  type EventPayload,
  type OpenRemediationState,
  type RemediationOutcome,
  type RemediationState,
} from '#telemetry';
import type { Selectable } from 'kysely';
import { targetText } from '../policies/target.ts';

/** One run of a policy for one alert on one target, as it stands in the database. */
export type Remediation = Selectable<StateTables['remediations']>;

/** How a remediation ends. */
export type Ending = {
  readonly outcome: RemediationOutcome;
  readonly reason: string;
  /** The end of what the process put out that did not come up. */
  readonly lastOutput?: string | null;
} & (
  | { readonly state: 'completed' | 'cancelled' }
  | { readonly state: 'escalated'; readonly guardian: string }
);

const TRANSITIONS: Readonly<Record<RemediationState, readonly RemediationState[]>> = {
  planned: ['awaiting_approval', 'executing', 'completed', 'escalated', 'cancelled'],
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

/** Whether something is still to be done in this state. */
export function isOpenState(state: RemediationState): state is OpenRemediationState {
  return OPEN_STATES.has(state);
}

const OPEN_STATES: ReadonlySet<string> = new Set(OPEN_REMEDIATION_STATES);

/** Whether a remediation excludes others from its target. */
export function isBusy({ state }: Pick<Remediation, 'state'>): boolean {
  return state === 'executing' || state === 'verifying';
}

/** `agent:w-1` */
export function targetOf(remediation: Pick<Remediation, 'target_kind' | 'target_id'>): string {
  return targetText({ kind: remediation.target_kind, id: remediation.target_id });
}

/** `restart_stalled_agent for AgentStalled`: who asks for what is done, in words; the target is said beside it. */
export function causeOf({ policy, rule_id: ruleId }: Pick<Remediation, 'policy' | 'rule_id'>): string {
  return `${policy} for ${alertNameOf(ruleId)}`;
}

/** The name of a rule whose id is `group/name`. */
export function alertNameOf(ruleId: string): string {
  return ruleId.slice(ruleId.indexOf('/') + 1);
}

/** The id of the present step's action: that of the scale override, too, where it raises one. */
export function actionId(remediation: Pick<Remediation, 'id' | 'step'>): string {
  return `${remediation.id}-${remediation.step + 1}`;
}

export function remediationRef(
  remediation: Remediation,
): Omit<EventPayload<'watchdog.remediation.started'>, 'step'> {
  return {
    remediation_id: remediation.id,
    policy: remediation.policy,
    alert_id: remediation.alert_id,
    target: targetOf(remediation),
  };
}
