import { OmoiError } from '#telemetry';
import { causeOf } from '../remediations/remediation.ts';
import { defineAction, type ActionContext, type Done } from './action.ts';

/** "The generation after the one that the step found should run." */
export const restart = defineAction({
  name: 'restart',
  target: 'agent',
  keys: {},
  async act(_step, context) {
    const { fleet, remediation, traceparent } = context;
    const { generation } = await fleet.restart({
      agentId: remediation.target_id,
      expectedGeneration: expectedGeneration(context),
      reason: causeOf(remediation),
      requestedBy: `watchdog:${remediation.policy}`,
      traceparent,
    });
    return restarted(generation);
  },
  async findDone(_step, context) {
    const generation = context.fleet.agent(context.remediation.target_id)?.generation ?? 0;
    return generation > expectedGeneration(context) ? restarted(generation) : null;
  },
  view: () => ({}),
});

function restarted(generation: number): Done {
  return { detail: `generation ${generation} should run`, generation };
}

function expectedGeneration({ action, remediation }: ActionContext): number {
  if (action.expected_generation !== null) return action.expected_generation;
  throw new OmoiError('unknown_agent', `agent ${remediation.target_id} was unknown when the step started`);
}
