import { formatTime, type Guard } from '#telemetry';
import type { Withheld } from '#watchdog';
import { GUARD_RELIEF } from '../watchdog/guard-relief.ts';
import type { WhyAnswer } from './why-schemas.ts';

type Known = Pick<WhyAnswer, 'agent' | 'alerts' | 'remediations' | 'parked_tasks' | 'verdict'>;
type Remediation = WhyAnswer['remediations'][number];

/** What keeps the policies for what fires from a repair of the agent. */
export interface WithheldRepairs {
  readonly withheld: readonly Withheld[];
  /** Repairs of what fires that are of something else: of its pool. */
  readonly elsewhere: readonly Pick<Remediation, 'policy' | 'target' | 'state' | 'outcome'>[];
  readonly nowMs: number;
}

/**
 * Why something fires about an agent and no repair of it is known: what holds each policy back, and how that lifts. Null where
 * one is, where nothing fires, and where nothing stands in the way.
 */
export function noRepairBecause(
  { alerts, remediations }: Pick<WhyAnswer, 'alerts' | 'remediations'>,
  { withheld, elsewhere, nowMs }: WithheldRepairs,
): string | null {
  if (alerts.length === 0 || isRepaired({ alerts, remediations })) return null;
  if (alerts.every(({ policies }) => policies.length === 0)) return 'no policy is for what fires';
  const said = [
    ...elsewhere.map(({ policy, target, state, outcome }) => {
      const how = (outcome === null || outcome === state ? state : `${state}, ${outcome}`).replaceAll(
        '_',
        ' ',
      );
      return `${policy} acts on ${target.kind} ${target.id}: ${how}`;
    }),
    ...withheld.map((one) => withheldText(one, nowMs)),
  ];
  return said.length === 0 ? null : [...new Set(said)].join('; and ');
}

/** Whether a repair is known of what fires now; one of before says nothing about it. */
export function isRepaired({ alerts, remediations }: Pick<WhyAnswer, 'alerts' | 'remediations'>): boolean {
  const firing = new Set(alerts.map(({ id }) => id));
  return remediations.some(({ alert_id: id }) => firing.has(id));
}

/** `restart held back by the guard paused: paused by ann: a look (lifts when somebody resumes)` */
function withheldText({ policy, guard, reason, untilMs }: Withheld, nowMs: number): string {
  if (guard === null) return `${policy} not planned: ${reason}`;
  const lifts =
    untilMs === null ? GUARD_RELIEF[guard].lifts : `in ${formatTime(Math.max(0, untilMs - nowMs))}`;
  return `${policy} held back by the guard ${guard}: ${reason} (lifts ${lifts})`;
}

/**
 * What a person can do for an agent; empty where nothing is to be done.
 * @param withheld what keeps policies from a repair
 */
export function adviceFor(
  { agent, alerts, remediations, parked_tasks: parked, verdict }: Known,
  withheld: readonly Withheld[] = [],
): string[] {
  const { agent_id: agentId } = agent;
  const advice: string[] = [];
  for (const { id, policy, state, suppressions } of remediations) {
    if (state === 'awaiting_approval') {
      advice.push(`${policy} waits for a yes or no: omoi approve ${id}, or omoi remediations reject ${id}`);
    }
    for (const { holds, guard, person } of suppressions) {
      if (holds && person !== null) advice.push(holdText(guard, policy, person));
    }
  }
  for (const { policy, guard } of withheld) {
    // What can be done for an agent that Omoi did not start is said below, of each that is ill.
    if (guard === null || guard === 'not_managed') continue;
    const { person } = GUARD_RELIEF[guard];
    if (person !== null) advice.push(holdText(guard, policy, person));
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

function holdText(guard: Guard, policy: string, person: string): string {
  return `the guard ${guard} holds ${policy} back: you can ${person}`;
}
