import { AGENT_STATUSES, type AgentStatus } from '#telemetry';

/** Which status may follow which. SPAWNING follows where a new generation shall run. */
const FOLLOWERS: Readonly<Record<AgentStatus, readonly AgentStatus[]>> = {
  SPAWNING: ['IDLE', 'STALLED', 'UNRESPONSIVE', 'QUARANTINED', 'FAILED', 'TERMINATED'],
  IDLE: ['RUNNING', 'DEGRADED', 'STALLED', 'UNRESPONSIVE', 'QUARANTINED', 'FAILED', 'TERMINATED', 'SPAWNING'],
  RUNNING: ['IDLE', 'DEGRADED', 'STALLED', 'UNRESPONSIVE', 'QUARANTINED', 'FAILED', 'TERMINATED', 'SPAWNING'],
  DEGRADED: ['IDLE', 'RUNNING', 'STALLED', 'UNRESPONSIVE', 'QUARANTINED', 'FAILED', 'TERMINATED', 'SPAWNING'],
  STALLED: ['IDLE', 'RUNNING', 'DEGRADED', 'UNRESPONSIVE', 'QUARANTINED', 'FAILED', 'TERMINATED', 'SPAWNING'],
  UNRESPONSIVE: ['IDLE', 'RUNNING', 'DEGRADED', 'STALLED', 'QUARANTINED', 'FAILED', 'TERMINATED', 'SPAWNING'],
  QUARANTINED: ['IDLE', 'RUNNING', 'DEGRADED', 'FAILED', 'TERMINATED'],
  FAILED: ['SPAWNING', 'IDLE', 'TERMINATED'],
  TERMINATED: ['SPAWNING', 'IDLE'],
};

export type TransitionDecision =
  | { readonly allowed: true }
  | { readonly refused: 'already_there' | 'agent_ended' | 'quarantined' | 'not_from_here' };

/** Whether an agent may go from one status to another, or the name of what forbids it. */
export function decideTransition(from: AgentStatus, to: AgentStatus): TransitionDecision {
  if (FOLLOWERS[from].includes(to)) return { allowed: true };
  if (from === to) return { refused: 'already_there' };
  if (hasEnded(from)) return { refused: 'agent_ended' };
  if (from === 'QUARANTINED') return { refused: 'quarantined' };
  return { refused: 'not_from_here' };
}

/** Those that say that no process is expected to run. */
export const ENDED_STATUSES: readonly AgentStatus[] = ['FAILED', 'TERMINATED'];

export function hasEnded(status: AgentStatus): boolean {
  return ENDED_STATUSES.includes(status);
}

/** Whether an agent's process is there, or may be, and its place is open to another one. */
export function isGivenUp(status: AgentStatus): boolean {
  return status === 'UNRESPONSIVE' || status === 'STALLED';
}

/** Those in which an agent is given work. */
export const CLAIMING_STATUSES: readonly AgentStatus[] = AGENT_STATUSES.filter(
  (status) => claimObstacle(status) === null,
);

/** Why an agent of this status is given no work, or null where it may have some. */
export function claimObstacle(status: AgentStatus): 'not_registered' | 'quarantined' | 'ended' | null {
  switch (status) {
    case 'SPAWNING':
      return 'not_registered';
    case 'QUARANTINED':
      return 'quarantined';
    case 'FAILED':
    case 'TERMINATED':
      return 'ended';
    // A claim is a sign of life: who was silent or stood still and asks for work again may have it.
    case 'IDLE':
    case 'RUNNING':
    case 'DEGRADED':
    case 'STALLED':
    case 'UNRESPONSIVE':
      return null;
  }
}
