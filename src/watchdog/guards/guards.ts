import { formatDuration, formatTime, GUARDS, type AgentStatus, type Guard } from '#telemetry';
import { formatActOn } from '../policies/act-on.ts';
import type { Policy } from '../policies/policy.ts';
import type { AgentFacts } from '../ports.ts';
import type { RateWait } from './repair-rate.ts';
import type { Storm } from './storm.ts';

/** A remediation is held back: by which guard, why, and when it may be lifted (null: by an event, not by time). */
export interface Suppression {
  readonly suppressed: Guard;
  readonly reason: string;
  readonly untilMs: number | null;
}

/** What makes it doubtful that a target is ill, or a person's affair, whatever a policy says. Times are wall ms. */
export interface DoubtInput {
  readonly nowMs: number;
  readonly paused: { readonly by: string; readonly reason: string } | null;
  /** The maintenance that the target is in; null without one. */
  readonly maintenance: {
    readonly target: string;
    readonly by: string;
    readonly reason: string;
    readonly untilMs: number;
  } | null;
  /** That one of the agent's failure domains is in, or the whole fleet. */
  readonly storm: Pick<Storm, 'domain' | 'reason'> | null;
  /** Until when the watchdog distrusts itself. */
  readonly suspectUntilMs: number;
  /** The agent that would be restarted, or has been. */
  readonly agent: AgentFacts | null;
}

/** Everything that a decision rests on. */
export interface GuardInput extends DoubtInput {
  readonly policy: Pick<Policy, 'name' | 'mode' | 'act_on' | 'guards' | 'target'> & PolicySteps;
  /** Whether the target is among those that the policy acts on. */
  readonly isActedOn: boolean;
  /** Why those whose word the alert rests on may not speak for the target; null where they may. */
  readonly unauthorized: string | null;
  /** Another remediation that executes or verifies on the target, or on what contains it. */
  readonly busyWith: string | null;
  /**
   * When this policy last ended a remediation on this target after acting, or began a step of the present one after which the
   * process has ended again.
   */
  readonly coolsFromMs: number | null;
  /** How often the lineage has tried, earlier steps of this remediation included. */
  readonly attempts: number;
  /** The policy's cooldown, as it has grown with the attempts of the lineage. */
  readonly cooldownMs: number;
  readonly running: number;
  /** The start that has to leave the policy's window before another may begin; null where there is room. */
  readonly budgetStartMs: number | null;
  /** The failure domain of the target that has no token for a repair of what is certainly ill; null where all have. */
  readonly rateWait: RateWait | null;
  /** Until when a generation that somebody else has started is given time to take effect. */
  readonly newGenerationUntilMs: number | null;
}

/** When it is asked again whose word an alert rests on: rules, grants and series may have changed. */
const AUTHORITY_LOOK_EVERY_MS = 30_000;

type GuardCheck = (input: GuardInput) => Suppression | null;

const DOUBTS = {
  paused: ({ paused }) => paused && held('paused', `paused by ${paused.by}: ${paused.reason}`),
  maintenance: maintained,
  self_suspicion: distrusted,
  storm: ({ storm, agent }) =>
    storm && isDoubtful(agent) ? held('storm', `${storm.domain}: ${storm.reason}`) : null,
} satisfies Partial<Record<Guard, (input: DoubtInput) => Suppression | null>>;

/**
 * Guards that say that it is doubtful whether a repair has failed, or that somebody has taken the target in hand. While one
 * of them holds, the guardian is not told that the last step did not help.
 */
export type Doubt = keyof typeof DOUBTS;

export function isDoubt(guard: Guard): guard is Doubt {
  return guard in DOUBTS;
}

const CHECKS: Readonly<Record<Guard, GuardCheck>> = {
  ...DOUBTS,
  observe: onlyObserved,
  not_managed: ({ agent, policy }) =>
    agent && !agent.managed ? held('not_managed', notManagedReason(agent, policy)) : null,
  not_authorized: ({ policy, unauthorized, nowMs }) =>
    policy.mode === 'act' && unauthorized !== null
      ? held('not_authorized', unauthorized, nowMs + AUTHORITY_LOOK_EVERY_MS)
      : null,
  one_per_target: ({ busyWith }) =>
    busyWith === null ? null : held('one_per_target', `${busyWith} is at work on this target`),
  cooldown: coolingDown,
  max_parallel: asManyAsMayRun,
  start_budget: overBudget,
  repair_rate: tooFast,
  target_withdrawn: withdrawn,
  target_healthy: healthy,
  new_generation: comingUp,
  work_in_flight: workInFlight,
};

const WITHDRAWN: ReadonlySet<AgentStatus> = new Set(['QUARANTINED', 'TERMINATED']);
const CERTAIN: ReadonlySet<AgentStatus> = new Set(['FAILED', 'STALLED']);
const HEALTHY: ReadonlySet<AgentStatus> = new Set(['IDLE', 'RUNNING']);

/**
 * Whether an agent is certainly ill: an exit was seen, or its own process shows it. However many they are, it is not
 * the observer who is wrong, and they are repaired at a bounded rate.
 */
export function isCertainlyIll(agent: AgentFacts | null): boolean {
  return agent !== null && CERTAIN.has(agent.status);
}

/** What a policy does, one after the other. */
interface PolicySteps {
  readonly steps: readonly Pick<Policy['steps'][number], 'action'>[];
}

/** Why what a policy says is not tried for an external agent, what that would be, and what it would need. */
export function notManagedReason({ agentId }: Pick<AgentFacts, 'agentId'>, { steps }: PolicySteps): string {
  const actions = [...new Set(steps.map(({ action }) => action))].join(', then ');
  return `cannot restart agent ${agentId}: it is external, Omoi did not start it; would run ${actions} if it ran in a pool`;
}

/** The guard that holds a remediation back, or null when it may go. @param guards those that are asked */
export function decide(input: GuardInput, guards: readonly Guard[] = GUARDS): Suppression | null {
  for (const guard of guards) {
    const suppression = CHECKS[guard](input);
    if (suppression) return suppression;
  }
  return null;
}

/** The first of these guards that makes it doubtful whether a repair has failed; null where none does. */
export function doubt(input: DoubtInput, guards: readonly Doubt[]): Suppression | null {
  for (const guard of guards) {
    const suppression = DOUBTS[guard](input);
    if (suppression) return suppression;
  }
  return null;
}

/** Whether one guard holds, whatever the others say. */
export function ask(guard: Guard, input: GuardInput): Suppression | null {
  return CHECKS[guard](input);
}

/** The machine's clocks have parts of a millisecond, the database's columns have none. */
function held(suppressed: Guard, reason: string, untilMs: number | null = null): Suppression {
  return { suppressed, reason, untilMs: untilMs === null ? null : Math.ceil(untilMs) };
}

function onlyObserved({ policy, isActedOn }: GuardInput): Suppression | null {
  if (policy.mode === 'observe') return held('observe', 'the policy only observes; set its mode to act');
  if (policy.mode !== 'act' || policy.act_on === undefined || isActedOn) return null;
  const limit = formatActOn(policy.act_on);
  return held('observe', `the policy acts on ${limit} of its targets (act_on), and not on this one`);
}

function maintained({ maintenance }: DoubtInput): Suppression | null {
  if (maintenance === null) return null;
  const { target, by, reason, untilMs } = maintenance;
  return held('maintenance', `${target} is under maintenance by ${by}: ${reason}`, untilMs);
}

function asManyAsMayRun({ policy, running, agent }: GuardInput): Suppression | null {
  const { max_parallel: maxParallel } = policy.guards;
  if (isCertainlyIll(agent) || running < maxParallel) return null;
  return held('max_parallel', `${running} of ${maxParallel} remediations of this policy run`);
}

function tooFast({ agent, rateWait, nowMs }: GuardInput): Suppression | null {
  if (!isCertainlyIll(agent) || rateWait === null) return null;
  const { domain, limits, ms } = rateWait;
  const every = formatDuration(Math.max(1, Math.round(limits.refillMs)));
  const reason = `${domain} is repaired ${limits.burst} at once and one more every ${every}, slower after a start of Omoi`;
  return held('repair_rate', reason, nowMs + ms);
}

/** What was seen to end, or is stopped, is no matter of hearing; a pool that is to grow is none either. */
function isDoubtful(agent: AgentFacts | null): boolean {
  return agent !== null && !isCertainlyIll(agent);
}

function distrusted({ suspectUntilMs, nowMs, agent }: DoubtInput): Suppression | null {
  if (suspectUntilMs <= nowMs || !isDoubtful(agent)) return null;
  const reason = 'Omoi itself stalled or lost its database; agents get time to be heard';
  return held('self_suspicion', reason, suspectUntilMs);
}

function coolingDown({ coolsFromMs, cooldownMs, nowMs }: GuardInput): Suppression | null {
  if (coolsFromMs === null) return null;
  const untilMs = coolsFromMs + cooldownMs;
  if (untilMs <= nowMs) return null;
  return held('cooldown', `cooldown of ${formatTime(cooldownMs)} after the last attempt`, untilMs);
}

function overBudget({ policy, budgetStartMs, agent, nowMs }: GuardInput): Suppression | null {
  if (isCertainlyIll(agent)) return null;
  const { max_starts: maxStarts, window } = policy.guards;
  if (budgetStartMs === null || budgetStartMs + window <= nowMs) return null;
  const reason = `${maxStarts} starts in ${formatDuration(window)} are used up`;
  return held('start_budget', reason, budgetStartMs + window);
}

/**
 * Nobody wants it back: a fleet would refuse the order, or start what a person has just stopped. Of an agent that nobody knows
 * any more it is known that it left: it was forgotten long after it had ended.
 */
function withdrawn({ policy, agent }: GuardInput): Suppression | null {
  if (!agent)
    return policy.target.kind === 'agent'
      ? held('target_withdrawn', 'the agent is not known any more: it left long ago')
      : null;
  const { agentId, status, statusReason, leaves } = agent;
  if (WITHDRAWN.has(status)) {
    const how = status === 'TERMINATED' ? 'it ended on purpose' : 'somebody took it out of work';
    return held('target_withdrawn', `agent ${agentId} is ${status} (${statusReason}): ${how}`);
  }
  if (!leaves) return null;
  const reason = `agent ${agentId} was asked to leave: its pool has become smaller, or somebody stopped it`;
  return held('target_withdrawn', reason);
}

/**
 * An alert may be late, or about something else: who has not been given up is not dead. Lifts with the status: only the
 * fleet says that somebody is silent for too long, also of one that is DEGRADED (late, or silent while its work goes on or
 * its processes have still to be looked at), or that has just been released from quarantine. One that beats and says itself
 * that it is not well is not healthy.
 */
function healthy({ policy, agent }: GuardInput): Suppression | null {
  if (!agent || !policy.guards.spare_healthy) return null;
  const leftMs = agent.heartbeatTtlMs - agent.silenceMs;
  if (agent.status === 'DEGRADED' && !(agent.saysUnwell && leftMs > 0)) {
    const silence = formatTime(agent.silenceMs);
    return held(
      'target_healthy',
      `agent ${agent.agentId} is DEGRADED, silent for ${silence}, and not given up: it is late or at work`,
    );
  }
  if (!HEALTHY.has(agent.status)) return null;
  return held(
    'target_healthy',
    `agent ${agent.agentId} is ${agent.status} and was heard ${formatTime(agent.silenceMs)} ago`,
  );
}

/**
 * A generation that has ended, or stands still, needs no more time to show what it can do. One that is being started has
 * all of its `start_within`, however little the policy gives a step: the fleet ends that, by its next status.
 */
function comingUp({ agent, newGenerationUntilMs, nowMs }: GuardInput): Suppression | null {
  if (agent?.status === 'SPAWNING') {
    return held(
      'new_generation',
      `generation ${agent.generation} is being started, and has not registered yet`,
    );
  }
  if (newGenerationUntilMs === null || newGenerationUntilMs <= nowMs || isCertainlyIll(agent)) return null;
  const reason = `generation ${agent?.generation} was started meanwhile and gets time to take effect`;
  return held('new_generation', reason, newGenerationUntilMs);
}

/**
 * Silence is not death: work seen after the last heartbeat gives the agent one more TTL to be heard. What has ended, or
 * stands still, has no work that goes on.
 */
function workInFlight({ agent, nowMs }: GuardInput): Suppression | null {
  if (!agent || !isDoubtful(agent)) return null;
  if (agent.workAfterBeatMs === null || agent.workAfterBeatMs >= agent.heartbeatTtlMs) return null;
  const untilMs = nowMs + agent.heartbeatTtlMs - agent.workAfterBeatMs;
  return held('work_in_flight', `agent ${agent.agentId} is silent, but its work goes on`, untilMs);
}
