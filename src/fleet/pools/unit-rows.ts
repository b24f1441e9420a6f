import type { Kysely, Selectable } from 'kysely';
import { deadlineOf, type StateTables, type StateTransaction } from '#storage';
import { leftUntil, type Moment, type PersistedMoment } from '#telemetry';
import { FINISHED } from '../agents/exit-meaning.ts';
import type { Asked } from './pool-parts.ts';
import { hostColumns, type OwnHost } from './unit-host.ts';
import type { StartedUnit, UnitExit } from '../runtimes/runtime.ts';

export type UnitRow = Selectable<StateTables['agent_units']>;

export interface UnitKey {
  readonly agentId: string;
  readonly generation: number;
}

/** The restart that follows the end of a unit that drains. */
export function pendingRestart(row: UnitRow): Asked | null {
  // Written by `AgentControl`, and by nobody else.
  return row.restart === null ? null : (JSON.parse(row.restart) as Asked);
}

export interface UnitIntent extends UnitKey {
  readonly poolId: string;
  readonly runtime: string;
  readonly nonce: string;
  readonly madeOf: string;
  readonly traceparent: string | null;
}

/** Committed before anything is spawned. */
export async function insertIntent(tx: StateTransaction, intent: UnitIntent, own: OwnHost): Promise<void> {
  await tx.db
    .insertInto('agent_units')
    .values({
      agent_id: intent.agentId,
      generation: intent.generation,
      pool_id: intent.poolId,
      runtime: intent.runtime,
      state: 'intended',
      desired_state: 'run',
      nonce: intent.nonce,
      made_of: intent.madeOf,
      traceparent: intent.traceparent,
      intended_at_ms: tx.nowMs,
      ...hostColumns(own),
    })
    .execute();
}

export async function readUnit(tx: StateTransaction, key: UnitKey): Promise<UnitRow | null> {
  const row = await tx.db
    .selectFrom('agent_units')
    .selectAll()
    .where('agent_id', '=', key.agentId)
    .where('generation', '=', key.generation)
    .executeTakeFirst();
  return row ?? null;
}

/** All generations of a pool that have not ended, and the newest of each agent. */
export function poolUnits(tx: StateTransaction, poolId: string): Promise<UnitRow[]> {
  return tx.db
    .selectFrom('agent_units')
    .selectAll()
    .where('pool_id', '=', poolId)
    .orderBy('agent_id')
    .orderBy('generation')
    .execute();
}

/** Whether a generation before this one has not ended. */
export async function hasLiveOlder(tx: StateTransaction, key: UnitKey): Promise<boolean> {
  const older = await tx.db
    .selectFrom('agent_units')
    .select('generation')
    .where('agent_id', '=', key.agentId)
    .where('generation', '<', key.generation)
    .where('state', '!=', 'ended')
    .executeTakeFirst();
  return older !== undefined;
}

/** Whether another generation has a process. */
export async function hasOtherLive(tx: StateTransaction, key: UnitKey): Promise<boolean> {
  const other = await tx.db
    .selectFrom('agent_units')
    .select('generation')
    .where('agent_id', '=', key.agentId)
    .where('generation', '!=', key.generation)
    .where('state', '=', 'running')
    .executeTakeFirst();
  return other !== undefined;
}

/** The later generations that are to be started. */
export function intendedAfter(tx: StateTransaction, key: UnitKey): Promise<UnitRow[]> {
  return tx.db
    .selectFrom('agent_units')
    .selectAll()
    .where('agent_id', '=', key.agentId)
    .where('generation', '>', key.generation)
    .where('state', '=', 'intended')
    .execute();
}

type UnitChange = Partial<Omit<UnitRow, 'agent_id' | 'generation' | 'pool_id'>>;

export async function changeUnit(tx: StateTransaction, key: UnitKey, change: UnitChange): Promise<void> {
  await tx.db
    .updateTable('agent_units')
    .set(change)
    .where('agent_id', '=', key.agentId)
    .where('generation', '=', key.generation)
    .execute();
}

/** The process is known: its nonce is not needed any more. */
export function setRunning(
  tx: StateTransaction,
  key: UnitKey,
  { started, own }: { readonly started: StartedUnit; readonly own: OwnHost },
): Promise<void> {
  return changeUnit(tx, key, {
    state: 'running',
    nonce: null,
    handle: started.handle,
    pid: started.pid,
    started_at_ms: tx.nowMs,
    ...hostColumns(own),
  });
}

/** A unit that another server was to start runs on its machine: it has registered. */
export function setRunningElsewhere(tx: StateTransaction, key: UnitKey): Promise<void> {
  return changeUnit(tx, key, { state: 'running', nonce: null, started_at_ms: tx.nowMs });
}

export function setEnded(tx: StateTransaction, key: UnitKey, exit: UnitExit): Promise<void> {
  return changeUnit(tx, key, {
    state: 'ended',
    nonce: null,
    kill_at_ms: null,
    ended_at_ms: tx.nowMs,
    exit_code: exit.exitCode,
    exit_signal: exit.signal,
  });
}

/** What is left until a unit is ended by force, ms; infinite while nothing stops it. */
export function killLeftMs(row: UnitRow, now: Moment): number {
  return row.kill_at_ms === null ? Number.POSITIVE_INFINITY : leftUntil(deadlineOf(row.kill_at_ms, row), now);
}

/**
 * The whole grace of a stop, ms; 0 where it is by force, or nothing stops the unit. An earlier server may have ended before it
 * asked anybody: the next one asks, and gives it once more.
 */
export function graceOf({ kill_at_ms: killAtMs, deadline_set_at_ms: setAtMs }: UnitRow): number {
  return killAtMs === null || setAtMs === null ? 0 : Math.max(0, killAtMs - setAtMs);
}

/** Since when a unit has not been well while the roll of its pool waits for it; null where it is, or nothing waits. */
export function illSinceOf({
  ill_since_ms: wallMs,
  ill_boot_ms: bootMs,
  ill_boot_id: bootId,
}: Pick<UnitRow, 'ill_since_ms' | 'ill_boot_ms' | 'ill_boot_id'>): PersistedMoment | null {
  return wallMs === null ? null : { wallMs, bootMs, bootId };
}

/** @param now null: it is well */
export function illFrom(now: Moment | null): Pick<UnitRow, 'ill_since_ms' | 'ill_boot_ms' | 'ill_boot_id'> {
  return {
    ill_since_ms: now && Math.floor(now.wallMs),
    ill_boot_ms: now && Math.floor(now.bootMs),
    ill_boot_id: now && now.bootId,
  };
}

/** Why a unit was asked to end: `stopped by ann`, `retired`, `replaced`; null where nobody asked. */
export function reasonOfStop({
  desired_state: desired,
  stopped_by: by,
}: Pick<UnitRow, 'desired_state' | 'stopped_by'>): string | null {
  if (desired === 'run') return null;
  return desired === 'stopped' && by !== null ? `stopped by ${by}` : desired;
}

/** Whether a unit was asked to end, and none follows it. */
export function isLeaving({ desired_state: desired }: Pick<UnitRow, 'desired_state'>): boolean {
  return desired === 'retired' || desired === 'stopped';
}

/**
 * Opens the places of units that ended on purpose without Omoi being asked: a shutdown of the machine or the service
 * ends workers beside their server, and must not leave a pool without them for ever. What has finished its work has it done.
 */
export async function vacateEndedPlaces(tx: StateTransaction): Promise<void> {
  await vacating(tx, '!=').execute();
}

/** Opens the places of those that have finished their work: their pool has other work for them. */
export async function vacateFinishedPlaces(tx: StateTransaction, poolId: string): Promise<void> {
  await vacating(tx, '=').where('pool_id', '=', poolId).execute();
}

/** @param finished whether those that have finished their work, or all others that ended on purpose */
function vacating(tx: StateTransaction, finished: '=' | '!=') {
  return tx.db
    .updateTable('agent_units')
    .set({ desired_state: 'retired' })
    .where('state', '=', 'ended')
    .where('desired_state', '=', 'run')
    .where((where) =>
      where.exists(
        where
          .selectFrom('agents')
          .select('agents.agent_id')
          .whereRef('agents.agent_id', '=', 'agent_units.agent_id')
          .whereRef('agents.generation', '=', 'agent_units.generation')
          .where('agents.status', '=', 'TERMINATED')
          .where('agents.status_reason', finished, FINISHED),
      ),
    );
}

/** Older ended generations of an agent are not needed to decide anything; the registry keeps their history. */
export async function forgetOlderUnits(tx: StateTransaction, key: UnitKey): Promise<void> {
  await tx.db
    .deleteFrom('agent_units')
    .where('agent_id', '=', key.agentId)
    .where('generation', '<', key.generation)
    .where('state', '=', 'ended')
    .execute();
}

/** The newest generation of an agent that Omoi starts; null for one that it doesn't. */
export async function newestUnit(db: Kysely<StateTables>, agentId: string): Promise<UnitRow | null> {
  const row = await db
    .selectFrom('agent_units')
    .selectAll()
    .where('agent_id', '=', agentId)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}
