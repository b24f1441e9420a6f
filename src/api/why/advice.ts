import type { WhyAnswer } from './why-schemas.ts';

type Known = Pick<WhyAnswer, 'agent' | 'alerts' | 'remediations' | 'parked_tasks' | 'verdict'>;

/**
 * Why something fires about an agent and no repair of it is known; null where one is, where nothing fires, and where nothing
 * stands in the way.
 */
export function noRepairBecause({
  agent,
  alerts,
  remediations,
}: Pick<WhyAnswer, 'agent' | 'alerts' | 'remediations'>): string | null {
  if (remediations.length > 0 || alerts.length === 0) return null;
  const policies = [...new Set(alerts.flatMap((alert) => alert.policies.map(({ policy }) => policy)))];
  if (policies.length === 0) return 'no policy is for what fires';
  const named = policies.join(', ');
  if (!agent.managed) return `${named} held back by the guard not_managed: Omoi did not start it`;
  return null;
}

/** What a person can do for an agent; empty where nothing is to be done. */
export function adviceFor({ agent, alerts, remediations, parked_tasks: parked, verdict }: Known): string[] {
  const { agent_id: agentId } = agent;
  const advice: string[] = [];
  for (const { id, policy, state, suppressions } of remediations) {
    if (state === 'awaiting_approval') {
      advice.push(`${policy} waits for a yes or no: omoi approve ${id}, or omoi remediations reject ${id}`);
    }
    for (const { holds, guard, person } of suppressions) {
      if (holds && person !== null) advice.push(`the guard ${guard} holds ${policy} back: you can ${person}`);
    }
  }
  const firing = new Set(alerts.map(({ id }) => id));
  const given = remediations.find(({ state, alert_id: id }) => state === 'escalated' && firing.has(id));
  if (given) {
    const { policy, guardian, attempts, max_attempts: maxAttempts } = given;
    // A return after the last attempt is given up without one of its own.
    const tried = attempts === 0 ? maxAttempts : attempts;
    advice.push(
      `${policy} has given it to ${guardian} after ${tried} ${tried === 1 ? 'attempt' : 'attempts'} and tries no more: read its last output, mend the cause, then omoi restart ${agentId}`,
    );
  }
  if (alerts.length > 0 && alerts.every(({ policies }) => policies.length === 0)) {
    advice.push('no policy is for what fires: nothing is done about it unless a person does it');
  }
  if (agent.status === 'QUARANTINED') advice.push(`give it work again: omoi agents release ${agentId}`);
  if (agent.status === 'DEGRADED' && agent.status_reason === 'clings_to_lost_task') {
    advice.push(
      `have its handlers end when their tasks are taken from them (signal); what it works on now ends with: omoi restart ${agentId}`,
    );
  }
  if (!agent.managed && verdict === 'ill') {
    advice.push(`restart it where it was started, or forget it: omoi agents forget ${agentId}`);
  }
  for (const { task_id: id } of parked) advice.push(`omoi tasks retry ${id}, or omoi tasks cancel ${id}`);
  return [...new Set(advice)];
}
