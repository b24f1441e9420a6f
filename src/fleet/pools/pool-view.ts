import type { StateDatabase } from '#storage';
import type { PoolDefinition } from '#telemetry';
import { effectiveCount, replicaOf } from './pool-definition.ts';
import { definitionOf, type OverrideRow, type PoolRow } from './pool-rows.ts';
import type { UnitRow } from './unit-rows.ts';
import { newestOf } from './replica-plan.ts';

/** One replica of a pool and the newest generation in it. Times are wall ms since epoch. */
interface ReplicaView {
  readonly replica: number;
  readonly agentId: string;
  readonly generation: number;
  readonly unit: UnitRow['state'];
  readonly desiredState: UnitRow['desired_state'];
  readonly pid: number | null;
  readonly startedAtMs: number | null;
  /** When it is killed if it has not ended by then. */
  readonly killAtMs: number | null;
}

interface OverrideView {
  readonly overrideId: string;
  readonly add: number;
  readonly holder: string;
  readonly reason: string;
  readonly expiresAtMs: number;
}

/** A pool as it stands. */
export interface PoolView {
  readonly definition: PoolDefinition;
  readonly state: PoolRow['state'];
  /** How many agents there shall be now. */
  readonly effective: number;
  readonly spawnFailures: number;
  readonly lastError: string | null;
  readonly nextAttemptAtMs: number | null;
  readonly overrides: readonly OverrideView[];
  readonly replicas: readonly ReplicaView[];
}

export async function readPools(database: StateDatabase): Promise<readonly PoolView[]> {
  const { reader } = database;
  const pools = await reader.selectFrom('pools').selectAll().orderBy('pool_id').execute();
  const overrides = await reader
    .selectFrom('pool_scale_overrides')
    .selectAll()
    .orderBy('created_at_ms')
    .execute();
  const processes = await reader.selectFrom('agent_units').selectAll().execute();
  return pools.map((pool) => viewOf(pool, { overrides, processes }));
}

export async function readPool(database: StateDatabase, poolId: string): Promise<PoolView | null> {
  const { reader } = database;
  const pool = await reader.selectFrom('pools').selectAll().where('pool_id', '=', poolId).executeTakeFirst();
  if (!pool) return null;
  const overrides = await reader
    .selectFrom('pool_scale_overrides')
    .selectAll()
    .where('pool_id', '=', poolId)
    .orderBy('created_at_ms')
    .execute();
  const processes = await reader
    .selectFrom('agent_units')
    .selectAll()
    .where('pool_id', '=', poolId)
    .execute();
  return viewOf(pool, { overrides, processes });
}

function viewOf(
  pool: PoolRow,
  held: { readonly overrides: readonly OverrideRow[]; readonly processes: readonly UnitRow[] },
): PoolView {
  const definition = definitionOf(pool);
  const overrides = held.overrides.filter((override) => override.pool_id === pool.pool_id);
  const added = overrides.reduce((sum, override) => sum + override.add_count, 0);
  const processes = newestOf(held.processes.filter((process) => process.pool_id === pool.pool_id));
  return {
    definition,
    state: pool.state,
    effective: pool.state === 'removing' ? 0 : effectiveCount(definition, added),
    spawnFailures: pool.spawn_failures,
    lastError: pool.last_error,
    nextAttemptAtMs: pool.next_attempt_at_ms,
    overrides: overrides.map((override) => ({
      overrideId: override.override_id,
      add: override.add_count,
      holder: override.holder,
      reason: override.reason,
      expiresAtMs: override.expires_at_ms,
    })),
    replicas: processes.map(replicaViewOf).sort((a, b) => a.replica - b.replica),
  };
}

function replicaViewOf(process: UnitRow): ReplicaView {
  return {
    replica: replicaOf(process.pool_id, process.agent_id) ?? 0,
    agentId: process.agent_id,
    generation: process.generation,
    unit: process.state,
    desiredState: process.desired_state,
    pid: process.state === 'running' ? process.pid : null,
    startedAtMs: process.started_at_ms,
    killAtMs: process.kill_at_ms,
  };
}
