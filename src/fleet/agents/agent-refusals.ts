import { OmoiError, type AgentStatus } from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';
import type { AgentEntry } from './agent-entry.ts';
import type { AgentIndex } from './agent-index.ts';

/** @throws OmoiError `unknown_agent` */
export function knownAgent(agents: AgentIndex, agentId: string): AgentEntry {
  const agent = agents.get(agentId);
  if (!agent) throw unknownAgent(agentId);
  return agent;
}

/**
 * The agent in whose name somebody asks.
 * @throws OmoiError `unknown_agent`; `generation_superseded` or `unknown_generation` where the asker's generation is not
 *   the current one
 */
export function currentAgent(agents: AgentIndex, asker: Holder): AgentEntry {
  const agent = knownAgent(agents, asker.agentId);
  if (asker.generation === agent.generation) return agent;
  if (asker.generation < agent.generation) throw superseded(asker, agent.generation);
  throw new OmoiError(
    'unknown_generation',
    `Agent ${agent.agentId} is at generation ${agent.generation}; generation ${asker.generation} does not exist.`,
    { agent_id: agent.agentId, current_generation: agent.generation },
  );
}

export function unknownAgent(agentId: string): OmoiError {
  return new OmoiError('unknown_agent', `Agent ${agentId} is unknown.`, { agent_id: agentId });
}

export function superseded({ agentId, generation }: Holder, currentGeneration: number): OmoiError {
  return new OmoiError(
    'generation_superseded',
    `Generation ${generation} of agent ${agentId} was followed by generation ${currentGeneration}.`,
    { agent_id: agentId, current_generation: currentGeneration },
  );
}

export function agentGone(agentId: string, status: AgentStatus): OmoiError {
  return new OmoiError('agent_gone', `Agent ${agentId} is ${status}.`, { agent_id: agentId, status });
}

export function managedByOmoi(agentId: string): OmoiError {
  const message = `Agent ${agentId} is started and stopped by Omoi.`;
  return new OmoiError('agent_is_managed', message, { agent_id: agentId });
}
