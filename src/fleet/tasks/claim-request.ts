import { OmoiError } from '#telemetry';
import type { AgentRow } from '../agents/agent-entry.ts';
import { superseded, unknownAgent } from '../agents/agent-refusals.ts';
import { claimObstacle } from '../agents/agent-status.ts';
import type { Holder } from '../leases/lease-registry.ts';

/** What an agent asks for that wants work. */
export interface ClaimRequest extends Holder {
  /** null takes any. */
  readonly phaseIds: readonly string[] | null;
  /** null takes what the agent has said at its registration that it can do; any where it has said nothing. */
  readonly taskTypes: readonly string[] | null;
  /** Leaves the tasks that are for agents of every pool. */
  readonly ownPoolOnly: boolean;
  /** Takes up to so many; waits for one where none fits. */
  readonly maxTasks: number;
  readonly leaseMs: number;
  /** How long to wait for a task where none fits. */
  readonly waitMs: number;
  readonly traceparent: string | null;
  /** Ends the wait when the asker has gone. */
  readonly signal: AbortSignal | null;
}

/** Why the agent may have no task; null where it may. Memory may be behind what was committed. */
export function refusalOf(
  request: ClaimRequest,
  agent: Pick<AgentRow, 'generation' | 'status'> | null,
): OmoiError | null {
  if (!agent) return unknownAgent(request.agentId);
  if (agent.generation !== request.generation) return superseded(request, agent.generation);
  const obstacle = claimObstacle(agent.status);
  return obstacle ? notClaiming(request.agentId, agent.status, obstacle) : null;
}

export function notClaiming(agentId: string, status: string, obstacle: string): OmoiError {
  const code = obstacle === 'ended' ? 'agent_gone' : 'agent_not_claiming';
  return new OmoiError(code, `Agent ${agentId} is ${status}, so it is given no work.`, {
    agent_id: agentId,
    status,
    reason: obstacle,
  });
}
