import { formatDuration, formatTime, GUARDS, type Guard } from '#telemetry';
import type { PassedGuard } from '../actions/action-rows.ts';
import { formatActOn } from '../policies/act-on.ts';
import { isCertainlyIll, type GuardInput } from './guards.ts';

/** What each guard has to say of a decision in which it does not hold; null where it has nothing to do with the target. */
const SAW: Readonly<Record<Guard, (input: GuardInput) => string | null>> = {
  paused: () => 'nobody has paused the watchdog',
  observe: ({ policy: { mode, act_on: actOn } }) =>
    mode === 'act' && actOn !== undefined
      ? `the policy is in mode act, and the target among the ${formatActOn(actOn)} it acts on`
      : `the policy is in mode ${mode}`,
  not_managed: ({ agent }) => agent && `Omoi runs ${agent.agentId}`,
  not_authorized: ({ policy, unauthorized }) =>
    policy.mode === 'act' && unauthorized === null ? 'who told of it may speak for the target' : null,
  maintenance: () => 'the target is not under maintenance',
  self_suspicion: ofTheSilent(() => 'Omoi has neither stalled nor lost its database'),
  storm: ofTheSilent(({ domains }) => `no storm in ${domains.join(', ')}`),
  one_per_target: () => 'nothing else is at work on the target',
  cooldown: ({ agent, coolsFromMs, nowMs, attempts }) => {
    if (coolsFromMs !== null) return `the last attempt was ${formatTime(nowMs - coolsFromMs)} ago`;
    if (!agent?.blamedTaskId) {
      return attempts === 0
        ? 'the policy had not acted on the target before'
        : 'the step before did not help, and no process has ended since: the next one follows at once';
    }
    return `task ${agent.blamedTaskId} explains why ${agent.agentId} is ill: nothing has to cool down`;
  },
  max_parallel: ({ agent, running, policy }) =>
    isCertainlyIll(agent)
      ? null
      : `${running} of ${policy.guards.max_parallel} remediations of the policy ran`,
  start_budget: ({ agent, policy: { guards } }) =>
    isCertainlyIll(agent)
      ? null
      : `fewer than ${guards.max_starts} steps were started in ${formatDuration(guards.window)}`,
  repair_rate: ({ agent }) =>
    agent && isCertainlyIll(agent) ? `${agent.domains.join(', ')} had a token` : null,
  target_withdrawn: ({ agent }) =>
    agent && `${agent.agentId} is ${agent.status}, and nobody has asked it to leave`,
  target_healthy: ({ agent }) => agent && `${agent.agentId} was silent for ${formatTime(agent.silenceMs)}`,
  new_generation: ({ agent, newGenerationUntilMs, nowMs }) =>
    agent &&
    (newGenerationUntilMs !== null && newGenerationUntilMs > nowMs
      ? `generation ${agent.generation}, which somebody else has started, is ${agent.status} already`
      : `nobody else has just started generation ${agent.generation}`),
  work_in_flight: ofTheSilent(() => 'no work of it was seen since its last heartbeat'),
};

/** What the guards saw of a decision in which none of them holds, in the order in which they are asked. */
export function passedBy(input: GuardInput, guards: readonly Guard[] = GUARDS): readonly PassedGuard[] {
  return guards.flatMap((guard) => {
    const saw = SAW[guard](input);
    return saw === null ? [] : [{ guard, saw }];
  });
}

/** What was seen to end or to stand still is no matter of hearing, and a pool is none either. */
function ofTheSilent(
  saw: (agent: NonNullable<GuardInput['agent']>) => string,
): (input: GuardInput) => string | null {
  return ({ agent }) => (agent && !isCertainlyIll(agent) ? saw(agent) : null);
}
