import type { StateTransaction } from '#storage';
import { elapsedMs, generationKeysOf, momentOf, type PoolDefinition, type Timer } from '#telemetry';
import type { AgentControl } from './agent-control.ts';
import { madeOf } from './made-of.ts';
import type { Asked, PoolParts } from './pool-parts.ts';
import { definitionOf, setSpawnFailure, type PoolRow } from './pool-rows.ts';
import { newestOf } from './replica-plan.ts';
import { isWell, planRoll, ROLL_STOPPED, ROLLED } from './roll-plan.ts';
import { forgetIllness, rollOf, setRoll, stampUnits, trustUnits, type Roll } from './roll-rows.ts';
import { RollWatch } from './roll-watch.ts';
import {
  changeUnit,
  illFrom,
  illSinceOf,
  poolUnits,
  vacateFinishedPlaces,
  type UnitRow,
} from './unit-rows.ts';

interface PoolRollParts {
  readonly control: AgentControl;
  /** Has a pool's replicas looked at. */
  readonly onChange: (poolId: string) => void;
}

/** How often the agents of pools that roll are looked at; a plan costs a transaction, a look does not. */
const LOOK_EVERY_MS = 250;
/** How long a new generation has at least until it is well, and one that fell ill until it is again. */
const MIN_ROLL_VERIFY_WITHIN_MS = 60_000;
/** Beside its `start_within`, in which the wait for its turn to be started does not count. */
const ROLL_START_MARGIN_MS = 30_000;

type Told = Roll['state'] | 'completed';

/**
 * Brings the replicas of a pool whose definition has changed to it, a few at a time. The row says whether it rolls, the
 * units what they are made of: a server that starts again goes on where the last one was.
 */
export class PoolRolls {
  readonly #parts: Pick<PoolParts, 'bus' | 'clock' | 'agents' | 'logger'>;
  readonly #rolls: PoolRollParts;
  readonly #watch: RollWatch;
  #timer: Timer | null = null;

  constructor(parts: Pick<PoolParts, 'bus' | 'clock' | 'agents' | 'logger'>, rolls: PoolRollParts) {
    this.#parts = parts;
    this.#rolls = rolls;
    this.#watch = new RollWatch(parts.clock, (id) => parts.agents.get(id));
  }

  start(): void {
    this.#timer = this.#parts.clock.every(LOOK_EVERY_MS, () => {
      for (const poolId of this.#watch.changed()) this.#rolls.onChange(poolId);
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** A locked pool gets another definition: a roll begins anew, whatever became of one before. */
  async redefined(
    tx: StateTransaction,
    row: PoolRow,
    { after, asked }: { readonly after: PoolDefinition; readonly asked: Asked },
  ): Promise<void> {
    const before = definitionOf(row);
    await stampUnits(tx, before.id, madeOf(before));
    const wanted = madeOf(after);
    if (wanted === madeOf(before) && row.roll === null) return;
    if (wanted !== madeOf(before)) await vacateFinishedPlaces(tx, before.id);
    await trustUnits(tx, before.id, wanted);
    await forgetIllness(tx, before.id);
    // Starts of another definition that failed say nothing of this one.
    await setSpawnFailure(tx, before.id, null);
    const from = rollOf(row)?.from ?? generationKeysOf(before);
    const roll = { state: 'rolling', reason: `${asked.reason}, asked by ${asked.by}`, from } as const;
    await setRoll(tx, after.id, roll);
    await this.#tell(tx, after.id, roll);
    tx.afterCommit(() => this.#watch.forget(after.id));
  }

  /** The next step of a locked pool that rolls. */
  async step(
    tx: StateTransaction,
    row: PoolRow,
    { effective, asked }: { readonly effective: number; readonly asked: Asked },
  ): Promise<void> {
    const poolId = row.pool_id;
    const roll = rollOf(row);
    if (roll?.state !== 'rolling' || row.state !== 'active') {
      tx.afterCommit(() => this.#watch.forget(poolId));
      return;
    }
    const pool = definitionOf(row);
    const verifyWithinMs = verifyWithinMsOf(pool);
    const now = momentOf(this.#parts.clock, tx.nowMs);
    const healthOf = (unit: UnitRow) => {
      const since = illSinceOf(unit);
      const ill = { elapsedMs: since && elapsedMs(since, now), verifyWithinMs };
      return this.#watch.look(poolId, keyOf(unit), ill);
    };
    const plan = planRoll({
      poolId,
      effective,
      units: newestOf(await poolUnits(tx, poolId)),
      madeOf: madeOf(pool),
      maxUnavailable: pool.maxUnavailable,
      verifyWithinMs,
      spawnFailures: { count: row.spawn_failures, error: row.last_error },
      healthOf,
    });
    for (const unit of plan.watched) {
      const { status } = healthOf(unit);
      const isIll = status === null || !isWell(status);
      if (isIll !== (illSinceOf(unit) !== null))
        await changeUnit(tx, keyOf(unit), illFrom(isIll ? now : null));
    }
    for (const unit of plan.verified) await changeUnit(tx, keyOf(unit), { verified_at_ms: tx.nowMs });
    if (plan.stopped !== null) {
      const stopped = { state: 'stopped', reason: plan.stopped } as const;
      await setRoll(tx, poolId, { ...stopped, from: roll.from });
      const order = { reason: ROLL_STOPPED, by: asked.by, traceparent: asked.traceparent };
      for (const process of plan.putBack) await this.#rolls.control.roll(tx, { row, process, order });
      tx.afterCommit(() => plan.putBack.length > 0 && this.#rolls.onChange(poolId));
      return this.#end(tx, poolId, stopped);
    }
    if (plan.completed) {
      await setRoll(tx, poolId, null);
      return this.#end(tx, poolId, { state: 'completed', reason: 'all replicas have the new definition' });
    }
    const order = { reason: ROLLED, by: asked.by, traceparent: asked.traceparent };
    for (const process of plan.replace) await this.#rolls.control.roll(tx, { row, process, order });
    tx.afterCommit(() => {
      this.#watch.await(poolId, plan.watched, verifyWithinMs);
      // Generations that were opened at once are looked at from now on.
      if (plan.replace.length > 0) this.#rolls.onChange(poolId);
    });
  }

  async #end(
    tx: StateTransaction,
    poolId: string,
    told: { readonly state: Told; readonly reason: string },
  ): Promise<void> {
    const { state, reason } = told;
    await this.#tell(tx, poolId, told);
    tx.afterCommit(() => {
      this.#watch.forget(poolId);
      if (state !== 'stopped') return;
      this.#parts.logger.warn(
        { pool_id: poolId, reason },
        'Pool roll stopped: what starts gets the last one that worked, until the definition changes.',
      );
    });
  }

  async #tell(
    tx: StateTransaction,
    poolId: string,
    { state, reason }: { readonly state: Told; readonly reason: string },
  ): Promise<void> {
    await this.#parts.bus.append(tx, {
      event_type: 'fleet.pool.roll_changed',
      entity_type: 'pool',
      entity_id: poolId,
      payload: { pool_id: poolId, state, reason },
      traceparent: null,
    });
  }
}

/** Whoever may take long to register is not ill meanwhile. */
function verifyWithinMsOf({ startWithinMs }: PoolDefinition): number {
  return Math.max(MIN_ROLL_VERIFY_WITHIN_MS, startWithinMs + ROLL_START_MARGIN_MS);
}

function keyOf({ agent_id: agentId, generation }: UnitRow) {
  return { agentId, generation };
}
