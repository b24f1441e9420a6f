import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { StateTables } from '#storage';
import { OmoiError, type AgentType, type HeartbeatSource } from '#telemetry';
import type { AgentRow } from './agent-entry.ts';
import { hasEnded, isGivenUp } from './agent-status.ts';

export type GenerationRow = Selectable<StateTables['agent_generations']>;

/** Whose limit of agents a registration counts against. */
export interface Registrant {
  readonly tokenId: string;
  readonly maxAgents: number | null;
}

export interface RegistrationRequest {
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly poolId: string | null;
  readonly phaseId: string | null;
  /** null where the agent does not know which one it is: Omoi decides. */
  readonly generation: number | null;
  /** Tells one process of an agent from another: each start makes its own, a reconnect repeats it. */
  readonly nonce: string;
  /** Asks for a new generation although the present one may still run. */
  readonly newGeneration: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  /** null takes the agent type's. */
  readonly heartbeatIntervalMs: number | null;
  readonly heartbeatTtlMs: number | null;
  /** The agent token that registers it: it may have so many agents; null in it takes `maxAgentsPerToken`. */
  readonly registeredBy?: Registrant | null;
  /** Whether the process itself registers, as where absent, or Omoi does in its place. */
  readonly heartbeat?: HeartbeatSource;
  readonly traceparent: string | null;
}

/** What a registration amounts to. */
export type RegistrationDecision =
  | { readonly kind: 'first' }
  | { readonly kind: 'next_generation'; readonly generation: number }
  /** A managed agent's process reports as the generation that was opened for it. */
  | { readonly kind: 'takes_up' }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly error: OmoiError };

/**
 * Decides a registration from the agent's row and its current generation's; null where the agent is unknown.
 */
export function decideRegistration(
  request: RegistrationRequest,
  agent: AgentRow | null,
  current: GenerationRow | null,
): RegistrationDecision {
  const { agentId, generation } = request;
  if (!agent || !current) {
    if (generation === null || generation === 1) return { kind: 'first' };
    return refuse(
      'unknown_generation',
      `Agent ${agentId} is unknown, so it has no generation ${generation}.`,
      {},
    );
  }
  const facts = { agent_id: agentId, current_generation: agent.generation, status: agent.status };
  if (generation !== null && generation < agent.generation) {
    return refuse(
      'generation_superseded',
      `Generation ${generation} of agent ${agentId} was followed by generation ${agent.generation}.`,
      facts,
    );
  }
  if (generation !== null && generation > agent.generation) {
    return refuse(
      'unknown_generation',
      `Agent ${agentId} is at generation ${agent.generation}; nobody asked for generation ${generation}.`,
      facts,
    );
  }
  const sameProcess = current.nonce_hash === hashNonce(request.nonce);
  if (sameProcess && current.state === 'registered' && (generation !== null || !request.newGeneration)) {
    return { kind: 'repeated' };
  }
  if (sameProcess && current.state === 'opened') return { kind: 'takes_up' };
  if (generation !== null && sameProcess) {
    return refuse('agent_gone', `Generation ${generation} of agent ${agentId} has ended.`, facts);
  }
  if (generation !== null) {
    return refuse(
      'generation_taken',
      `Generation ${generation} of agent ${agentId} belongs to a process with another nonce.`,
      facts,
    );
  }
  if (agent.managed === 1) {
    return refuse(
      'agent_is_managed',
      `Agent ${agentId} is started by Omoi: only the process that Omoi started may register as it.`,
      facts,
    );
  }
  if (request.newGeneration || isGivenUp(agent.status) || hasEnded(agent.status)) {
    return { kind: 'next_generation', generation: agent.generation + 1 };
  }
  return refuse(
    'generation_taken',
    `Agent ${agentId} runs as generation ${agent.generation} in another process (status ${agent.status}); ` +
      'stop that one, or ask for a new generation.',
    facts,
  );
}

function refuse(
  code:
    | 'unknown_generation'
    | 'generation_superseded'
    | 'generation_taken'
    | 'agent_gone'
    | 'agent_is_managed',
  message: string,
  details: Readonly<Record<string, unknown>>,
): RegistrationDecision {
  return { kind: 'refused', error: new OmoiError(code, message, details) };
}

/** SHA-256 in hex: nonces prove who a process is, so they are not kept. */
export function hashNonce(nonce: string): string {
  return createHash('sha256').update(nonce).digest('hex');
}
