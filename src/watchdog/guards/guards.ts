import { formatDuration, type AgentStatus } from '#telemetry';
import type { Policy } from '../policies/policy.ts';
import type { AgentFacts } from '../ports.ts';

export const GUARDS = [
  'paused',
  'observe',
  'self_suspicion',
  'storm',
  'one_per_target',
  'cooldown',
  'max_parallel',
  'start_budget',
  'target_withdrawn',
  'target_healthy',
  'new_generation',
  'work_in_flight',
] as const;
export type Guard = (typeof GUARDS)[number];

/** A remediation is held back: by which guard, why, and when it may be lifted (null: by an event, not by time). */
export interface Suppression {
  readonly suppressed: Guard;
  readonly reason: string;
  readonly untilMs: number | null;
}

/** Everything that a decision rests on. Times are wall ms. */
export interface GuardInput {
  readonly nowMs: number;
  readonly policy: Pick<Policy, 'name' | 'mode' | 'guards'>;
  readonly paused: { readonly by: string; readonly reason: string } | null;
  readonly storm: { readonly reason: string } | null;
  /** Until when the watchdog distrusts itself. */
  readonly suspectUntilMs: number;
  /** Another remediation that executes or verifies on the target, or on what contains it. */
  readonly busyWith: string | null;
  /** When this policy last ended a remediation on this target after acting. */
  readonly lastEndedAtMs: number | null;
  readonly running: number;
  /** When this policy's remediations started within its window, oldest first. */
  readonly startsInWindowMs: readonly number[];
  /** The agent that would be restarted. */
  readonly agent: AgentFacts | null;
  /** Until when a generation that somebody else has started is given time to take effect. */
  readonly newGenerationUntilMs: number | null;
}

type GuardCheck = (input: GuardInput) => Suppression | null;

/** The guards in the order in which they are asked: the first that holds is named. */
const CHECKS: readonly GuardCheck[] = [
  ({ paused }) => paused && held('paused', `paused by ${paused.by}: ${paused.reason}`),
  ({ policy }) =>
    policy.mode === 'observe' ? held('observe', 'the policy only observes; set its mode to act') : null,
  ({ suspectUntilMs, nowMs }) =>
    suspectUntilMs > nowMs
      ? held(
          'self_suspicion',
          'Omoi itself stalled or lost its database; agents get time to be heard',
          suspectUntilMs,
        )
      : null,
  ({ storm }) => storm && held('storm', storm.reason),
  ({ busyWith }) =>
    busyWith === null ? null : held('one_per_target', `${busyWith} is at work on this target`),
  coolingDown,
  ({ policy, running }) =>
    running >= policy.guards.max_parallel
      ? held('max_parallel', `${running} of ${policy.guards.max_parallel} remediations of this policy run`)
      : null,
  overBudget,
  ({ agent }) =>
    agent && WITHDRAWN.has(agent.status)
      ? held('target_withdrawn', `agent ${agent.agentId} is ${agent.status}: somebody took it out of service`)
      : null,
  healthy,
  ({ agent, newGenerationUntilMs, nowMs }) =>
    newGenerationUntilMs !== null && newGenerationUntilMs > nowMs
      ? held(
          'new_generation',
          `generation ${agent?.generation} was started meanwhile and gets time to take effect`,
          newGenerationUntilMs,
        )
      : null,
  workInFlight,
];

const WITHDRAWN: ReadonlySet<AgentStatus> = new Set(['QUARANTINED', 'TERMINATED']);
const HEALTHY: ReadonlySet<AgentStatus> = new Set(['IDLE', 'RUNNING']);

/** The guard that holds a remediation back, or null when it may go. */
export function decide(input: GuardInput): Suppression | null {
  for (const check of CHECKS) {
    const suppression = check(input);
    if (suppression) return suppression;
  }
  return null;
}

function held(suppressed: Guard, reason: string, untilMs: number | null = null): Suppression {
  return { suppressed, reason, untilMs };
}

function coolingDown({ policy, lastEndedAtMs, nowMs }: GuardInput): Suppression | null {
  if (lastEndedAtMs === null) return null;
  const untilMs = lastEndedAtMs + policy.guards.cooldown;
  if (untilMs <= nowMs) return null;
  return held(
    'cooldown',
    `cooldown of ${formatDuration(policy.guards.cooldown)} after the last remediation`,
    untilMs,
  );
}

function overBudget({ policy, startsInWindowMs }: GuardInput): Suppression | null {
  const { max_starts: maxStarts, window } = policy.guards;
  const oldestCounted = startsInWindowMs.at(-maxStarts);
  if (oldestCounted === undefined) return null;
  return held(
    'start_budget',
    `${maxStarts} starts in ${formatDuration(window)} are used up`,
    oldestCounted + window,
  );
}

/** An alert may be late, or about something else: who beats is not dead. Lifts with the status, or when beats end. */
function healthy({ policy, agent, nowMs }: GuardInput): Suppression | null {
  if (!agent || !policy.guards.spare_healthy || !HEALTHY.has(agent.status)) return null;
  const leftMs = agent.heartbeatTtlMs - agent.silenceMs;
  if (leftMs <= 0) return null;
  return held(
    'target_healthy',
    `agent ${agent.agentId} is ${agent.status} and was heard ${formatDuration(agent.silenceMs)} ago`,
    nowMs + leftMs,
  );
}

/** Silence is not death: work seen after the last heartbeat gives the agent one more TTL to be heard. */
function workInFlight({ agent, nowMs }: GuardInput): Suppression | null {
  if (!agent || agent.workSeenAtMs === null || agent.lastHeartbeatAtMs === null) return null;
  if (agent.workSeenAtMs <= agent.lastHeartbeatAtMs) return null;
  const untilMs = agent.workSeenAtMs + agent.heartbeatTtlMs;
  if (untilMs <= nowMs) return null;
  return held('work_in_flight', `agent ${agent.agentId} is silent, but its work goes on`, untilMs);
}
