import { OmoiError } from '#telemetry';
import type { PolicyStep } from '../policies/policy.ts';
import type { FleetActuator } from '../ports.ts';
import type { Remediation } from '../remediations/remediation.ts';
import type { ActionRow } from './action-rows.ts';
import type { ScaleClaims } from './scale-claims.ts';

export interface ActionContext {
  readonly fleet: FleetActuator;
  readonly claims: ScaleClaims;
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

/**
 * Does what a step says. Both actions state what should be, so that doing one again is harmless.
 * @throws what the fleet refuses
 */
export async function act(step: PolicyStep, context: ActionContext): Promise<Done> {
  const { fleet, claims, remediation, action, traceparent } = context;
  const reason = `${remediation.policy} for alert ${remediation.alert_id}`;
  switch (step.action) {
    case 'restart': {
      const { generation } = await fleet.restart({
        agentId: remediation.target_id,
        expectedGeneration: expectedGenerationOf(action, remediation),
        reason,
        requestedBy: `watchdog:${remediation.policy}`,
        traceparent,
      });
      return restarted(generation);
    }
    case 'scale':
      await claims.raise(step, { claimId: action.id, remediation, reason, traceparent });
      return { detail: `${step.add} more under claim ${action.id}`, generation: null };
  }
}

/**
 * Whether what a step says is so already: an earlier attempt whose answer was lost may have done it. Null where it
 * is not.
 */
export async function findDone(step: PolicyStep, context: ActionContext): Promise<Done | null> {
  const { fleet, claims, remediation, action } = context;
  switch (step.action) {
    case 'restart': {
      const generation = fleet.agent(remediation.target_id)?.generation ?? 0;
      return generation > expectedGenerationOf(action, remediation) ? restarted(generation) : null;
    }
    case 'scale': {
      const held = await claims.takeUp(step, { claimId: action.id, remediation });
      return held ? { detail: `${step.add} more under claim ${action.id}`, generation: null } : null;
    }
  }
}

function restarted(generation: number): Done {
  return { detail: `generation ${generation} should run`, generation };
}

function expectedGenerationOf(action: ActionRow, remediation: Remediation): number {
  if (action.expected_generation !== null) return action.expected_generation;
  throw new OmoiError('unknown_agent', `agent ${remediation.target_id} was unknown when the step started`);
}
