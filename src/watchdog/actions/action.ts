import type { PolicyStep } from '../policies/policy.ts';
import type { FleetActuator } from '../ports.ts';
import { actionId } from '../remediations/remediation-log.ts';
import type { Remediation } from '../remediations/remediation.ts';
import type { ScaleClaims } from './scale-claims.ts';

export interface ActionContext {
  readonly fleet: FleetActuator;
  readonly claims: ScaleClaims;
  /** Of the step's own span. */
  readonly traceparent: string | null;
}

/**
 * Does what a step says. Both actions state what should be, so that doing one again after a crash is harmless.
 * Returns one line for the record.
 * @throws what the fleet refuses
 */
export async function act(
  step: PolicyStep,
  remediation: Remediation,
  context: ActionContext,
): Promise<string> {
  const reason = `${remediation.policy} for alert ${remediation.alert_id}`;
  switch (step.action) {
    case 'restart': {
      const { generation } = await context.fleet.restart({
        agentId: remediation.target_id,
        expectedGeneration: remediation.expected_generation ?? 0,
        reason,
        requestedBy: `watchdog:${remediation.policy}`,
        traceparent: context.traceparent,
      });
      return `generation ${generation} should run`;
    }
    case 'scale': {
      const claimId = actionId(remediation);
      await context.claims.raise(step, { claimId, remediation, reason, traceparent: context.traceparent });
      return `${step.add} more under claim ${claimId}`;
    }
  }
}
