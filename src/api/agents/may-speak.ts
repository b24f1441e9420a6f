import type { Fleet, Reach, Registrant } from '#fleet';
import {
  assertMayEnqueueFor,
  assertMaySpeakFor,
  outOfScope,
  reachOf,
  speaksFor,
  type PoolOfAgent,
} from '../access/agent-scope.ts';
import type { Principal } from '../http/app.ts';

type Agents = Pick<Fleet, 'agents'>;

function poolOfIn({ agents }: Agents): PoolOfAgent {
  return (agentId) => agents.get(agentId)?.poolId;
}

/** Checks the token against the agent as it is known; `poolId` counts for one that is not known yet. */
export function assertMaySpeak(
  fleet: Agents,
  principal: Principal,
  agentId: string,
  poolId: string | null,
): void {
  const known = fleet.agents.get(agentId);
  assertMaySpeakFor(principal, { agentId, poolId: known ? known.poolId : poolId });
}

/** What the caller may read of the fleet; null: all of it. */
export function reachIn(fleet: Agents, principal: Principal): Reach | null {
  return reachOf(principal, poolOfIn(fleet));
}

/** Whether the caller speaks for an agent. */
export function speakerOf(fleet: Agents, principal: Principal): (agentId: string) => boolean {
  return (agentId) => {
    const poolId = fleet.agents.get(agentId)?.poolId ?? null;
    return principal.role !== 'agent' || speaksFor(principal.scope, { agentId, poolId });
  };
}

/** @throws OmoiError `token_scope` */
export function assertMayEnqueue(fleet: Agents, principal: Principal, poolId: string | null): void {
  assertMayEnqueueFor(principal, poolId, poolOfIn(fleet));
}

/**
 * Lets an agent token hand a task to who could have claimed it from the same queue: an agent without a pool, one of its
 * own pool, or of a pool that it may enqueue for. Whether the agent exists is the fleet's to say.
 * @throws OmoiError `token_scope`
 */
export function assertMayHandTo(fleet: Agents, principal: Principal, agentId: string): void {
  const to = fleet.agents.get(agentId);
  if (to) assertMayEnqueue(fleet, principal, to.poolId);
}

/** Whether a caller may see an agent: its own, and those of its pools. */
export function mayRead(reach: Reach | null, agentId: string, poolId: string | null): boolean {
  if (reach === null || reach.agentIds.includes(agentId)) return true;
  return poolId !== null && reach.poolIds.includes(poolId);
}

/** Whose limit of agents a registration counts against; null for who has none. */
export function registrantOf({ role, id, scope }: Principal): Registrant | null {
  return role === 'agent' ? { tokenId: id, maxAgents: scope?.maxAgents ?? null } : null;
}

interface Joining {
  readonly agentId: string;
  readonly poolId: string | null;
}

/**
 * A token bound to agents joins the pool that it is made for, or one that nobody else is in: whoever is in a pool gets
 * its tasks. Into a pool that Omoi starts only tokens come that name it.
 * @throws OmoiError `token_scope`
 */
export async function assertMayJoin(
  fleet: Pick<Fleet, 'agents' | 'directory'>,
  principal: Principal,
  { agentId, poolId }: Joining,
): Promise<void> {
  const { role, scope } = principal;
  if (role !== 'agent' || poolId === null || scope === null) return;
  if (scope.poolId === poolId || scope.memberOf === poolId) return;
  if (fleet.agents.get(agentId)?.poolId === poolId) return;
  const others = fleet.directory.someoneIn(poolId, (member) => !speaksFor(scope, member));
  if (!others && !(await fleet.directory.isManagedPool(poolId))) return;
  throw outOfScope(
    principal,
    `join pool ${poolId}, in which others work; make it with member_of: ${poolId}`,
    {
      pool_id: poolId,
    },
  );
}
