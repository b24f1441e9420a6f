import { number } from './count.ts';
import { isSick, naturalKey, worstFirst } from './whole-fleet.ts';
import type { Agent as WireAgent } from '../api/wire.ts';

/** An agent as far as its place among the others depends on it. */
export interface GroupedAgent {
  readonly agent_id: string;
  readonly pool_id: string | null;
  readonly status: string;
}

export interface FleetGroup<Pool, Agent> {
  /** Null for agents that belong to no pool. */
  readonly pool: Pool | null;
  readonly poolId: string | null;
  /** Those that have not ended, by name: `coders-2` before `coders-10`. */
  readonly agents: readonly Agent[];
}

const ALIVE: readonly string[] = ['IDLE', 'RUNNING', 'DEGRADED'];

/** How many do or could do work, as the headline counts them. */
export function countAlive(agents: readonly Pick<GroupedAgent, 'status'>[]): number {
  return agents.filter(({ status }) => ALIVE.includes(status)).length;
}

/** `480 idle, 12 unresponsive` */
export function countByStatus(agents: readonly Pick<GroupedAgent, 'status'>[]): string {
  const counts = new Map<string, number>();
  for (const { status } of agents) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${number(count)} ${status.toLowerCase()}`).join(', ');
}

const byName = new Intl.Collator('en', { numeric: true });

/** Agents under their pools, pools by name, agents without a pool last. A pool without agents is still shown. */
export function groupFleet<Pool extends { readonly pool_id: string }, Agent extends GroupedAgent>(
  pools: readonly Pool[],
  agents: readonly Agent[],
): readonly FleetGroup<Pool, Agent>[] {
  const members = Map.groupBy(agents, (agent) => agent.pool_id);
  const known = new Map(pools.map((pool) => [pool.pool_id, pool]));
  const ids = [...new Set([...known.keys(), ...members.keys()])].filter((id) => id !== null);
  const groups = ids
    .toSorted((a, b) => byName.compare(a, b))
    .map((poolId) =>
      groupOf(poolId, { pool: known.get(poolId) ?? null, members: members.get(poolId) ?? [] }),
    );
  const free = members.get(null) ?? [];
  return free.length > 0 ? [...groups, groupOf<Pool, Agent>(null, { pool: null, members: free })] : groups;
}

function groupOf<Pool, Agent extends GroupedAgent>(
  poolId: string | null,
  { pool, members }: { readonly pool: Pool | null; readonly members: readonly Agent[] },
): FleetGroup<Pool, Agent> {
  const present = members.filter(({ status }) => status !== 'TERMINATED');
  return {
    pool,
    poolId,
    agents: present.toSorted((a, b) => byName.compare(a.agent_id, b.agent_id)),
  };
}

/**
 * As `groupFleet`, of a fleet of any size: the worst agents first, pools with somebody in trouble first, and among equals by
 * name; agents without a pool are a group like any other.
 */
export function groupWorstFirst<
  Pool extends { readonly pool_id: string },
  Agent extends Pick<WireAgent, 'agent_id' | 'pool_id' | 'status'>,
>(pools: readonly Pool[], agents: readonly Agent[]): readonly FleetGroup<Pool, Agent>[] {
  const members = Map.groupBy(worstFirst(agents), (agent) => agent.pool_id);
  const known = new Map(pools.map((pool) => [pool.pool_id, pool]));
  const ids = [...new Set([...known.keys(), ...members.keys()])];
  return ids
    .map((poolId) => {
      const ofPool = members.get(poolId) ?? [];
      const group = { poolId, pool: poolId === null ? null : (known.get(poolId) ?? null), agents: ofPool };
      // The worst one comes first.
      const isHealthy = Number(!(ofPool[0] && isSick(ofPool[0])));
      return { group, isHealthy, key: poolId === null ? '\uffff' : naturalKey(poolId) };
    })
    .toSorted((a, b) => a.isHealthy - b.isHealthy || (a.key < b.key ? -1 : 1))
    .map(({ group }) => group);
}

/** Agents that have ended under their pools. */
export interface EndedFleet<Agent> {
  /** Pools in which nobody is left and nobody should be, by name. */
  readonly pools: readonly { readonly poolId: string; readonly agents: readonly Agent[] }[];
  /** Those whose pool goes on, or that had none, by name. */
  readonly others: readonly Agent[];
}

/**
 * @param pools those that the server knows
 * @param present agents that have not ended
 * @param ended agents that have, as far as they are read
 */
export function groupEnded<Agent extends GroupedAgent>(
  pools: readonly { readonly pool_id: string; readonly effective: number }[],
  present: readonly Pick<GroupedAgent, 'pool_id'>[],
  ended: readonly Agent[],
): EndedFleet<Agent> {
  const alive = new Set(present.map((agent) => agent.pool_id));
  for (const { pool_id: id, effective } of pools) if (effective > 0) alive.add(id);
  const sorted = ended.toSorted((a, b) => byName.compare(a.agent_id, b.agent_id));
  const members = Map.groupBy(sorted, ({ pool_id: id }) => (id === null || alive.has(id) ? null : id));
  const emptied = pools.map(({ pool_id: id }) => id).filter((id) => !alive.has(id));
  const ids = [...new Set([...emptied, ...members.keys()])].filter((id) => id !== null);
  return {
    pools: ids
      .toSorted((a, b) => byName.compare(a, b))
      .map((poolId) => ({ poolId, agents: members.get(poolId) ?? [] })),
    others: members.get(null) ?? [],
  };
}
