import type { Reach } from '#fleet';
import { OmoiError } from '#telemetry';
import type { AgentScope, Principal } from '../http/app.ts';

/** An agent as scopes need to know it: `poolId` is the pool that it belongs to, or would join. */
interface ScopedAgent {
  readonly agentId: string;
  readonly poolId: string | null;
}

/** Which pool a known agent is in; undefined where the agent is unknown. */
export type PoolOfAgent = (agentId: string) => string | null | undefined;

/** Pools in which an agent token may enqueue whatever pool they are. */
const ANY_POOL = '*';

/** Whether a scope is bound to an agent by name, or to its whole pool. */
export function speaksFor(scope: AgentScope | null, { agentId, poolId }: ScopedAgent): boolean {
  if (scope === null) return false;
  return scope.agentIds.includes(agentId) || (scope.poolId !== null && scope.poolId === poolId);
}

/**
 * Lets an agent token speak only for the agents or the pool that it is bound to; other roles may speak for all.
 * @throws OmoiError `token_scope`
 */
export function assertMaySpeakFor(principal: Principal, agent: ScopedAgent): void {
  if (principal.role !== 'agent' || speaksFor(principal.scope, agent)) return;
  throw outOfScope(principal, `speak for agent ${agent.agentId}`, { agent_id: agent.agentId });
}

/** What a caller's agents may see; null for the roles that may see all. */
export function reachOf(principal: Principal, poolOf: PoolOfAgent): Reach | null {
  if (principal.role !== 'agent') return null;
  const { scope } = principal;
  const agentIds = scope?.agentIds ?? [];
  const ownPoolIds = idsOf(scope?.poolId);
  const memberOf = idsOf(scope?.memberOf);
  const joined = agentIds.map(poolOf).filter((poolId) => typeof poolId === 'string');
  const poolIds = [...new Set([...ownPoolIds, ...memberOf, ...joined])];
  return { agentIds, ownPoolIds, poolIds, enqueuedBy: scopeName(principal) };
}

function idsOf(id: string | null | undefined): readonly string[] {
  return typeof id === 'string' ? [id] : [];
}

/**
 * Under which name a token's tasks are kept: the tokens of a pool share it, and of an agent that Omoi starts each
 * generation has a token of its own.
 */
export function scopeName({ id, scope }: Principal): string {
  const poolId = scope?.poolId ?? scope?.memberOf ?? null;
  return poolId === null ? `token/${id}` : `pool/${poolId}`;
}

/**
 * Lets an agent token put work into the pools of its agents, those of its `enqueue_for`, and the queue that every pool
 * may take from.
 * @throws OmoiError `token_scope`
 */
export function assertMayEnqueueFor(principal: Principal, poolId: string | null, poolOf: PoolOfAgent): void {
  const reach = reachOf(principal, poolOf);
  if (reach === null || poolId === null || reach.poolIds.includes(poolId)) return;
  const allowed = principal.scope?.enqueueFor ?? [];
  if (allowed.includes(poolId) || allowed.includes(ANY_POOL)) return;
  throw outOfScope(principal, `enqueue for pool ${poolId}, which its enqueue_for does not name`, {
    pool_id: poolId,
  });
}

/** @throws OmoiError `token_scope` */
export function outOfScope(
  { name }: Principal,
  what: string,
  details: Readonly<Record<string, unknown>>,
): OmoiError {
  return new OmoiError('token_scope', `The token ${name} may not ${what}.`, details);
}
