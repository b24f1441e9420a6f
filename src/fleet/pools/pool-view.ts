import type { StateDatabase } from '#storage';
import { effectiveCount, slotOf, type PoolDefinition } from './pool-definition.ts';
import { definitionOf, type ClaimRow, type PoolRow } from './pool-rows.ts';
import type { ProcessRow } from './process-rows.ts';
import { newestOf } from './slot-plan.ts';

/** One place of a pool and the newest generation in it. Times are wall ms since epoch. */
interface SlotView {
  readonly slot: number;
  readonly agentId: string;
  readonly generation: number;
  readonly process: ProcessRow['state'];
  readonly wish: ProcessRow['wish'];
  readonly pid: number | null;
  readonly startedAtMs: number | null;
  /** When it is killed if it has not ended by then. */
  readonly killAtMs: number | null;
}

interface ClaimView {
  readonly claimId: string;
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
  readonly claims: readonly ClaimView[];
  readonly slots: readonly SlotView[];
}

export async function readPools(database: StateDatabase): Promise<readonly PoolView[]> {
  const { reader } = database;
  const pools = await reader.selectFrom('pools').selectAll().orderBy('pool_id').execute();
  const claims = await reader.selectFrom('pool_claims').selectAll().orderBy('created_at_ms').execute();
  const processes = await reader.selectFrom('agent_processes').selectAll().execute();
  return pools.map((pool) => viewOf(pool, { claims, processes }));
}

export async function readPool(database: StateDatabase, poolId: string): Promise<PoolView | null> {
  const { reader } = database;
  const pool = await reader.selectFrom('pools').selectAll().where('pool_id', '=', poolId).executeTakeFirst();
  if (!pool) return null;
  const claims = await reader
    .selectFrom('pool_claims')
    .selectAll()
    .where('pool_id', '=', poolId)
    .orderBy('created_at_ms')
    .execute();
  const processes = await reader
    .selectFrom('agent_processes')
    .selectAll()
    .where('pool_id', '=', poolId)
    .execute();
  return viewOf(pool, { claims, processes });
}

function viewOf(
  pool: PoolRow,
  held: { readonly claims: readonly ClaimRow[]; readonly processes: readonly ProcessRow[] },
): PoolView {
  const definition = definitionOf(pool);
  const claims = held.claims.filter((claim) => claim.pool_id === pool.pool_id);
  const claimed = claims.reduce((sum, claim) => sum + claim.add_count, 0);
  const processes = newestOf(held.processes.filter((process) => process.pool_id === pool.pool_id));
  return {
    definition,
    state: pool.state,
    effective: pool.state === 'removing' ? 0 : effectiveCount(definition, claimed),
    spawnFailures: pool.spawn_failures,
    lastError: pool.last_error,
    nextAttemptAtMs: pool.next_attempt_at_ms,
    claims: claims.map((claim) => ({
      claimId: claim.claim_id,
      add: claim.add_count,
      holder: claim.holder,
      reason: claim.reason,
      expiresAtMs: claim.expires_at_ms,
    })),
    slots: processes.map(slotViewOf).sort((a, b) => a.slot - b.slot),
  };
}

function slotViewOf(process: ProcessRow): SlotView {
  return {
    slot: slotOf(process.pool_id, process.agent_id) ?? 0,
    agentId: process.agent_id,
    generation: process.generation,
    process: process.state,
    wish: process.wish,
    pid: process.state === 'running' ? process.pid : null,
    startedAtMs: process.started_at_ms,
    killAtMs: process.kill_at_ms,
  };
}
