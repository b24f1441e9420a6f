import { AGENT_STATUSES, type AgentStatus } from '#telemetry';
import type { AgentIndex } from './agent-index.ts';

/** How many agents of the fleet have each status, by what memory knows of them: RUNNING is told from IDLE. */
export function countAgents(agents: Pick<AgentIndex, 'entries'>): Readonly<Record<AgentStatus, number>> {
  const counts = Object.fromEntries(AGENT_STATUSES.map((status) => [status, 0])) as Record<
    AgentStatus,
    number
  >;
  for (const { status } of agents.entries()) counts[status] += 1;
  return counts;
}
