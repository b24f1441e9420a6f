import { PreparedQuery, type StateTransaction } from '#storage';
import { OmoiError, type AgentStatus, type NewSystemEvent } from '#telemetry';
import type { AgentRow } from './agent-entry.ts';
import { decideTransition } from './agent-status.ts';
import type { GenerationRow } from './registration.ts';

/** The agent's row, held until the transaction ends; null where it is unknown. */
export async function lockAgent(tx: StateTransaction, agentId: string): Promise<AgentRow | null> {
  let query = tx.db.selectFrom('agents').selectAll().where('agent_id', '=', agentId);
  if (tx.dialect === 'postgres') query = query.forUpdate();
  return (await query.executeTakeFirst()) ?? null;
}

/** The generations of an agent that are on record, the present one among them. */
const maxGenerationsKept = 100;

/** Called with each generation that opens, so that an agent that restarts for years takes no more rows than one. */
export async function forgetOldGenerations(
  tx: StateTransaction,
  { agent_id: agentId, generation }: Pick<AgentRow, 'agent_id' | 'generation'>,
): Promise<void> {
  if (generation <= maxGenerationsKept) return;
  await tx.db
    .deleteFrom('agent_generations')
    .where('agent_id', '=', agentId)
    .where('generation', '<=', generation - maxGenerationsKept)
    .execute();
}

/** Of an agent: as many as a person looks at. */
const maxOutputsKept = 5;

/** Called with each generation that ends and says what it put out last. */
export async function forgetOldOutputs(
  tx: StateTransaction,
  { agentId, generation }: { readonly agentId: string; readonly generation: number },
): Promise<void> {
  await tx.db
    .updateTable('agent_generations')
    .set({ last_output: null })
    .where('agent_id', '=', agentId)
    .where('generation', '<=', generation - maxOutputsKept)
    .where('last_output', 'is not', null)
    .execute();
}

/**
 * A generation that was left behind; where its end is on record already, nothing changes.
 * @param goodbye why it said that it leaves; null where it did not
 */
export async function endGeneration(
  tx: StateTransaction,
  { agent_id: agentId, generation }: Pick<AgentRow, 'agent_id' | 'generation'>,
  goodbye: string | null,
): Promise<void> {
  await tx.db
    .updateTable('agent_generations')
    .set({ state: 'ended', ended_at_ms: tx.nowMs, goodbye })
    .where('agent_id', '=', agentId)
    .where('generation', '=', generation)
    .where('ended_at_ms', 'is', null)
    .execute();
}

/** @returns false where its present generation is asked already */
export async function askToLeave(
  tx: StateTransaction,
  { agent_id: agentId, generation }: Pick<AgentRow, 'agent_id' | 'generation'>,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('agent_generations')
    .set({ drain_asked_at_ms: tx.nowMs })
    .where('agent_id', '=', agentId)
    .where('generation', '=', generation)
    .where('drain_asked_at_ms', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function readGeneration(
  tx: StateTransaction,
  agentId: string,
  generation: number,
): Promise<GenerationRow | null> {
  const row = await tx.db
    .selectFrom('agent_generations')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('generation', '=', generation)
    .executeTakeFirst();
  return row ?? null;
}

const locking = new PreparedQuery<{ agentId: string }, AgentRow>((db, { agentId }) =>
  db.selectFrom('agents').selectAll().where('agent_id', '=', agentId).forUpdate(),
);

/** The rows of several agents, held until the transaction ends, in one message to the database; null where unknown. */
export function lockAgents(tx: StateTransaction, agentIds: readonly string[]): Promise<(AgentRow | null)[]> {
  return Promise.all(agentIds.map((agentId) => locking.first(tx, { agentId })));
}

/** Of a transition, all that it sets. */
type Move = Pick<AgentRow, 'status' | 'status_reason' | 'self_degraded'>;

const moving = new PreparedQuery<Move & { agentId: string; nowMs: number }, never>((db, values) =>
  db
    .updateTable('agents')
    .set({
      status: values.status,
      status_reason: values.status_reason,
      status_since_ms: values.nowMs,
      self_degraded: values.self_degraded,
    })
    .where('agent_id', '=', values.agentId),
);

/**
 * Writes a transition of a locked row and returns the row as it is now.
 * @throws OmoiError `transition_not_allowed` when the status may not follow
 */
export async function moveAgent(tx: StateTransaction, agent: AgentRow, move: Move): Promise<AgentRow> {
  assertTransition(agent, move.status);
  await moving.run(tx, { ...move, agentId: agent.agent_id, nowMs: tx.nowMs });
  return { ...agent, ...move, status_since_ms: tx.nowMs };
}

/** What a change of an agent may set; who has ended may become Omoi's own. */
export type AgentChange = Partial<Omit<AgentRow, 'agent_id' | 'status_since_ms'>>;

/**
 * Writes a change of a locked row and returns the row as it is now.
 * @throws OmoiError `transition_not_allowed` when the status may not follow
 */
export async function changeAgent(
  tx: StateTransaction,
  agent: AgentRow,
  change: AgentChange,
): Promise<AgentRow> {
  const to = change.status;
  const startsOver = change.generation !== undefined && change.generation !== agent.generation;
  const moves = to !== undefined && to !== agent.status;
  if (moves) assertTransition(agent, to);
  const since = moves || startsOver ? { status_since_ms: tx.nowMs } : {};
  const changed: AgentRow = { ...agent, ...change, ...since };
  const { agent_id: agentId, ...columns } = changed;
  await tx.db.updateTable('agents').set(columns).where('agent_id', '=', agentId).execute();
  return changed;
}

function assertTransition(agent: AgentRow, to: AgentStatus): void {
  const decision = decideTransition(agent.status, to);
  if ('allowed' in decision) return;
  throw new OmoiError(
    'transition_not_allowed',
    `Agent ${agent.agent_id} is ${agent.status} and can't become ${to}: ${decision.refused}.`,
    { agent_id: agent.agent_id, status: agent.status, to, reason: decision.refused },
  );
}

/** What every event about an agent names. */
export function agentRef(agent: AgentRow): {
  agent_id: string;
  agent_type: string;
  pool_id: string | null;
  generation: number;
} {
  return {
    agent_id: agent.agent_id,
    agent_type: agent.agent_type,
    pool_id: agent.pool_id,
    generation: agent.generation,
  };
}

/** The event of a status that was left for another; `from` is `NONE` where the agent is new. */
export function statusEvent(
  agent: AgentRow,
  from: AgentStatus | 'NONE',
  traceparent: string | null,
): NewSystemEvent {
  return {
    event_type: 'fleet.agent.status_changed',
    entity_type: 'agent',
    entity_id: agent.agent_id,
    payload: { ...agentRef(agent), from, to: agent.status, reason: agent.status_reason },
    traceparent,
  };
}
