import type { Kysely, Selectable } from 'kysely';
import {
  deadlineOf,
  deadlineSet,
  type StateDatabase,
  type StateTables,
  type StateTransaction,
} from '#storage';
import { leftUntil, maxAgentsPerPool, OmoiError, type Moment } from '#telemetry';
import type { Asked } from './pool-parts.ts';

export type OverrideRow = Selectable<StateTables['pool_scale_overrides']>;

const maxScaleOverridesPerPool = 100;

/** So many agents more in a pool, for a while. */
export interface ScaleOverride extends Asked {
  readonly poolId: string;
  /** One of all pools' overrides. Setting it again while it is there changes nothing but the expiry. */
  readonly overrideId: string;
  /** How many agents more. */
  readonly add: number;
  readonly ttlMs: number;
}

/** @throws OmoiError `invalid_request` */
export function assertAddsAgents({ add }: ScaleOverride): void {
  if (Number.isInteger(add) && add >= 1 && add <= maxAgentsPerPool) return;
  throw new OmoiError('invalid_request', `add: ${add} is not between 1 and ${maxAgentsPerPool}.`);
}

/**
 * Writes an override of a locked pool, or moves the expiry of one that is there; returns when it expires, wall ms.
 * @throws OmoiError `pool_bounds`; `invalid_request` where another pool has an override of this id
 */
export async function putScaleOverride(
  tx: StateTransaction,
  override: ScaleOverride,
  now: Moment,
): Promise<number> {
  const { poolId, overrideId } = override;
  const overrides = await liveOverrides(tx, poolId, now);
  const known = overrides.some((other) => other.override_id === overrideId);
  if (!known && overrides.length >= maxScaleOverridesPerPool) {
    throw new OmoiError(
      'pool_bounds',
      `Pool ${poolId} has maxScaleOverridesPerPool (${maxScaleOverridesPerPool}) overrides.`,
    );
  }
  const expiresAtMs = Math.round(now.wallMs + override.ttlMs);
  const expiry = { expires_at_ms: expiresAtMs, ...deadlineSet(now) };
  const row = {
    add_count: override.add,
    holder: override.by,
    reason: override.reason,
    traceparent: override.traceparent,
    created_at_ms: tx.nowMs,
    ...expiry,
  };
  const written = await tx.db
    .insertInto('pool_scale_overrides')
    .values({ ...row, override_id: overrideId, pool_id: poolId })
    .onConflict((conflict) =>
      conflict
        .column('override_id')
        // One that has expired, and is still on record, is another one.
        .doUpdateSet(known ? expiry : row)
        .where('pool_scale_overrides.pool_id', '=', poolId),
    )
    .returning('override_id')
    .executeTakeFirst();
  if (written) return expiresAtMs;
  throw new OmoiError('invalid_request', `override_id: ${overrideId} is an override of another pool.`);
}

/** Moves the expiry to `ttlMs` from now; false where it has expired. */
export async function extendScaleOverride(
  tx: StateTransaction,
  { poolId, overrideId, ttlMs }: Pick<ScaleOverride, 'poolId' | 'overrideId' | 'ttlMs'>,
  now: Moment,
): Promise<boolean> {
  const overrides = await liveOverrides(tx, poolId, now);
  if (!overrides.some((override) => override.override_id === overrideId)) return false;
  await tx.db
    .updateTable('pool_scale_overrides')
    .set({ expires_at_ms: Math.round(now.wallMs + ttlMs), ...deadlineSet(now) })
    .where('override_id', '=', overrideId)
    .execute();
  return true;
}

export async function deleteScaleOverride(tx: StateTransaction, overrideId: string): Promise<void> {
  await tx.db.deleteFrom('pool_scale_overrides').where('override_id', '=', overrideId).execute();
}

/** The pool of an override; null where there is no such override (any more). */
export async function poolOfOverride({ reader }: StateDatabase, overrideId: string): Promise<string | null> {
  const override = await reader
    .selectFrom('pool_scale_overrides')
    .select('pool_id')
    .where('override_id', '=', overrideId)
    .executeTakeFirst();
  return override?.pool_id ?? null;
}

/** What is left of an override, ms. */
function overrideLeftMs(row: OverrideRow, now: Moment): number {
  return leftUntil(deadlineOf(row.expires_at_ms, row), now);
}

/** When the first of some overrides expires, ms from now; null without any. */
export function nextExpiry(overrides: readonly OverrideRow[], now: Moment): number | null {
  if (overrides.length === 0) return null;
  return Math.min(...overrides.map((override) => overrideLeftMs(override, now)));
}

/** The overrides that have not expired. */
export async function liveOverrides(
  tx: StateTransaction,
  poolId: string,
  now: Moment,
): Promise<readonly OverrideRow[]> {
  return (await overridesOfPool(tx.db, poolId)).filter((override) => overrideLeftMs(override, now) > 0);
}

export async function deleteExpiredOverrides(
  tx: StateTransaction,
  poolId: string,
  now: Moment,
): Promise<readonly OverrideRow[]> {
  const expired = (await overridesOfPool(tx.db, poolId)).filter(
    (override) => overrideLeftMs(override, now) === 0,
  );
  for (const override of expired) {
    await tx.db.deleteFrom('pool_scale_overrides').where('override_id', '=', override.override_id).execute();
  }
  return expired;
}

/** At most `maxScaleOverridesPerPool`, and those that have just expired. */
export function overridesOfPool(db: Kysely<StateTables>, poolId: string): Promise<OverrideRow[]> {
  return db
    .selectFrom('pool_scale_overrides')
    .selectAll()
    .where('pool_id', '=', poolId)
    .orderBy('created_at_ms')
    .execute();
}
