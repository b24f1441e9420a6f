import type { Selectable } from 'kysely';
import type { StateTables, StateTransaction } from '#storage';
import { OmoiError, type AgentType } from '#telemetry';
import type { PoolChange, PoolDefinition } from './pool-definition.ts';

export type PoolRow = Selectable<StateTables['pools']>;
export type ClaimRow = Selectable<StateTables['pool_claims']>;

/**
 * The pool's row, held until the transaction ends: whoever changes a pool, its claims or its processes holds it.
 * @throws OmoiError `unknown_pool`
 */
export async function lockPool(tx: StateTransaction, poolId: string): Promise<PoolRow> {
  let query = tx.db.selectFrom('pools').selectAll().where('pool_id', '=', poolId);
  if (tx.dialect === 'postgres') query = query.forUpdate();
  const row = await query.executeTakeFirst();
  if (!row) throw unknownPool(poolId);
  return row;
}

export function unknownPool(poolId: string): OmoiError {
  return new OmoiError('unknown_pool', `There is no pool ${poolId}.`, { pool_id: poolId });
}

export function definitionOf(row: PoolRow): PoolDefinition {
  return {
    id: row.pool_id,
    // Written from a PoolDefinition, and by nobody else.
    agentType: row.agent_type as AgentType,
    phaseId: row.phase_id,
    runtime: row.runtime,
    command: JSON.parse(row.command) as readonly string[],
    cwd: row.cwd,
    env: JSON.parse(row.env) as Readonly<Record<string, string>>,
    desired: row.desired,
    min: row.min_agents,
    max: row.max_agents,
    graceMs: row.grace_ms,
    orphanTimeoutMs: row.orphan_timeout_ms,
    onOrphan: row.on_orphan,
    heartbeatIntervalMs: row.heartbeat_interval_ms,
    heartbeatTtlMs: row.heartbeat_ttl_ms,
  };
}

/** The columns that a definition fills. */
function columnsOf(
  pool: PoolDefinition,
): Omit<
  PoolRow,
  | 'pool_id'
  | 'state'
  | 'spawn_failures'
  | 'last_error'
  | 'next_attempt_at_ms'
  | 'created_at_ms'
  | 'updated_at_ms'
> {
  return {
    agent_type: pool.agentType,
    phase_id: pool.phaseId,
    runtime: pool.runtime,
    command: JSON.stringify(pool.command),
    cwd: pool.cwd,
    env: JSON.stringify(pool.env),
    desired: pool.desired,
    min_agents: pool.min,
    max_agents: pool.max,
    grace_ms: pool.graceMs,
    orphan_timeout_ms: pool.orphanTimeoutMs,
    on_orphan: pool.onOrphan,
    heartbeat_interval_ms: pool.heartbeatIntervalMs,
    heartbeat_ttl_ms: pool.heartbeatTtlMs,
  };
}

/** @throws OmoiError `pool_exists` */
export async function insertPool(tx: StateTransaction, pool: PoolDefinition): Promise<void> {
  const result = await tx.db
    .insertInto('pools')
    .values({
      pool_id: pool.id,
      ...columnsOf(pool),
      state: 'active',
      spawn_failures: 0,
      last_error: null,
      next_attempt_at_ms: null,
      created_at_ms: tx.nowMs,
      updated_at_ms: tx.nowMs,
    })
    .onConflict((conflict) => conflict.column('pool_id').doNothing())
    .executeTakeFirst();
  if (result.numInsertedOrUpdatedRows !== 1n) {
    throw new OmoiError('pool_exists', `There is a pool ${pool.id} already.`, { pool_id: pool.id });
  }
}

/** A changed pool may try its command again at once. */
export async function updatePool(
  tx: StateTransaction,
  row: PoolRow,
  change: PoolChange,
): Promise<PoolDefinition> {
  const pool: PoolDefinition = { ...definitionOf(row), ...change };
  await tx.db
    .updateTable('pools')
    .set({ ...columnsOf(pool), next_attempt_at_ms: null, updated_at_ms: tx.nowMs })
    .where('pool_id', '=', row.pool_id)
    .execute();
  return pool;
}

export interface SpawnFailure {
  readonly failures: number;
  readonly error: string;
  readonly nextAttemptAtMs: number;
}

/** null: a spawn has succeeded, whatever failed before. */
export async function setSpawnFailure(
  tx: StateTransaction,
  poolId: string,
  failure: SpawnFailure | null,
): Promise<void> {
  await tx.db
    .updateTable('pools')
    .set({
      spawn_failures: failure?.failures ?? 0,
      last_error: failure?.error ?? null,
      next_attempt_at_ms: failure?.nextAttemptAtMs ?? null,
    })
    .where('pool_id', '=', poolId)
    .execute();
}

/** The claims that have not expired. */
export function liveClaims(tx: StateTransaction, poolId: string): Promise<readonly ClaimRow[]> {
  return tx.db
    .selectFrom('pool_claims')
    .selectAll()
    .where('pool_id', '=', poolId)
    .where('expires_at_ms', '>', tx.nowMs)
    .orderBy('created_at_ms')
    .execute();
}

export async function deleteExpiredClaims(
  tx: StateTransaction,
  poolId: string,
): Promise<readonly ClaimRow[]> {
  const expired = await tx.db
    .selectFrom('pool_claims')
    .selectAll()
    .where('pool_id', '=', poolId)
    .where('expires_at_ms', '<=', tx.nowMs)
    .execute();
  for (const claim of expired) {
    await tx.db.deleteFrom('pool_claims').where('claim_id', '=', claim.claim_id).execute();
  }
  return expired;
}

/** @throws OmoiError `transition_not_allowed` for a pool that is being removed */
export function assertActive(row: PoolRow): void {
  if (row.state === 'active') return;
  throw new OmoiError('transition_not_allowed', `Pool ${row.pool_id} is being removed.`, {
    pool_id: row.pool_id,
  });
}
