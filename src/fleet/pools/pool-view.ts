import { deadlineOf, type StateDatabase } from '#storage';
import {
  momentOf,
  paced,
  Stretch,
  wallTimeOfDeadline,
  type Clock,
  type Moment,
  type PoolDefinition,
} from '#telemetry';
import { madeOf } from './made-of.ts';
import { effectiveCount, replicaOf } from './pool-definition.ts';
import { definitionOf, type PoolRow } from './pool-rows.ts';
import type { RefusedReplica } from './refused-replicas.ts';
import { rollOf, type Roll } from './roll-rows.ts';
import { overridesOfPool, type OverrideRow } from './scale-overrides.ts';
import { newestUnit, type UnitRow } from './unit-rows.ts';
import { newestOf } from './replica-plan.ts';

/** One replica of a pool and the newest generation in it. Times are wall ms since epoch, by the present clock. */
export interface ReplicaView {
  readonly replica: number;
  readonly agentId: string;
  readonly generation: number;
  readonly unit: UnitRow['state'];
  readonly desiredState: UnitRow['desired_state'];
  readonly pid: number | null;
  /** The machine on which it runs; null where it does not, or that is unknown. */
  readonly host: string | null;
  readonly startedAtMs: number | null;
  /** When it is killed if it has not ended by then. */
  readonly killAtMs: number | null;
  /** Why its pool could not start one, where this one has still to be started; null where nothing is known to stand in the way. */
  readonly startError: string | null;
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
  /** The size that the configuration gave it last; null where it never did. */
  readonly configuredDesired: number | null;
  readonly state: PoolRow['state'];
  /** How many agents there shall be now. */
  readonly effective: number;
  readonly spawnFailures: number;
  readonly lastError: string | null;
  /** What of its confinement this machine can't give, each with the reason. */
  readonly notEnforced: readonly string[];
  readonly nextAttemptAtMs: number | null;
  /** Replicas that are not started because of the agents that have their ids. */
  readonly notStarted: readonly RefusedReplica[];
  /** Its replicas are brought to a changed definition; null: they have it. */
  readonly roll: (Roll & { readonly remaining: number }) | null;
  readonly overrides: readonly OverrideView[];
  readonly replicas: readonly ReplicaView[];
}

/** What of a pool's confinement its runtime can't give. */
type NotEnforced = (pool: PoolDefinition) => readonly string[];
/** Which of a pool's replicas are not started, and why. */
type NotStarted = (poolId: string) => readonly RefusedReplica[];

export interface PoolFilter {
  /** The pools behind this one; null: from the first. */
  readonly afterPoolId: string | null;
  readonly limit: number;
}

interface PoolReading {
  readonly database: StateDatabase;
  readonly clock: Clock;
  readonly notEnforced: NotEnforced;
  readonly notStarted: NotStarted;
}

/** Pools by id. */
export async function readPools(
  filter: PoolFilter,
  { database: { reader }, clock, notEnforced, notStarted }: PoolReading,
): Promise<readonly PoolView[]> {
  const pools = await reader
    .selectFrom('pools')
    .selectAll()
    .where('pool_id', '>', filter.afterPoolId ?? '')
    .orderBy('pool_id')
    .limit(filter.limit)
    .execute();
  const [first, last] = [pools[0]?.pool_id, pools.at(-1)?.pool_id];
  if (first === undefined || last === undefined) return [];
  const overrides = await reader
    .selectFrom('pool_scale_overrides')
    .selectAll()
    .where('pool_id', '>=', first)
    .where('pool_id', '<=', last)
    .orderBy('created_at_ms')
    .execute();
  const units = await reader
    .selectFrom('agent_units')
    .selectAll()
    .where('pool_id', '>=', first)
    .where('pool_id', '<=', last)
    .execute();
  const overridesOf = Map.groupBy(overrides, (override) => override.pool_id);
  const unitsOf = Map.groupBy(units, (unit) => unit.pool_id);
  const views = function* (): Generator<void, readonly PoolView[]> {
    const found: PoolView[] = [];
    for (const pool of pools) {
      const { pool_id: id } = pool;
      const of = {
        overrides: overridesOf.get(id) ?? [],
        units: unitsOf.get(id) ?? [],
        notEnforced,
        notStarted,
      };
      found.push(viewOf(pool, { ...of, now: momentOf(clock) }));
      yield;
    }
    return found;
  };
  // Each definition is JSON of up to some megabytes.
  return paced(views(), new Stretch(clock));
}

export async function readPool(
  poolId: string,
  { database: { reader }, clock, notEnforced, notStarted }: PoolReading,
): Promise<PoolView | null> {
  const pool = await reader.selectFrom('pools').selectAll().where('pool_id', '=', poolId).executeTakeFirst();
  if (!pool) return null;
  const overrides = await overridesOfPool(reader, poolId);
  const units = await reader.selectFrom('agent_units').selectAll().where('pool_id', '=', poolId).execute();
  return viewOf(pool, { overrides, units, notEnforced, notStarted, now: momentOf(clock) });
}

export async function readReplica(
  agentId: string,
  { database, clock }: Pick<PoolReading, 'database' | 'clock'>,
): Promise<ReplicaView | null> {
  const unit = await newestUnit(database.reader, agentId);
  if (!unit) return null;
  const pool = await database.reader
    .selectFrom('pools')
    .select(['spawn_failures', 'last_error'])
    .where('pool_id', '=', unit.pool_id)
    .executeTakeFirst();
  return replicaViewOf(unit, pool ?? null, momentOf(clock));
}

function viewOf(
  pool: PoolRow,
  {
    overrides,
    units,
    notEnforced,
    notStarted,
    now,
  }: {
    readonly overrides: readonly OverrideRow[];
    readonly units: readonly UnitRow[];
    readonly notEnforced: NotEnforced;
    readonly notStarted: NotStarted;
    readonly now: Moment;
  },
): PoolView {
  const definition = definitionOf(pool);
  const added = overrides.reduce((sum, override) => sum + override.add_count, 0);
  return {
    definition,
    configuredDesired: pool.configured_desired,
    state: pool.state,
    effective: pool.state === 'removing' ? 0 : effectiveCount(definition, added),
    spawnFailures: pool.spawn_failures,
    lastError: pool.last_error,
    notEnforced: notEnforced(definition),
    nextAttemptAtMs:
      pool.next_attempt_at_ms && wallTimeOfDeadline(deadlineOf(pool.next_attempt_at_ms, pool), now),
    notStarted: notStarted(pool.pool_id),
    roll: rollViewOf(pool, newestOf(units)),
    overrides: overrides.map((override) => ({
      overrideId: override.override_id,
      add: override.add_count,
      holder: override.holder,
      reason: override.reason,
      expiresAtMs: wallTimeOfDeadline(deadlineOf(override.expires_at_ms, override), now),
    })),
    replicas: newestOf(units)
      .map((unit) => replicaViewOf(unit, pool, now))
      .sort((a, b) => a.replica - b.replica),
  };
}

function rollViewOf(pool: PoolRow, units: readonly UnitRow[]): PoolView['roll'] {
  const roll = rollOf(pool);
  if (!roll) return null;
  const wanted = madeOf(definitionOf(pool));
  const isOld = ({ made_of: made, desired_state: desired }: UnitRow): boolean =>
    made !== null && made !== wanted && (desired === 'run' || desired === 'replaced');
  return { ...roll, remaining: units.filter(isOld).length };
}

function replicaViewOf(
  unit: UnitRow,
  pool: Pick<PoolRow, 'spawn_failures' | 'last_error'> | null,
  now: Moment,
): ReplicaView {
  return {
    replica: replicaOf(unit.pool_id, unit.agent_id) ?? 0,
    agentId: unit.agent_id,
    generation: unit.generation,
    unit: unit.state,
    desiredState: unit.desired_state,
    pid: unit.state === 'running' ? unit.pid : null,
    host: unit.state === 'running' ? unit.host : null,
    startedAtMs: unit.started_at_ms,
    killAtMs: unit.kill_at_ms && wallTimeOfDeadline(deadlineOf(unit.kill_at_ms, unit), now),
    startError: unit.state === 'intended' && pool && pool.spawn_failures > 0 ? pool.last_error : null,
  };
}
