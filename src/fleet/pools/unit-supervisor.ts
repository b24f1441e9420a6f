import { backoffMs, messageOf, OmoiError, type PoolDefinition, type Span, momentOf } from '#telemetry';
import type { StateTransaction } from '#storage';
import { readGeneration } from '../agents/agent-rows.ts';
import type { EndedUnit, Runtime, StartedUnit } from '../runtimes/runtime.ts';
import {
  definitionOf,
  lockPool,
  setPoolError,
  setSpawnFailure,
  type PoolRow,
  startPauseLeftMs,
} from './pool-rows.ts';
import type { PoolParts, WorkerConnection } from './pool-parts.ts';
import { startDefinitionOf } from './roll-rows.ts';
import { countGivenUp, OutageLog, persist, type PersistOptions } from './persist.ts';
import type { RecordedEnd } from './convergence.ts';
import { madeOf } from './made-of.ts';
import { EarlierUnits, keyOf, nameOf, type PoolKey } from './earlier-units.ts';
import {
  changeUnit,
  hasLiveOlder,
  hasOtherLive,
  intendedAfter,
  isLeaving,
  readUnit,
  reasonOfStop,
  setEnded,
  setRunning,
  type UnitRow,
  graceOf,
  killLeftMs,
} from './unit-rows.ts';
import type { ProcessBeats } from './process-beats.ts';
import { UnitActivityWatch } from './unit-activity-watch.ts';
import { LastOutputs } from './last-outputs.ts';
import { UNWATCHED, type UnitEnd } from './unit-end.ts';
import { UnitUsageWatch } from './unit-usage-watch.ts';
import { SpawnQueue } from './spawn-queue.ts';
import { DEFAULT_START_LIMITS, StartRates } from './start-rates.ts';
import { UnitStopper } from './unit-stopper.ts';
import { confinementOf, workerEnvironment } from './worker-environment.ts';

/** Between the failed spawns of a pool. */
const SPAWN_BACKOFF = { firstMs: 500, maxMs: 60_000 };

/** A process whose exit will be told. */
interface Watched {
  readonly key: PoolKey;
  readonly runtime: Runtime;
  readonly recorded: Promise<void>;
  /** Monotonic: from when on its end is one that was watched; before, it may have come while no server was there. */
  readonly watchedFromMs: number;
}

/** Everything needed to start one intended process. */
interface SpawnOrder {
  readonly key: PoolKey;
  readonly pool: PoolDefinition;
  readonly nonce: string;
  readonly token: string;
  readonly parent: string | null;
}

/** What follows the end of a pool's unit. */
interface UnitEnds {
  /** In the transaction that records the end. */
  recorded(tx: StateTransaction, ended: RecordedEnd): Promise<void>;
  /** After its commit. */
  committed(poolId: string): void;
  /** A start has failed, after the commit that records it. */
  startFailed(poolId: string): void;
}

/**
 * Brings processes to what is written down, and writes down what becomes of them: intended ones are spawned,
 * unwanted ones stopped, exits recorded. It decides nothing about which processes there should be.
 */
export class UnitSupervisor {
  readonly #parts: PoolParts;
  readonly #connection: WorkerConnection;
  readonly #ends: UnitEnds;
  readonly #runtimes: ReadonlyMap<string, Runtime>;
  readonly #stopper: UnitStopper;
  readonly #earlier: EarlierUnits;
  readonly #activity: UnitActivityWatch;
  readonly #usage: UnitUsageWatch;
  readonly #lastOutputs: LastOutputs;
  readonly #beats: ProcessBeats;
  readonly #outages: OutageLog;
  readonly #closing = new AbortController();
  readonly #running = new Map<string, Watched>();
  readonly #tokens = new Map<string, string>();
  readonly #spawns: SpawnQueue<PoolKey>;
  readonly #settled = new Set<Promise<unknown>>();

  constructor(
    parts: PoolParts & { readonly processBeats: ProcessBeats },
    connection: WorkerConnection,
    ends: UnitEnds,
  ) {
    this.#parts = parts;
    this.#beats = parts.processBeats;
    this.#connection = connection;
    this.#outages = new OutageLog(parts);
    this.#ends = ends;
    this.#stopper = new UnitStopper(parts.clock, (handle, error) =>
      parts.logger.warn(
        { handle, error: messageOf(error) },
        'The runtime could not be asked to stop a unit.',
      ),
    );
    this.#spawns = new SpawnQueue<PoolKey>(
      parts.clock,
      {
        nameOf,
        poolOf: ({ poolId }) => poolId,
        spawn: async (key) => (await this.#track(this.#bringUp(key))) ?? false,
        waiting: (keys) => keys.forEach((key) => parts.silence.awaitsStart(key)),
      },
      new StartRates(parts.clock, parts.startLimits ?? DEFAULT_START_LIMITS),
    );
    this.#activity = new UnitActivityWatch(parts, this.#running);
    this.#usage = new UnitUsageWatch(parts, this.#running);
    this.#lastOutputs = new LastOutputs(parts);
    this.#runtimes = new Map(parts.runtimes.map((runtime) => [runtime.name, runtime]));
    for (const runtime of parts.runtimes) runtime.onEnd((ended) => this.#onEnd(ended));
    this.#earlier = new EarlierUnits(parts, {
      runtimes: this.#runtimes,
      spawn: (key) => this.spawn(key),
      watch: (handle, unit) => {
        this.#running.set(handle, { ...unit, recorded: Promise.resolve() });
        this.#beats.add(handle, unit);
      },
      took: (taken) => this.#took(taken),
      stop: (row) => this.#stop(row, graceOf(row)),
      gone: (key) => void this.#track(this.#recordEnd(key, { ...UNWATCHED, perhapsAlive: true })),
      startSpan: (key, parent) => this.#startSpan(key, parent),
      persisting: (what, key) => this.#persisting(what, key),
    });
  }

  /** Takes over what an earlier server left. */
  async start(): Promise<void> {
    await this.#earlier.takeOver();
    this.#spawns.begin();
  }

  /**
   * To be called after the commit of an intent. Before `start` it waits: a remediation that goes on after a restart of Omoi
   * asks for processes before these could find the server.
   */
  spawn(key: PoolKey): void {
    this.#spawns.add(key);
  }

  /** To be called after the commit of a stop. */
  stop(row: UnitRow): void {
    this.#drain(row);
    if (row.state === 'running') this.#stop(row);
    // An intent is taken back, unless it is being spawned: then it is stopped once it runs.
    else this.spawn(keyOf(row));
  }

  runningUnits(): readonly { readonly runtime: string; readonly handle: string }[] {
    return [...this.#running].map(([handle, { runtime }]) => ({ runtime: runtime.name, handle }));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#activity.close();
    this.#usage.close();
    this.#lastOutputs.close();
    this.#earlier.close();
    this.#stopper.close();
    this.#spawns.stop();
    for (const runtime of this.#runtimes.values()) runtime.close();
    await Promise.all(this.#settled);
  }

  /** Never rejects: null where it failed. `close` waits for it. */
  #track<Result>(work: Promise<Result>): Promise<Result | null> {
    const settled = work
      .catch((error: unknown) => {
        this.#parts.logger.error(
          { error: messageOf(error) },
          'Agent process not started, stopped or recorded, for a reason of the server’s own.',
        );
        return null;
      })
      .finally(() => this.#settled.delete(settled));
    this.#settled.add(settled);
    return settled;
  }

  /** @returns whether a unit was started, or was to be and could not */
  async #bringUp(key: PoolKey): Promise<boolean> {
    if (await this.#earlier.recover(key)) return false;
    const order = await persist(this.#persisting('The order to start an agent', key), (tx) =>
      this.#prepare(tx, key),
    );
    if (!order) return false;
    const runtime = this.#requireRuntime(order.pool.runtime);
    const span = this.#startSpan(key, order.parent);
    const result = await runtime.start({
      agentId: key.agentId,
      generation: key.generation,
      command: order.pool.command,
      cwd: order.pool.cwd,
      confinement: confinementOf(order.pool),
      nonce: order.nonce,
      env: workerEnvironment(
        order.pool,
        { ...key, nonce: order.nonce, token: order.token, traceparent: span.traceparent },
        this.#connection,
      ),
    });
    switch (result.kind) {
      case 'started':
        await this.#took({ key, runtime, started: result.unit, span });
        break;
      case 'failed':
        span.fail(result.error);
        await this.#recordFailure(order, result.error, span.traceparent);
        break;
    }
    span.end();
    return true;
  }

  #startSpan(key: PoolKey, parent: string | null): Span {
    return this.#parts.tracing.startSpan('fleet.spawn', {
      parent,
      attributes: {
        'omoi.agent.id': key.agentId,
        'omoi.agent.generation': key.generation,
        'omoi.pool.id': key.poolId,
      },
    });
  }

  /** null when there is nothing to spawn, or not now. */
  async #prepare(tx: StateTransaction, key: PoolKey): Promise<SpawnOrder | null> {
    const poolRow = await lockPool(tx, key.poolId);
    const row = await readUnit(tx, key);
    const name = nameOf(key);
    if (row?.state !== 'intended' || row.nonce === null) return null;
    if (row.desired_state !== 'run') {
      await this.#end(tx, { pool: poolRow, unit: row }, UNWATCHED);
      this.#tokens.delete(name);
      return null;
    }
    // Its end starts this one: what it still holds (a port, a lock) nobody else could have.
    if (!definitionOf(poolRow).overlap && (await hasLiveOlder(tx, key))) return null;
    const waitMs = startPauseLeftMs(poolRow, momentOf(this.#parts.clock, tx.nowMs));
    if (waitMs > 0) {
      const { last_error: error } = poolRow;
      tx.afterCommit(() => {
        if (error !== null) this.#parts.silence.couldNotStart(key, error);
        this.#spawns.addAfter(key, waitMs);
      });
      return null;
    }
    const pool = startDefinitionOf(poolRow);
    // The definition may have changed since the generation was opened.
    if (row.made_of !== madeOf(pool)) await changeUnit(tx, key, { made_of: madeOf(pool) });
    const { enqueueFor } = pool;
    const { agentTokens } = this.#parts;
    const token = this.#tokens.get(name) ?? (await agentTokens.mint(tx, { ...key, enqueueFor }));
    tx.afterCommit(() => this.#tokens.set(name, token));
    return {
      key,
      pool,
      nonce: row.nonce,
      token,
      parent: row.traceparent,
    };
  }

  /** From here on the process is known in memory; its exit is written down after its start. */
  async #took(taken: {
    readonly key: PoolKey;
    readonly runtime: Runtime;
    readonly started: StartedUnit;
    readonly span: Span;
  }): Promise<void> {
    const { key, runtime, started, span } = taken;
    span.setAttributes({ 'process.pid': started.pid ?? 0 });
    const recorded = this.#recordStart(key, started, span.traceparent);
    const watchedFromMs = this.#parts.clock.monotonicMs();
    this.#running.set(started.handle, { key, runtime, recorded, watchedFromMs });
    await recorded;
    if (this.#running.has(started.handle)) this.#beats.add(started.handle, { key, runtime });
  }

  async #recordStart(key: PoolKey, started: StartedUnit, traceparent: string): Promise<void> {
    const { bus } = this.#parts;
    const row = await persist(this.#persisting('The start of an agent', key), async (tx) => {
      const poolRow = await lockPool(tx, key.poolId);
      const generation = await readGeneration(tx, key.agentId, key.generation);
      await setRunning(tx, key, { started, own: this.#parts });
      await this.#parts.generations.started(tx, { ...key, traceparent });
      if (poolRow.spawn_failures > 0) await setSpawnFailure(tx, key.poolId, null);
      await bus.append(tx, {
        event_type: 'fleet.agent.spawned',
        entity_type: 'agent',
        entity_id: key.agentId,
        payload: {
          agent_id: key.agentId,
          agent_type: definitionOf(poolRow).agentType,
          pool_id: key.poolId,
          generation: key.generation,
          pid: started.pid,
          reason: generation?.reason ?? 'unknown',
        },
        traceparent,
      });
      return readUnit(tx, key);
    });
    this.#tokens.delete(nameOf(key));
    this.#parts.silence.started(key);
    // Somebody changed their mind while it was being spawned.
    if (row && row.kill_at_ms !== null) this.#stop(row);
  }

  async #recordFailure(order: SpawnOrder, error: string, traceparent: string): Promise<void> {
    const { bus, random } = this.#parts;
    const retryInMs = await persist(this.#persisting('A failed start', order.key), async (tx) => {
      // Not those that were known before it: its definition may have changed meanwhile, and with it the count begins anew.
      const failures = (await lockPool(tx, order.key.poolId)).spawn_failures + 1;
      const retryInMs = backoffMs(failures, SPAWN_BACKOFF, random);
      const now = momentOf(this.#parts.clock, tx.nowMs);
      await setSpawnFailure(tx, order.key.poolId, { failures, error, retryInMs, now });
      await bus.append(tx, {
        event_type: 'fleet.pool.spawn_failed',
        entity_type: 'pool',
        entity_id: order.key.poolId,
        payload: { pool_id: order.key.poolId, error, retry_in_ms: retryInMs },
        traceparent,
      });
      return retryInMs;
    });
    this.#parts.silence.couldNotStart(order.key, error);
    this.#ends.startFailed(order.key.poolId);
    this.#parts.metrics
      .counter('omoi_pool_spawn_failures_total', 'Agent processes that could not be started.')
      .add(1, { pool_id: order.key.poolId });
    if (retryInMs !== null) this.#spawns.addAfter(order.key, retryInMs);
  }

  #stop(row: UnitRow, graceMs = killLeftMs(row, momentOf(this.#parts.clock))): void {
    if (row.kill_at_ms === null) return;
    this.#drain(row);
    if (this.#earlier.stopElsewhere(row)) return;
    const runtime = this.#runtimes.get(row.runtime);
    if (!runtime || row.handle === null) return;
    this.#stopper.stop(runtime, row.handle, graceMs);
  }

  #drain(row: UnitRow): void {
    this.#parts.drains.drain(keyOf(row), { leaves: isLeaving(row) });
  }

  #onEnd({ handle, exit }: EndedUnit): void {
    const known = this.#running.get(handle);
    if (!known) return;
    this.#running.delete(handle);
    this.#beats.remove(handle);
    this.#stopper.ended(handle);
    const watched = exit !== null || this.#parts.clock.monotonicMs() >= known.watchedFromMs;
    void this.#track(this.#recordExit(known, { exitCode: null, signal: null, ...exit, watched }));
  }

  async #recordExit(known: Watched, exit: UnitEnd): Promise<void> {
    await known.recorded;
    await this.#recordEnd(known.key, exit);
  }

  async #recordEnd(key: PoolKey, exit: UnitEnd): Promise<void> {
    // Read before the transaction: in there only the database is asked.
    const lastOutput = await this.#lastOutputs.of(key);
    await persist(this.#persisting('The exit of an agent', key), async (tx) => {
      const pool = await lockPool(tx, key.poolId);
      const unit = await readUnit(tx, key);
      if (unit && unit.state !== 'ended') await this.#end(tx, { pool, unit }, { ...exit, lastOutput });
    });
  }

  async #end(
    tx: StateTransaction,
    { pool, unit: row }: { readonly pool: PoolRow; readonly unit: UnitRow },
    exit: UnitEnd,
  ): Promise<void> {
    await setEnded(tx, keyOf(row), exit);
    // What may run on another machine is told why it is refused when it is heard again.
    if (exit.perhapsAlive !== true) {
      const isLast = !(await hasOtherLive(tx, keyOf(row)));
      await this.#parts.agentTokens.end(tx, { ...keyOf(row), isLast });
    }
    await this.#parts.generations.recordExit(tx, {
      agentId: row.agent_id,
      generation: row.generation,
      exitCode: exit.exitCode,
      signal: exit.signal,
      outOfMemory: exit.outOfMemory === true,
      watched: exit.watched,
      lastOutput: exit.lastOutput ?? null,
      asked: reasonOfStop(row),
      isFollowed: !isLeaving(row),
      once: false,
      traceparent: row.traceparent,
    });
    const waiting = await intendedAfter(tx, keyOf(row));
    await this.#ends.recorded(tx, { pool, unit: row });
    tx.afterCommit(() => {
      this.#beats.ended(keyOf(row));
      for (const follower of waiting) this.spawn(keyOf(follower));
      this.#ends.committed(row.pool_id);
    });
  }

  #requireRuntime(name: string): Runtime {
    const runtime = this.#runtimes.get(name);
    if (!runtime) throw new OmoiError('invalid_request', `runtime: "${name}" is unknown.`);
    return runtime;
  }

  #persisting(what: string, { poolId, agentId }: PoolKey): PersistOptions {
    const { database, clock, random, logger, metrics } = this.#parts;
    return {
      database,
      clock,
      random,
      outages: this.#outages,
      signal: this.#closing.signal,
      what,
      onGivenUp: (error) => {
        const reason = messageOf(error);
        logger.error(
          { pool_id: poolId, agent_id: agentId, what, error: reason },
          'Unit not recorded: given up.',
        );
        countGivenUp(metrics, poolId);
        void this.#track(
          database.transaction((tx) => setPoolError(tx, poolId, `${what} could not be recorded: ${reason}`)),
        );
      },
    };
  }
}
