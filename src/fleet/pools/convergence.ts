import { type StateTransaction, deadlineSet } from '#storage';
import { messageOf, OmoiError, momentOf } from '#telemetry';
import { madeOf } from './made-of.ts';
import { effectiveCount, replicaAgentId } from './pool-definition.ts';
import type { Asked, PoolParts } from './pool-parts.ts';
import { definitionOf, type PoolRow } from './pool-rows.ts';
import { startDefinitionOf } from './roll-rows.ts';
import { deleteExpiredOverrides, liveOverrides, nextExpiry } from './scale-overrides.ts';
import {
  changeUnit,
  forgetOlderUnits,
  insertIntent,
  pendingRestart,
  poolUnits,
  reasonOfStop,
  type UnitRow,
  killLeftMs,
} from './unit-rows.ts';
import type { RefusedReplicas } from './refused-replicas.ts';
import { newestOf, planReplicas } from './replica-plan.ts';
import { createSpawnNonce } from './spawn-nonce.ts';

/** What follows from a committed change: to be carried out after the commit. */
export interface Consequences {
  spawn(key: { readonly agentId: string; readonly generation: number; readonly poolId: string }): void;
  stop(row: UnitRow): void;
}

interface Opening {
  readonly agentId: string;
  readonly asked: Asked;
}

export interface Retirement {
  readonly process: UnitRow;
  readonly desiredState: 'stopped' | 'retired' | 'replaced';
  /** The person, token or policy that asks. */
  readonly by: string;
  /** What follows its end; a retirement without one takes back what an earlier one had. */
  readonly restart?: Asked | null;
}

export interface Converged {
  readonly effective: number;
  /** Whether generations were opened or retired. */
  readonly moved: boolean;
  /** It was being removed, and its last agent has ended: nothing of it is left. */
  readonly isGone: boolean;
  /** How long until the next override expires; null without overrides. */
  readonly expiresInMs: number | null;
}

/** The restart of an agent that was stopped with Omoi while it was in quarantine. */
export const ONCE_RELEASED: Asked = { reason: 'released_from_quarantine', by: 'omoi', traceparent: null };

/** A unit whose end is recorded. */
export interface RecordedEnd {
  readonly pool: PoolRow;
  readonly unit: UnitRow;
}

/** Why a replica got a generation; what made the pool larger is in its own event. */
const SCALED_UP = 'pool_scaled_up';

/**
 * Brings what is recorded of a pool in line with the count it should have, inside the transaction of whatever
 * changed. The caller holds the pool's row.
 */
export class Convergence {
  readonly #parts: PoolParts;
  readonly #refused: RefusedReplicas;
  readonly #consequences: Consequences;
  #startsNothing = false;

  constructor(parts: PoolParts, refused: RefusedReplicas, consequences: Consequences) {
    this.#parts = parts;
    this.#refused = refused;
    this.#consequences = consequences;
  }

  /** From now on what should run is written down alone: the next start of Omoi starts it. */
  startNothingMore(): void {
    this.#startsNothing = true;
  }

  async converge(tx: StateTransaction, row: PoolRow, asked: Asked): Promise<Converged> {
    const now = momentOf(this.#parts.clock, tx.nowMs);
    const expired = await deleteExpiredOverrides(tx, row.pool_id, now);
    const overrides = await liveOverrides(tx, row.pool_id, now);
    const added = overrides.reduce((sum, override) => sum + override.add_count, 0);
    const pool = definitionOf(row);
    const effective = row.state === 'removing' ? 0 : effectiveCount(pool, added);
    if (expired.length > 0)
      await this.tellChanged(tx, { row, effective, reason: 'scale_override_expired', asked });
    const processes = await poolUnits(tx, row.pool_id);
    const newest = newestOf(processes);
    const plan = planReplicas(row.pool_id, effective, newest);
    const restarts = new Map(newest.map((process) => [process.agent_id, pendingRestart(process)]));
    // An override's own trace is that of the workers it brings.
    const cause = overrides.at(-1)?.traceparent ?? null;
    const wanted = new Set(plan.open.map((replica) => replicaAgentId(row.pool_id, replica)));
    tx.afterCommit(() => this.#refused.keep(row.pool_id, wanted));
    for (const agentId of wanted) {
      if (this.#refused.stands(agentId)) continue;
      const scaledUp = { reason: SCALED_UP, by: asked.by, traceparent: asked.traceparent ?? cause };
      await this.#openReplica(tx, row, { agentId, asked: restarts.get(agentId) ?? scaledUp });
    }
    for (const process of plan.retire)
      await this.retire(tx, pool.graceMs, { process, desiredState: 'retired', by: asked.by });
    const isGone = row.state === 'removing' && processes.every((process) => process.state === 'ended');
    if (isGone) await this.#remove(tx, row.pool_id);
    return {
      effective,
      isGone,
      moved: plan.open.length + plan.retire.length > 0,
      expiresInMs: nextExpiry(overrides, now),
    };
  }

  /**
   * After the end of a process: opens the generation that was asked for while it drained; where the agent is in quarantine,
   * when it is released.
   */
  async followUp(tx: StateTransaction, { pool, unit }: RecordedEnd): Promise<void> {
    const restart = pendingRestart(unit);
    if (restart === null || pool.state !== 'active') return;
    await this.#openReplica(tx, pool, { agentId: unit.agent_id, asked: restart });
  }

  /** Opens generation n+1 (or the first) and writes down that it shall run. Returns the generation. */
  async open(tx: StateTransaction, row: PoolRow, opening: Opening): Promise<number> {
    const { agentId, asked } = opening;
    const nonce = createSpawnNonce();
    const pool = startDefinitionOf(row);
    const generation = await this.#parts.generations.openGeneration(tx, {
      agentId,
      agentType: pool.agentType,
      poolId: pool.id,
      phaseId: pool.phaseId,
      heartbeatIntervalMs: pool.heartbeatIntervalMs,
      heartbeatTtlMs: pool.heartbeatTtlMs,
      startWithinMs: pool.startWithinMs,
      provider: pool.provider,
      nonce,
      reason: asked.reason,
      requestedBy: asked.by,
      traceparent: asked.traceparent,
    });
    const key = { agentId, generation, poolId: pool.id };
    const { traceparent } = asked;
    const intent = { ...key, runtime: pool.runtime, nonce, madeOf: madeOf(pool), traceparent };
    await insertIntent(tx, intent, this.#parts);
    await forgetOlderUnits(tx, key);
    tx.afterCommit(() => {
      if (!this.#startsNothing) this.#consequences.spawn(key);
    });
    return generation;
  }

  /**
   * Writes down that a process shall not run any more; it has the grace to end by itself, or what is left of one that
   * it had before.
   */
  async retire(tx: StateTransaction, graceMs: number, retirement: Retirement): Promise<void> {
    const { process, desiredState, by, restart = null } = retirement;
    const change = {
      desired_state: desiredState,
      stopped_by: by,
      restart: restart === null ? null : JSON.stringify(restart),
    };
    const now = momentOf(this.#parts.clock, tx.nowMs);
    const deadline =
      process.state === 'ended'
        ? { kill_at_ms: null }
        : {
            kill_at_ms: Math.round(tx.nowMs + Math.min(graceMs, killLeftMs(process, now))),
            ...deadlineSet(now),
          };
    await changeUnit(
      tx,
      { agentId: process.agent_id, generation: process.generation },
      { ...change, ...deadline },
    );
    if (process.state === 'ended') {
      const { agent_id: agentId, generation, traceparent } = process;
      // A replaced one has a follower, which speaks for the agent.
      if (desiredState !== 'replaced')
        await this.#parts.generations.writeOff(tx, {
          agentId,
          generation,
          reason: reasonOfStop(change) ?? desiredState,
          traceparent,
        });
      return;
    }
    tx.afterCommit(() => this.#consequences.stop({ ...process, ...change, ...deadline }));
  }

  async tellChanged(
    tx: StateTransaction,
    change: {
      readonly row: PoolRow;
      readonly effective: number;
      readonly reason: string;
      readonly asked: Asked;
    },
  ): Promise<void> {
    const { row, effective, reason, asked } = change;
    await this.#parts.bus.append(tx, {
      event_type: 'fleet.pool.changed',
      entity_type: 'pool',
      entity_id: row.pool_id,
      payload: { pool_id: row.pool_id, desired: definitionOf(row).desired, effective, reason },
      traceparent: asked.traceparent,
    });
  }

  /** A replica whose agent may not start (it is quarantined, or somebody else's) is not started. */
  async #openReplica(tx: StateTransaction, row: PoolRow, opening: Opening): Promise<void> {
    if (this.#startsNothing) return;
    const { pool_id: poolId } = row;
    const { agentId } = opening;
    try {
      await this.open(tx, row, opening);
      tx.afterCommit(() => this.#refused.delete(agentId));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      tx.afterCommit(() => this.#onRefused(poolId, agentId, error));
    }
  }

  #onRefused(poolId: string, agentId: string, error: OmoiError): void {
    if (!this.#refused.add(poolId, agentId, error)) return;
    this.#parts.logger.warn(
      { pool_id: poolId, agent_id: agentId, error: messageOf(error) },
      'Pool replica not started: tried again when the agent that has its id has ended or is released.',
    );
  }

  async #remove(tx: StateTransaction, poolId: string): Promise<void> {
    for (const table of ['agent_units', 'pool_scale_overrides', 'pools'] as const) {
      await tx.db.deleteFrom(table).where('pool_id', '=', poolId).execute();
    }
  }
}

/** Refusals come before anything was written, so the transaction can go on. */
function isRefusal(error: unknown): error is OmoiError {
  return (
    error instanceof OmoiError &&
    (error.code === 'transition_not_allowed' || error.code === 'agent_not_managed')
  );
}
