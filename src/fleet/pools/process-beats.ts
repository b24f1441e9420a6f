import type { StateDatabase } from '#storage';
import {
  messageOf,
  type HeartbeatSource,
  type PoolDefinition,
  type ProcessActivity,
  type Timer,
} from '#telemetry';
import type { Runtime } from '../runtimes/runtime.ts';
import { nameOf } from './earlier-units.ts';
import { madeOf } from './made-of.ts';
import type { PoolParts } from './pool-parts.ts';
import { changesCommand, startDefinitionOf } from './roll-rows.ts';
import type { UnitKey } from './unit-rows.ts';

/** Much less than the shortest TTL that agents have without asking for one. */
const LOOK_EVERY_MS = 250;
/** A look that took long is followed by a pause of this many times its length, but never by one that lets a beat come late. */
const PAUSE_FOR_LOOK = 20;

type Unit = UnitKey & { readonly poolId: string };

interface BeatenUnit {
  readonly key: Unit;
  readonly runtime: Runtime;
  /** Monotonic: since when this server knows that it runs. */
  readonly runsSinceMs: number;
  /** Whether Omoi has registered it in its place. */
  stoodIn: boolean;
  isAsking: boolean;
  nextBeatMs: number;
}

type Parts = Pick<PoolParts, 'database' | 'clock' | 'logger' | 'agents' | 'silence'>;

/**
 * Beats for the units of pools whose programs say nothing by themselves: Omoi registers them and tells, as their heartbeat,
 * what their processes do. A pool says so (`heartbeat: process`), or it is detected: a program that has not registered
 * within `start_within`, in a pool of which none ever has, is one that does not.
 */
export class ProcessBeats {
  readonly #parts: Parts;
  readonly #poolOf: (poolId: string) => PoolDefinition | undefined;
  readonly #units = new Map<string, BeatenUnit>();
  /** Pools of which a program has registered by itself … */
  readonly #speaking = new Set<string>();
  /** … and those of which none has in its time: the next one is not waited for. */
  readonly #silent = new Set<string>();
  /** Who beat for those that ran under an earlier server and have not been taken over yet, by `AGENT/GENERATION`. */
  readonly #before = new Map<string, HeartbeatSource>();
  readonly #timer: Timer;
  #isLooking = false;
  #restUntilMs = 0;

  constructor(parts: Parts, poolOf: (poolId: string) => PoolDefinition | undefined) {
    this.#parts = parts;
    this.#poolOf = poolOf;
    this.#timer = parts.clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  /** Reads who has registered by itself, and for whom Omoi did; before the first unit is added. */
  async start(): Promise<void> {
    for (const { poolId, heartbeat, isOfPresent, hasEnded, ...key } of await readHeartbeats(
      this.#parts.database,
    )) {
      if (!hasEnded) this.#before.set(nameOf(key), heartbeat);
      if (isOfPresent) (heartbeat === 'process' ? this.#silent : this.#speaking).add(poolId);
    }
  }

  /** A unit runs. */
  add(handle: string, { key, runtime }: Pick<BeatenUnit, 'key' | 'runtime'>): void {
    const runsSinceMs = this.#parts.clock.monotonicMs();
    const before = this.#before.get(nameOf(key));
    this.#before.delete(nameOf(key));
    if (before === 'sdk') return;
    const stoodIn = before === 'process';
    this.#units.set(handle, { key, runtime, runsSinceMs, stoodIn, isAsking: false, nextBeatMs: runsSinceMs });
  }

  /** A unit does not run any more. */
  remove(handle: string): void {
    this.#units.delete(handle);
  }

  /** The end of a unit is on record, also of one that was never taken over. */
  ended(key: UnitKey): void {
    this.#before.delete(nameOf(key));
  }

  /** How many units of an earlier server are known that have not been taken over. */
  get awaited(): number {
    return this.#before.size;
  }

  /** Another command may say something, or nothing; so may that of another pool that is called like one that is gone. */
  forgetProgram(poolId: string): void {
    this.#speaking.delete(poolId);
    this.#silent.delete(poolId);
  }

  close(): void {
    this.#timer.cancel();
  }

  async #look(): Promise<void> {
    const { clock, logger } = this.#parts;
    const startedMs = clock.monotonicMs();
    if (this.#isLooking || startedMs < this.#restUntilMs) return;
    this.#isLooking = true;
    try {
      const due = Map.groupBy(this.#due(startedMs), ([, { runtime }]) => runtime);
      await Promise.all([...due].map(([runtime, units]) => this.#beat(runtime, units)));
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, 'Processes that Omoi beats for not looked at; tried again.');
    } finally {
      this.#isLooking = false;
      const endedMs = clock.monotonicMs();
      this.#restUntilMs = endedMs + Math.min(LOOK_EVERY_MS, PAUSE_FOR_LOOK * (endedMs - startedMs));
    }
  }

  /** The units whose next beat is due. */
  #due(nowMs: number): [string, BeatenUnit][] {
    const due: [string, BeatenUnit][] = [];
    for (const [handle, unit] of this.#units) {
      if (unit.isAsking || !this.#isSilent(handle, unit, nowMs) || nowMs < unit.nextBeatMs) continue;
      due.push([handle, unit]);
    }
    return due;
  }

  /** Whether Omoi beats for it; who turns out to speak for itself is forgotten here. */
  #isSilent(handle: string, unit: BeatenUnit, nowMs: number): boolean {
    const { key, stoodIn } = unit;
    const agent = this.#parts.agents.get(key.agentId);
    const pool = this.#poolOf(key.poolId);
    if (!pool || agent?.generation !== key.generation) return false;
    if (stoodIn) {
      if (pool.heartbeat === 'process' || !agent.speaks) return true;
      this.#speaksItself(handle, unit);
      return false;
    }
    switch (agent.status) {
      case 'SPAWNING':
        if (this.#mayStandIn(unit, pool, nowMs)) void this.#standIn(unit);
        return false;
      case 'IDLE':
      case 'RUNNING':
      case 'DEGRADED':
        this.#speaksItself(handle, unit);
        return false;
      case 'STALLED':
      case 'UNRESPONSIVE':
      case 'QUARANTINED':
      case 'FAILED':
      case 'TERMINATED':
        return false;
    }
  }

  #speaksItself(handle: string, { key }: BeatenUnit): void {
    this.#speaking.add(key.poolId);
    this.#units.delete(handle);
  }

  #mayStandIn({ key, runsSinceMs }: BeatenUnit, pool: PoolDefinition, nowMs: number): boolean {
    switch (pool.heartbeat) {
      case 'process':
        return true;
      case 'sdk':
        return false;
      case null:
        if (this.#speaking.has(key.poolId)) return false;
        return this.#silent.has(key.poolId) || nowMs - runsSinceMs >= pool.startWithinMs;
    }
  }

  async #standIn(unit: BeatenUnit): Promise<void> {
    const { agents, logger } = this.#parts;
    const { agentId, generation, poolId } = unit.key;
    unit.isAsking = true;
    try {
      unit.stoodIn = await agents.standIn({ agentId, generation });
      if (unit.stoodIn) {
        this.#silent.add(poolId);
        const fields = { agent_id: agentId, generation, pool_id: poolId };
        logger.info(
          fields,
          'The program does not register by itself: Omoi watches its process and beats for it',
        );
      }
    } catch (thrown) {
      const fields = { agent_id: agentId, error: messageOf(thrown) };
      logger.warn(
        fields,
        'A program that does not register could not be registered in its place; tried again.',
      );
    } finally {
      unit.isAsking = false;
    }
  }

  async #beat(runtime: Runtime, units: readonly (readonly [string, BeatenUnit])[]): Promise<void> {
    const seen = await runtime.activity(units.map(([handle]) => handle));
    for (const [handle, unit] of units) {
      const activity = seen.get(handle) ?? (await this.#unseen(runtime, handle));
      if (activity === null || !this.#units.has(handle)) continue;
      this.#parts.silence.beatFor(unit.key, activity);
      const intervalMs = this.#parts.agents.get(unit.key.agentId)?.pace.intervalMs ?? LOOK_EVERY_MS;
      unit.nextBeatMs = this.#parts.clock.monotonicMs() + intervalMs - LOOK_EVERY_MS;
    }
  }

  /** What is to be said of a unit whose processes can't be looked at, or have only been looked at once: nothing where it has ended. */
  async #unseen(runtime: Runtime, handle: string): Promise<ProcessActivity | null> {
    return (await runtime.observe(handle)).kind === 'running' ? 'idle' : null;
  }
}

/** How the newest generation that registered of each agent did so since its pool was made. */
async function readHeartbeats({ reader }: StateDatabase) {
  const pools = await reader.selectFrom('pools').select(['pool_id', 'definition', 'roll']).execute();
  const changing = new Map(
    pools.filter(changesCommand).map((pool) => [pool.pool_id, madeOf(startDefinitionOf(pool))]),
  );
  const rows = await reader
    .selectFrom('agent_generations as one')
    .innerJoin('agents', 'agents.agent_id', 'one.agent_id')
    .innerJoin('pools', 'pools.pool_id', 'agents.pool_id')
    .leftJoin('agent_units as unit', (join) =>
      join.onRef('unit.agent_id', '=', 'one.agent_id').onRef('unit.generation', '=', 'one.generation'),
    )
    .select(['one.agent_id as agentId', 'one.generation', 'one.heartbeat'])
    .select(['pools.pool_id as poolId', 'unit.made_of as madeOf', 'unit.state'])
    .where('agents.managed', '=', 1)
    .whereRef('one.opened_at_ms', '>=', 'pools.created_at_ms')
    .where('one.generation', '=', (of) =>
      of
        .selectFrom('agent_generations as other')
        .select((column) => column.fn.max('other.generation').as('newest'))
        .whereRef('other.agent_id', '=', 'one.agent_id')
        .where('other.registered_at_ms', 'is not', null),
    )
    .execute();
  return rows.map(({ madeOf: unitMadeOf, heartbeat, state, ...row }) => ({
    ...row,
    hasEnded: state === null || state === 'ended',
    // Null of those before that was kept: by itself.
    heartbeat: heartbeat ?? ('sdk' as const),
    // Where the pool is on its way to another command, what has the former one says nothing of what starts now.
    isOfPresent: !changing.has(row.poolId) || changing.get(row.poolId) === unitMadeOf,
  }));
}
