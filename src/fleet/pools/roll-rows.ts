import type { StateTransaction } from '#storage';
import type { RollState } from '#telemetry';
import type { PoolRow } from './pool-rows.ts';

/** A pool that is brought to another definition, or was until the new generation did not prove itself. */
export interface Roll {
  readonly state: RollState;
  /** Who asked for it and why; of one that has stopped why it did. */
  readonly reason: string;
  /** Wall ms since epoch, of this state. */
  readonly sinceMs: number;
}

interface KeptRoll {
  readonly state: RollState;
  readonly reason: string;
  readonly since_ms: number;
}

export function rollOf({ roll }: Pick<PoolRow, 'roll'>): Roll | null {
  if (roll === null) return null;
  // Written by `setRoll`, and by nobody else.
  const { state, reason, since_ms: sinceMs } = JSON.parse(roll) as KeptRoll;
  return { state, reason, sinceMs };
}

/** @param roll null: there is none any more */
export async function setRoll(
  tx: StateTransaction,
  poolId: string,
  roll: Pick<Roll, 'state' | 'reason'> | null,
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
