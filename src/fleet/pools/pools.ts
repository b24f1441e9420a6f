import type { StateTransaction } from '#storage';
import {
  concernsGenerations,
  momentOf,
  type FleetActivity,
  type PoolChange,
  type PoolDefinition,
  type Subscription,
} from '#telemetry';
import { AgentControl, type Restarted, type RestartOrder } from './agent-control.ts';
import { Convergence, ONCE_RELEASED, type Converged, type Retirement } from './convergence.ts';
import { ParkedOutputs } from './parked-outputs.ts';
import { ProcessBeats } from './process-beats.ts';
import { ConvergenceSchedule } from './convergence-schedule.ts';
import { assertPoolDefinition, effectiveCount } from './pool-definition.ts';
import type { Asked, PoolParts, WorkerConnection } from './pool-parts.ts';
import { PoolRoom } from './pool-room.ts';
import { PoolRolls } from './pool-rolls.ts';
import { RefusedReplicas } from './refused-replicas.ts';
import {
  assertActive,
  definitionOf,
  insertPool,
  lockPool,
  setConfiguredSize,
  unknownPool,
  updatePool,
  type PoolRow,
} from './pool-rows.ts';
import {
  readPool,
  readPools,
  readReplica,
  type PoolFilter,
  type PoolView,
  type ReplicaView,
} from './pool-view.ts';
import { confinementOf } from './worker-environment.ts';
import {
  assertAddsAgents,
  deleteScaleOverride,
  extendScaleOverride,
  liveOverrides,
  poolOfOverride,
  putScaleOverride,
  type ScaleOverride,
  nextExpiry,
} from './scale-overrides.ts';
import { UnitSupervisor } from './unit-supervisor.ts';
import {
  isLeaving,
  pendingRestart,
  poolUnits,
  vacateEndedPlaces,
  type UnitKey,
  type UnitRow,
} from './unit-rows.ts';
import { lastOutputOf } from './unit-end.ts';

interface ScaleResult {
  readonly effective: number;
  /** Wall ms since epoch. */
  readonly expiresAtMs: number;
}

/** Beyond the grace, for exits to be recorded. */
const STOP_MARGIN_MS = 1000;

/**
 * Pools and the processes of their agents. Every change is one transaction that leaves behind what should run;
 * the supervisor carries it out. What has failed stays down until somebody asks for a restart.
 */
export class Pools {
  readonly #parts: PoolParts;
  readonly #supervisor: UnitSupervisor;
  readonly #beats: ProcessBeats;
  readonly #convergence: Convergence;
  readonly #agents: AgentControl;
  readonly #known = new Map<string, PoolDefinition>();
  /** Those that are being removed. */
  readonly #leaving = new Map<string, PoolDefinition>();
  readonly #room: PoolRoom;
  readonly #ended = new Set<() => void>();
  readonly #schedule: ConvergenceSchedule;
  readonly #parkedOutputs: ParkedOutputs;
  readonly #rolls: PoolRolls;
  readonly #refused: RefusedReplicas;
  #listening: Subscription | null = null;

  constructor(parts: PoolParts, connection: WorkerConnection) {
    this.#parts = parts;
    this.#room = new PoolRoom(parts.maxAgents, {
      active: () => this.#known.values(),
      beingRemoved: () => this.#leaving.values(),
    });
    this.#schedule = new ConvergenceSchedule(parts, (poolId) => this.#convergeNow(poolId));
    this.#beats = new ProcessBeats(parts, (poolId) => this.#known.get(poolId) ?? this.#leaving.get(poolId));
    this.#supervisor = new UnitSupervisor({ ...parts, processBeats: this.#beats }, connection, {
      recorded: (tx, ended) => this.#convergence.followUp(tx, ended),
      committed: (poolId) => this.#onEnded(poolId),
      // A roll stops where too many have failed.
      startFailed: (poolId) => this.#schedule.soon(poolId),
    });
    this.#refused = new RefusedReplicas(parts.agents);
    this.#convergence = new Convergence(parts, this.#refused, {
      spawn: (key) => this.#supervisor.spawn(key),
      stop: (row) => this.#supervisor.stop(row),
    });
    this.#agents = new AgentControl(parts, this.#convergence);
    this.#parkedOutputs = new ParkedOutputs({ ...parts, lastOutput: (holder) => this.lastOutput(holder) });
    this.#rolls = new PoolRolls(parts, {
      control: this.#agents,
      onChange: (poolId) => this.#schedule.soon(poolId),
    });
  }

  /** Adopts what runs, then brings every pool to its count, also where somebody else has ended an agent on purpose. */
  async start(): Promise<void> {
    await this.#parkedOutputs.start();
    await this.#beats.start();
    await this.#supervisor.start();
    this.#listening = this.#parts.activity.onActivity((told) => this.#onActivity(told));
    await this.#parts.database.transaction(vacateEndedPlaces);
    const pools = await this.#parts.database.reader.selectFrom('pools').selectAll().execute();
    for (const row of pools) {
      this.#know(row);
      this.#schedule.soon(row.pool_id);
    }
    this.#rolls.start();
  }

  /** Stops looking after the processes: they go on. */
  async close(): Promise<void> {
    this.#listening?.stop();
    this.#rolls.stop();
    this.#schedule.stop();
    this.#beats.close();
    await this.#parkedOutputs.stop();
    await this.#supervisor.close();
  }

  /** Ends every process, with SIGKILL after `graceMs`. They are started again when Omoi starts again. */
  async stopAll(graceMs: number): Promise<void> {
    this.#rolls.stop();
    this.#schedule.stop();
    // A policy that sees the queue grow meanwhile would leave behind what it starts.
    this.#convergence.startNothingMore();
    const { database, clock } = this.#parts;
    const live = await database.transaction(async (tx) => {
      const rows = await tx.db.selectFrom('agent_units').selectAll().where('state', '!=', 'ended').execute();
      for (const process of rows) {
        await lockPool(tx, process.pool_id);
        await this.#convergence.retire(tx, graceMs, { process, ...this.#stopOf(process) });
      }
      return rows.length;
    });
    if (live === 0) return;
    const deadlineMs = clock.monotonicMs() + graceMs + STOP_MARGIN_MS;
    while (clock.monotonicMs() < deadlineMs && (await this.#countLive()) > 0) {
      await this.#nextEnd(deadlineMs - clock.monotonicMs());
    }
  }

  /** How an agent is stopped with Omoi: one in quarantine stays there, and is started again when it is released. */
  #stopOf(process: UnitRow): Omit<Retirement, 'process'> {
    const isInQuarantine = this.#parts.agents.get(process.agent_id)?.status === 'QUARANTINED';
    if (!isInQuarantine || isLeaving(process)) return { desiredState: 'retired', by: 'omoi' };
    return { desiredState: 'replaced', by: 'omoi', restart: pendingRestart(process) ?? ONCE_RELEASED };
  }

  /** The units that run, by the name of their runtime. */
  runningUnits(): readonly { readonly runtime: string; readonly handle: string }[] {
    return this.#supervisor.runningUnits();
  }

  /** The pools that are not being removed, from memory. */
  definitions(): readonly PoolDefinition[] {
    return [...this.#known.values()];
  }

  /** The end of what a generation put out, of its errors first; empty where nothing is known of it. */
  lastOutput(key: UnitKey): Promise<string> {
    return lastOutputOf(this.#parts.runtimes, key);
  }

  /** The newest generation of an agent that Omoi starts; null for one that it doesn't. */
  replica(agentId: string): Promise<ReplicaView | null> {
    return readReplica(agentId, this.#parts);
  }

  list(filter: PoolFilter): Promise<readonly PoolView[]> {
    return readPools(filter, this.#reading);
  }

  /** @throws OmoiError `unknown_pool` */
  async get(poolId: string): Promise<PoolView> {
    const view = await readPool(poolId, this.#reading);
    if (!view) throw unknownPool(poolId);
    return view;
  }

  /** @throws OmoiError `invalid_request`, `pool_bounds`, `pool_exists`, `transition_not_allowed` */
  async create(pool: PoolDefinition, asked: Asked): Promise<PoolView> {
    this.#assert(pool);
    await this.#redefine(pool.id, asked, (tx) => this.#insert(tx, pool));
    return this.get(pool.id);
  }

  /**
   * Makes a pool what the configuration says, new or not. A size that a person has set since the configuration's was taken
   * over stays, within the bounds, until the configuration names another one.
   */
  async declare(pool: PoolDefinition, asked: Asked): Promise<void> {
    this.#assert(pool);
    const known = await readPool(pool.id, this.#reading);
    const missing = this.#notEnforced(pool);
    if (missing.length > 0) {
      this.#parts.logger.warn(
        { pool_id: pool.id, not_enforced: missing },
        'The pool runs with less protection than it asks for.',
      );
    }
    if (!known) {
      await this.#redefine(pool.id, asked, async (tx) => {
        await this.#insert(tx, pool);
        await setConfiguredSize(tx, pool);
      });
      return;
    }
    const isTaken = known.configuredDesired === pool.desired;
    const { desired } = isTaken ? known.definition : pool;
    const wanted = { ...pool, desired: effectiveCount({ ...pool, desired }, 0) };
    if (JSON.stringify(known.definition) !== JSON.stringify(wanted)) {
      const change = differenceOf(known.definition, wanted);
      await this.#redefine(pool.id, asked, async (tx) => {
        await this.#change(tx, pool.id, { change, asked });
        await setConfiguredSize(tx, pool);
      });
    } else if (!isTaken) await this.#parts.database.transaction((tx) => setConfiguredSize(tx, pool));
  }

  /**
   * Changes a pool. What holds for a generation from its start on is brought to its replicas in turn, so that at most
   * `maxUnavailable` are away because of it.
   * @throws OmoiError `unknown_pool`, `invalid_request`, `pool_bounds`
   */
  async update(poolId: string, change: PoolChange, asked: Asked): Promise<PoolView> {
    await this.#redefine(poolId, asked, (tx) => this.#change(tx, poolId, { change, asked }));
    return this.get(poolId);
  }

  async #change(
    tx: StateTransaction,
    poolId: string,
    { change, asked }: { readonly change: PoolChange; readonly asked: Asked },
  ): Promise<void> {
    const row = await lockPool(tx, poolId);
    assertActive(row);
    const after = { ...definitionOf(row), ...change };
    this.#assert(after);
    this.#room.take(tx, after);
    await updatePool(tx, row, change);
    if (concernsGenerations(change)) await this.#rolls.redefined(tx, row, { after, asked });
    const intended = (await poolUnits(tx, poolId)).filter(({ state }) => state === 'intended');
    // What failed to start may start now: its next attempt is not waited for.
    tx.afterCommit(() => {
      if (change.command !== undefined) this.#beats.forgetProgram(poolId);
      for (const { agent_id: agentId, generation } of intended) {
        this.#supervisor.spawn({ agentId, generation, poolId });
      }
    });
  }

  /**
   * Stops every agent of the pool; the pool is gone when the last has ended. Repeating it changes nothing.
   * @throws OmoiError `unknown_pool`
   */
  async remove(poolId: string, asked: Asked): Promise<void> {
    await this.#redefine(poolId, asked, async (tx) => {
      await lockPool(tx, poolId);
      await tx.db.updateTable('pools').set({ state: 'removing' }).where('pool_id', '=', poolId).execute();
    });
  }

  /**
   * Adds agents to a pool until the override expires.
   * @throws OmoiError `unknown_pool`, `invalid_request`
   */
  async setScaleOverride(override: ScaleOverride): Promise<ScaleResult> {
    const { poolId } = override;
    assertAddsAgents(override);
    const expiresAtMs = await this.#rescale(poolId, override, async (tx) => {
      assertActive(await lockPool(tx, poolId));
      return putScaleOverride(tx, override, momentOf(this.#parts.clock, tx.nowMs));
    });
    return { effective: (await this.get(poolId)).effective, expiresAtMs };
  }

  /**
   * Moves an override's expiry to `ttlMs` from now. Returns false when it has expired: nothing is changed.
   */
  async extendScaleOverride(overrideId: string, ttlMs: number): Promise<boolean> {
    const poolId = await poolOfOverride(this.#parts.database, overrideId);
    if (poolId === null) return false;
    return this.#parts.database.transaction(async (tx) => {
      await lockPool(tx, poolId);
      const now = momentOf(this.#parts.clock, tx.nowMs);
      const extended = await extendScaleOverride(tx, { poolId, overrideId, ttlMs }, now);
      const expiresInMs = nextExpiry(await liveOverrides(tx, poolId, now), now);
      tx.afterCommit(() => this.#schedule.in(poolId, expiresInMs));
      return extended;
    });
  }

  /**
   * Takes an override back: the agents it brought finish their work and leave. Repeating it changes nothing, nor does
   * asking a pool for another pool's override.
   */
  async removeScaleOverride(
    { overrideId, ofPool = null }: { readonly overrideId: string; readonly ofPool?: string | null },
    asked: Asked,
  ): Promise<void> {
    const poolId = await poolOfOverride(this.#parts.database, overrideId);
    if (poolId === null || (ofPool !== null && poolId !== ofPool)) return;
    await this.#rescale(poolId, asked, async (tx) => {
      await lockPool(tx, poolId);
      await deleteScaleOverride(tx, overrideId);
    });
  }

  /**
   * Generation n+1 shall run. A healthy n drains first: it takes no new work, gets SIGTERM and, after the pool's
   * grace, SIGKILL; what it finishes meanwhile counts, the rest goes back to the queue. An n that hangs is not waited
   * for: its work is in the queue at once, and it gets SIGKILL, or, where the pool lets n+1 overlap, the grace while
   * n+1 runs already. Repeating the order, or giving one while an earlier is under way, changes nothing.
   * @throws OmoiError `unknown_agent`, `agent_not_managed`, `unknown_generation`, `transition_not_allowed`
   */
  restart(order: RestartOrder): Promise<Restarted> {
    return this.#agents.restart(order);
  }

  /**
   * Stops an agent until somebody restarts it; its replica is not filled. Repeating it changes nothing.
   * @throws OmoiError `unknown_agent`, `agent_not_managed`
   */
  stop(order: { readonly agentId: string } & Asked): Promise<void> {
    return this.#agents.stop(order);
  }

  get #reading() {
    const { database, clock } = this.#parts;
    const notStarted = (poolId: string) => this.#refused.of(poolId);
    return { database, clock, notEnforced: this.#notEnforced, notStarted };
  }

  readonly #notEnforced = (pool: PoolDefinition): readonly string[] => {
    const runtime = this.#parts.runtimes.find(({ name }) => name === pool.runtime);
    const wanted = confinementOf(pool);
    if (runtime?.notEnforced) return runtime.notEnforced(wanted);
    return Object.entries(wanted).some(([, value]) => value !== null && value !== false)
      ? [`the runtime ${pool.runtime} takes neither user nor limits`]
      : [];
  };

  async #insert(tx: StateTransaction, pool: PoolDefinition): Promise<void> {
    this.#room.take(tx, pool);
    await insertPool(tx, pool);
  }

  #assert(pool: PoolDefinition): void {
    assertPoolDefinition(
      pool,
      this.#parts.runtimes.map((runtime) => runtime.name),
    );
  }

  /** A change of what a pool is, what follows from it and its event, in one transaction. */
  async #redefine(
    poolId: string,
    asked: Asked,
    work: (tx: StateTransaction) => Promise<void>,
  ): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      await work(tx);
      const { row, effective } = await this.#converge(tx, poolId, asked);
      await this.#convergence.tellChanged(tx, { row, effective, reason: asked.reason, asked });
      if (row.state === 'active') tx.afterCommit(() => this.#know(row));
    });
  }

  #know(row: PoolRow): void {
    const pool = definitionOf(row);
    const isActive = row.state === 'active';
    if (isActive) this.#known.set(pool.id, pool);
    else {
      this.#known.delete(pool.id);
      this.#leaving.set(pool.id, pool);
    }
    this.#parts.tasks.limitTimes(pool.id, isActive ? pool.timeLimitsMs : null);
  }

  /** Of a pool that is being removed: it counts until its last agent has ended. */
  #knowRemoved(row: PoolRow, isGone: boolean): void {
    this.#know(row);
    if (!isGone) return;
    this.#leaving.delete(row.pool_id);
    this.#beats.forgetProgram(row.pool_id);
  }

  /** A change of a pool's overrides and what follows from it; an event only where it moves something. */
  async #rescale<Result>(
    poolId: string,
    asked: Asked,
    work: (tx: StateTransaction) => Promise<Result>,
  ): Promise<Result> {
    return this.#parts.database.transaction(async (tx) => {
      const result = await work(tx);
      const { row, effective, moved } = await this.#converge(tx, poolId, asked);
      if (moved) await this.#convergence.tellChanged(tx, { row, effective, reason: asked.reason, asked });
      return result;
    });
  }

  async #converge(
    tx: StateTransaction,
    poolId: string,
    asked: Asked,
  ): Promise<Converged & { readonly row: PoolRow }> {
    const row = await lockPool(tx, poolId);
    const converged = await this.#convergence.converge(tx, row, asked);
    if (row.roll !== null) await this.#rolls.step(tx, row, { effective: converged.effective, asked });
    if (row.state === 'removing') tx.afterCommit(() => this.#knowRemoved(row, converged.isGone));
    const size = converged.isGone ? null : converged.effective;
    tx.afterCommit(() => {
      this.#schedule.in(poolId, converged.expiresInMs);
      this.#parts.activity.setPoolSize(poolId, size);
    });
    return { ...converged, row };
  }

  /** Who had the id of a replica may have left it. */
  #onActivity(told: FleetActivity): void {
    const poolId = told.kind === 'agent' ? this.#refused.poolFreedBy(told.agentId) : null;
    if (poolId !== null) this.#schedule.soon(poolId);
  }

  #onEnded(poolId: string): void {
    for (const resolve of this.#ended) resolve();
    this.#schedule.soon(poolId);
  }

  async #convergeNow(poolId: string): Promise<void> {
    const asked = { reason: 'pool_converged', by: 'omoi', traceparent: null };
    await this.#parts.database.transaction((tx) => {
      this.#schedule.began(poolId);
      return this.#converge(tx, poolId, asked);
    });
  }

  async #countLive(): Promise<number> {
    const rows = await this.#parts.database.reader
      .selectFrom('agent_units')
      .select('agent_id')
      .where('state', '!=', 'ended')
      .execute();
    return rows.length;
  }

  /** Resolves at the next recorded exit, or when the time is over. */
  #nextEnd(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        this.#ended.delete(finish);
        resolve();
      };
      const timer = this.#parts.clock.after(withinMs, finish);
      this.#ended.add(finish);
    });
  }
}

/** The keys in which a definition differs from another of the same pool. */
function differenceOf(before: PoolDefinition, after: PoolDefinition): PoolChange {
  const old: Readonly<Record<string, unknown>> = { ...before };
  const differs = ([name, value]: readonly [string, unknown]): boolean =>
    JSON.stringify(value) !== JSON.stringify(old[name]);
  return Object.fromEntries(Object.entries(after).filter(differs));
}
