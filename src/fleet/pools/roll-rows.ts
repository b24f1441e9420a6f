import type { StateTransaction } from '#storage';
import { withGenerationKeys, type PoolDefinition, type RollState } from '#telemetry';
import { definitionOf, type PoolRow } from './pool-rows.ts';
import { illFrom } from './unit-rows.ts';

/** A pool that is brought to another definition, or was until the new generation did not prove itself. */
export interface Roll {
  readonly state: RollState;
  /** Who asked for it and why; of one that has stopped why it did. */
  readonly reason: string;
  /** Wall ms since epoch, of this state. */
  readonly sinceMs: number;
  /** `generationKeysOf` the last definition that all replicas had. */
  readonly from: Readonly<Record<string, unknown>>;
}

interface KeptRoll {
  readonly state: RollState;
  readonly reason: string;
  readonly since_ms: number;
  readonly from: Readonly<Record<string, unknown>>;
}

export function rollOf({ roll }: Pick<PoolRow, 'roll'>): Roll | null {
  if (roll === null) return null;
  // Written by `setRoll`, and by nobody else.
  const { state, reason, since_ms: sinceMs, from } = JSON.parse(roll) as KeptRoll;
  return { state, reason, sinceMs, from };
}

/**
 * What a generation that starts now is made of. While a roll is stopped that is the last definition that all replicas had:
 * a repair, a restart or a scale would else take one replica after the other to a definition that does not work.
 */
export function startDefinitionOf(row: Pick<PoolRow, 'pool_id' | 'definition' | 'roll'>): PoolDefinition {
  const pool = definitionOf(row);
  const roll = rollOf(row);
  return roll?.state === 'stopped' ? withGenerationKeys(pool, roll.from) : pool;
}

/** Whether replicas of a pool have another command than it says. */
export function changesCommand(row: Pick<PoolRow, 'pool_id' | 'definition' | 'roll'>): boolean {
  const { from } = rollOf(row) ?? {};
  if (from === undefined) return false;
  return JSON.stringify(from['command']) !== JSON.stringify(definitionOf(row).command);
}

/** @param roll null: there is none any more */
export async function setRoll(
  tx: StateTransaction,
  poolId: string,
  roll: Pick<Roll, 'state' | 'reason' | 'from'> | null,
): Promise<void> {
  const kept: KeptRoll | null = roll && { ...roll, since_ms: tx.nowMs };
  await tx.db
    .updateTable('pools')
    .set({ roll: kept && JSON.stringify(kept) })
    .where('pool_id', '=', poolId)
    .execute();
}

/** Units of before it was kept were made of what the pool was until now. */
export async function stampUnits(tx: StateTransaction, poolId: string, madeOf: string): Promise<void> {
  await tx.db
    .updateTable('agent_units')
    .set({ made_of: madeOf })
    .where('pool_id', '=', poolId)
    .where('made_of', 'is', null)
    .execute();
}

/** A roll begins: what an earlier one had waited for has its whole time again. */
export async function forgetIllness(tx: StateTransaction, poolId: string): Promise<void> {
  await tx.db
    .updateTable('agent_units')
    .set(illFrom(null))
    .where('pool_id', '=', poolId)
    .where('ill_since_ms', 'is not', null)
    .execute();
}

/** What runs by a definition that the pool comes back to has nothing to prove. */
export async function trustUnits(tx: StateTransaction, poolId: string, madeOf: string): Promise<void> {
  await tx.db
    .updateTable('agent_units')
    .set({ verified_at_ms: tx.nowMs })
    .where('pool_id', '=', poolId)
    .where('made_of', '=', madeOf)
    .where('state', '=', 'running')
    .where('verified_at_ms', 'is', null)
    .execute();
}
