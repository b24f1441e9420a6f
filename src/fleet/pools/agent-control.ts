import type { StateTransaction } from '#storage';
import { OmoiError, type AgentStatus } from '#telemetry';
import type { Convergence } from './convergence.ts';
import type { Asked, PoolParts } from './pool-parts.ts';
import { assertActive, definitionOf, lockPool, type PoolRow } from './pool-rows.ts';
import { decideRestart } from './restart-decision.ts';
import { newestUnit, pendingRestart, type UnitRow } from './unit-rows.ts';

export interface RestartOrder extends Asked {
  readonly agentId: string;
  /** The generation that shall be replaced; where it is not the newest any more, nothing is done. */
  readonly expectedGeneration?: number;
  /** It hangs, whatever its status says: it is not waited for. */
  readonly hung?: boolean;
}

export interface Restarted {
  /** The generation that shall run now. */
  readonly generation: number;
  /** False where an earlier order had done it already. */
  readonly opened: boolean;
}

interface OrderedRestart {
  readonly row: PoolRow;
  readonly process: UnitRow;
  readonly order: Asked;
}

/** Orders about one agent that Omoi starts. */
export class AgentControl {
  readonly #parts: Pick<PoolParts, 'database' | 'bus'>;
  readonly #convergence: Convergence;

  constructor(parts: Pick<PoolParts, 'database' | 'bus'>, convergence: Convergence) {
    this.#parts = parts;
    this.#convergence = convergence;
  }

  /** As `Pools.restart`. */
  async restart(order: RestartOrder): Promise<Restarted> {
    const { agentId } = order;
    return this.#parts.database.transaction(async (tx) => {
      const { row, process } = await this.#lockAgentsPool(tx, agentId);
      assertActive(row);
      const status = await statusOf(tx, agentId);
      const decision = decideRestart({ order, process, status });
      switch (decision.kind) {
        case 'refused':
          throw decision.error;
        case 'under_way':
          return { generation: decision.generation, opened: false };
        case 'drain':
        case 'replace':
          await this.#tellRequested(tx, { row, process, order });
          return decision.kind === 'drain'
            ? this.#drain(tx, { row, process, order })
            : this.#replace(tx, { row, process, order });
      }
    });
  }

  /**
   * Replaces a generation whose pool has another definition now: one that is up drains, one that hangs or has ended is not
   * waited for, one in quarantine is left. The caller holds the pool's row.
   */
  async roll(tx: StateTransaction, order: OrderedRestart): Promise<void> {
    const { process } = order;
    const status = await statusOf(tx, process.agent_id);
    if (status === 'QUARANTINED') return;
    await this.#tellRequested(tx, order);
    const hangs = status === 'UNRESPONSIVE' || status === 'STALLED';
    await (hangs || process.state !== 'running' ? this.#replace(tx, order) : this.#drain(tx, order));
  }

  /** n finishes what it holds, takes nothing new, and ends; then n+1 is opened. */
  async #drain(tx: StateTransaction, { row, process, order }: OrderedRestart): Promise<Restarted> {
    const { reason, by, traceparent } = order;
    await this.#convergence.retire(tx, definitionOf(row).graceMs, {
      process,
      desiredState: 'replaced',
      by,
      restart: { reason, by, traceparent },
    });
    return { generation: process.generation + 1, opened: true };
  }

  /** n+1 is opened at once, so that what n held is in the queue again and n can finish none of it. */
  async #replace(tx: StateTransaction, { row, process, order }: OrderedRestart): Promise<Restarted> {
    const { overlap, graceMs } = definitionOf(row);
    // Its work is lost to it already: where n+1 waits for its end there is nothing to give it time for.
    await this.#convergence.retire(tx, overlap ? graceMs : 0, {
      process,
      desiredState: 'replaced',
      by: order.by,
    });
    const generation = await this.#convergence.open(tx, row, { agentId: process.agent_id, asked: order });
    return { generation, opened: true };
  }

  async #tellRequested(tx: StateTransaction, { row, process, order }: OrderedRestart): Promise<void> {
    await this.#parts.bus.append(tx, {
      event_type: 'fleet.agent.restart_requested',
      entity_type: 'agent',
      entity_id: process.agent_id,
      payload: {
        agent_id: process.agent_id,
        agent_type: definitionOf(row).agentType,
        pool_id: row.pool_id,
        generation: process.generation,
        reason: order.reason,
        requested_by: order.by,
      },
      traceparent: order.traceparent,
    });
  }

  /** As `Pools.stop`. */
  async stop(order: { readonly agentId: string } & Asked): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      const { row, process } = await this.#lockAgentsPool(tx, order.agentId);
      if (process.desired_state === 'run' || pendingRestart(process) !== null)
        await this.#convergence.retire(tx, definitionOf(row).graceMs, {
          process,
          desiredState: 'stopped',
          by: order.by,
        });
    });
  }

  async #lockAgentsPool(
    tx: StateTransaction,
    agentId: string,
  ): Promise<{ readonly row: PoolRow; readonly process: UnitRow }> {
    const seen = await newestUnit(tx.db, agentId);
    if (!seen) throw await this.#notOurs(tx, agentId);
    const row = await lockPool(tx, seen.pool_id);
    return { row, process: (await newestUnit(tx.db, agentId)) ?? seen };
  }

  async #notOurs(tx: StateTransaction, agentId: string): Promise<OmoiError> {
    const agent = await tx.db
      .selectFrom('agents')
      .select('agent_id')
      .where('agent_id', '=', agentId)
      .executeTakeFirst();
    const details = { agent_id: agentId };
    return agent
      ? new OmoiError(
          'agent_not_managed',
          `Agent ${agentId} is external: restart or stop it where it was started, or let a pool run its command.`,
          details,
        )
      : new OmoiError('unknown_agent', `There is no agent ${agentId}.`, details);
  }
}

async function statusOf(tx: StateTransaction, agentId: string): Promise<AgentStatus | null> {
  const agent = await tx.db
    .selectFrom('agents')
    .select('status')
    .where('agent_id', '=', agentId)
    .executeTakeFirst();
  return agent?.status ?? null;
}
