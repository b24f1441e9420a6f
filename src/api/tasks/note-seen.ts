import type { Fleet } from '#fleet';
import type { z } from 'zod';
import type { seenAnswer } from './task-schemas.ts';

interface Asker {
  readonly agent_id: string;
  readonly generation: number;
}

/**
 * Takes an agent's request about its tasks for a heartbeat that says nothing new.
 * @returns what to add to its answer: what is wanted of the agent by then, where the request counted
 */
export function noteSeen(
  { agents, heartbeats }: Pick<Fleet, 'agents' | 'heartbeats'>,
  { agent_id: agentId, generation }: Asker,
): () => z.output<typeof seenAnswer> {
  if (!heartbeats.seen({ agentId, generation })) return () => ({});
  return () => {
    const agent = agents.get(agentId);
    return agent?.generation === generation ? { desired: agent.desired } : {};
  };
}
