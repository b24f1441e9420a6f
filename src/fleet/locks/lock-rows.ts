import type { StateDatabase, StateTransaction } from '#storage';
import { OmoiError } from '#telemetry';
import { idsOrNone, type Reach } from '../reach.ts';
import type { LockRow } from './lock-decision.ts';
import type { LockRequest } from './lock-request.ts';

const maxResourcesPerTransaction = 250;

export interface LockQuery {
  readonly resourceType: string | null;
  readonly agentId: string | null;
  /** Only locks of agents that a token's own may see; null: all. */
  readonly within?: Reach | null;
  readonly afterLockId: string | null;
  readonly limit: number;
}

/** Locks by id, as the database has them: a renewal since then is known to memory alone. */
export function selectLocks({ reader }: StateDatabase, query: LockQuery): Promise<LockRow[]> {
  let rows = reader.selectFrom('locks').selectAll().orderBy('lock_id').limit(query.limit);
  if (query.resourceType !== null) rows = rows.where('resource_type', '=', query.resourceType);
  if (query.agentId !== null) rows = rows.where('agent_id', '=', query.agentId);
  if (query.within) {
    const { agentIds, poolIds } = query.within;
    const ofPools = reader.selectFrom('agents').select('agent_id').where('pool_id', 'in', idsOrNone(poolIds));
    rows = rows.where((row) =>
      row.or([row('agent_id', 'in', idsOrNone(agentIds)), row('agent_id', 'in', ofPools)]),
    );
  }
  if (query.afterLockId !== null) rows = rows.where('lock_id', '>', query.afterLockId);
  return rows.execute();
}

/**
 * Holds the row of the resource, made where it is missing, until the transaction ends, and the agent's generation
 * with it. Returns the newest fencing token; a new resource's counts from the time, so that it grows even where
 * the resource had been forgotten.
 */
export async function lockResource(tx: StateTransaction, request: LockRequest): Promise<number> {
  const agent = await tx.db
    .selectFrom('agents')
    .select('generation')
    .where('agent_id', '=', request.agentId)
    .forShare()
    .executeTakeFirst();
  if (agent?.generation !== request.generation) {
    throw new OmoiError(
      'generation_superseded',
      `Generation ${request.generation} of agent ${request.agentId} is not its current one.`,
      { agent_id: request.agentId, current_generation: agent?.generation ?? null },
    );
  }
  for (;;) {
    const resource = await tx.db
      .selectFrom('lock_resources')
      .select('last_token')
      .where('resource_type', '=', request.resourceType)
      .where('resource_name', '=', request.resourceName)
      .forUpdate()
      .executeTakeFirst();
    if (resource) return resource.last_token;
    // Where somebody else makes it at the same time, it is his, and may even be forgotten before it is held here.
    await tx.db
      .insertInto('lock_resources')
      .values({
        resource_type: request.resourceType,
        resource_name: request.resourceName,
        last_token: tx.nowMs,
        touched_at_ms: tx.nowMs,
      })
      .onConflict((conflict) => conflict.columns(['resource_type', 'resource_name']).doNothing())
      .execute();
  }
}

/**
 * What a decision needs to know of the locks that are on a resource, which thousands may share: the asker's own, and any
 * one, as all are shared where one is.
 */
export async function locksDeciding(tx: StateTransaction, request: LockRequest): Promise<LockRow[]> {
  const rows = decidingQueries(tx.db, request).map((query) => query.execute());
  return (await Promise.all(rows)).flat();
}

/** Each walks one index to one row. */
export function decidingQueries(
  db: StateTransaction['db'] | StateDatabase['reader'],
  { resourceType, resourceName, agentId, generation, mode }: LockRequest,
) {
  const any = db
    .selectFrom('locks')
    .selectAll()
    .where('resource_type', '=', resourceType)
    .where('resource_name', '=', resourceName)
    .limit(1);
  const own = any
    .where('agent_id', '=', agentId)
    .where('generation', '=', generation)
    .where('lock_mode', '=', mode);
  return [own, any] as const;
}

/** Forgets resources, so many at a time, that nobody has locked since a time; returns how many. */
export async function deleteUnlocked(tx: StateTransaction, beforeMs: number): Promise<number> {
  const gone = await tx.db
    .deleteFrom('lock_resources')
    .where((row) =>
      row(
        row.refTuple('resource_type', 'resource_name'),
        'in',
        row
          .selectFrom('lock_resources as old')
          .select(['old.resource_type', 'old.resource_name'])
          .where('old.touched_at_ms', '<', beforeMs)
          .where((old) =>
            old.not(
              old.exists(
                old
                  .selectFrom('locks')
                  .select('locks.lock_id')
                  .whereRef('locks.resource_type', '=', 'old.resource_type')
                  .whereRef('locks.resource_name', '=', 'old.resource_name'),
              ),
            ),
          )
          .limit(maxResourcesPerTransaction)
          // One that is being locked is left.
          .forUpdate('old')
          .skipLocked()
          .$asTuple('resource_type', 'resource_name'),
      ),
    )
    .executeTakeFirst();
  return Number(gone.numDeletedRows);
}
