import type { Selectable } from 'kysely';
import { type StateTables, type StateTransaction, deadlineOf, deadlineSet } from '#storage';
import {
  OmoiError,
  poolKeysOf,
  poolOfKeys,
  type PoolChange,
  type PoolDefinition,
  leftUntil,
  type Moment,
} from '#telemetry';

export type PoolRow = Selectable<StateTables['pools']>;

/**
 * The pool's row, held until the transaction ends: whoever changes a pool, its overrides or its processes holds it.
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

export function definitionOf(row: Pick<PoolRow, 'pool_id' | 'definition'>): PoolDefinition {
  // Written by `definitionText`, and by nobody else.
  return poolOfKeys(row.pool_id, JSON.parse(row.definition) as Readonly<Record<string, unknown>>);
}

function definitionText(pool: PoolDefinition): string {
  return JSON.stringify(poolKeysOf(pool));
}

/** @throws OmoiError `pool_exists`; `transition_not_allowed` where one of that id is being removed */
export async function insertPool(tx: StateTransaction, pool: PoolDefinition): Promise<void> {
  const result = await tx.db
    .insertInto('pools')
    .values({
      pool_id: pool.id,
      definition: definitionText(pool),
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
    assertActive(await lockPool(tx, pool.id));
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
    .set({ definition: definitionText(pool), next_attempt_at_ms: null, updated_at_ms: tx.nowMs })
    .where('pool_id', '=', row.pool_id)
    .execute();
  return pool;
}

/** Notes the size that the configuration says: what differs from it later is a person's. */
export async function setConfiguredSize(
  tx: StateTransaction,
  { id, desired }: PoolDefinition,
): Promise<void> {
  await tx.db.updateTable('pools').set({ configured_desired: desired }).where('pool_id', '=', id).execute();
}

/** Shows on the pool what went wrong with it; nothing where the pool is gone. */
export async function setPoolError(tx: StateTransaction, poolId: string, error: string): Promise<void> {
  await tx.db.updateTable('pools').set({ last_error: error }).where('pool_id', '=', poolId).execute();
}

export interface SpawnFailure {
  readonly failures: number;
  readonly error: string;
  readonly retryInMs: number;
  readonly now: Moment;
}

/** What is left until a pool may try its command again, ms; 0 where it may now. */
export function startPauseLeftMs(row: PoolRow, now: Moment): number {
  return row.next_attempt_at_ms === null ? 0 : leftUntil(deadlineOf(row.next_attempt_at_ms, row), now);
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
      next_attempt_at_ms: failure && Math.round(failure.now.wallMs + failure.retryInMs),
      ...(failure && deadlineSet(failure.now)),
    })
    .where('pool_id', '=', poolId)
    .execute();
}

/** @throws OmoiError `transition_not_allowed` for a pool that is being removed */
export function assertActive(row: PoolRow): void {
  if (row.state === 'active') return;
  throw new OmoiError(
    'transition_not_allowed',
    `Pool ${row.pool_id} is being removed: it starts nothing any more, and may be made anew when its last agent has ended.`,
    { pool_id: row.pool_id },
  );
}
