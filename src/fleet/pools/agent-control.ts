import type { StateTransaction } from '#storage';
import { OmoiError } from '#telemetry';
import type { Convergence } from './convergence.ts';
import type { Asked, PoolParts } from './pool-parts.ts';
import { assertActive, definitionOf, lockPool, type PoolRow } from './pool-rows.ts';
import { newestUnit, type UnitRow } from './unit-rows.ts';

export interface RestartOrder extends Asked {
  readonly agentId: string;
  /** The generation that shall be replaced; where it is not the newest any more, nothing is done. */
  readonly expectedGeneration?: number;
}

export interface Restarted {
  /** The generation that shall run now. */
  readonly generation: number;
  /** False where an earlier order had done it already. */
  readonly opened: boolean;
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
    const { agentId, expectedGeneration } = order;
    return this.#parts.database.transaction(async (tx) => {
      const { row, process } = await this.#lockAgentsPool(tx, agentId);
      if (expectedGeneration !== undefined && process.generation > expectedGeneration) {
        return { generation: process.generation, opened: false };
      }
      if (expectedGeneration !== undefined && process.generation < expectedGeneration) {
        throw new OmoiError(
          'unknown_generation',
          `Agent ${agentId} is at generation ${process.generation}; there is no generation ${expectedGeneration}.`,
          { agent_id: agentId, current_generation: process.generation },
        );
      }
      assertActive(row);
      if (process.desired_state === 'retired') {
        throw new OmoiError(
          'transition_not_allowed',
          `Agent ${agentId} is beyond the count of pool ${row.pool_id}: scale the pool instead.`,
          { agent_id: agentId, pool_id: row.pool_id },
        );
      }
      await this.#parts.bus.append(tx, {
        event_type: 'fleet.agent.restart_requested',
        entity_type: 'agent',
        entity_id: agentId,
        payload: {
          agent_id: agentId,
          agent_type: definitionOf(row).agentType,
          pool_id: row.pool_id,
          generation: process.generation,
          reason: order.reason,
          requested_by: order.by,
        },
        traceparent: order.traceparent,
      });
      await this.#convergence.retire(tx, definitionOf(row).graceMs, {
        process,
        desiredState: 'replaced',
        by: order.by,
      });
      const generation = await this.#convergence.open(tx, row, { agentId, asked: order });
      return { generation, opened: true };
    });
  }

  /** As `Pools.stop`. */
  async stop(order: { readonly agentId: string } & Asked): Promise<void> {
    await this.#parts.database.transaction(async (tx) => {
      const { row, process } = await this.#lockAgentsPool(tx, order.agentId);
      if (process.desired_state === 'run')
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
    const seen = await newestUnit(tx, agentId);
    if (!seen) throw await this.#notOurs(tx, agentId);
    const row = await lockPool(tx, seen.pool_id);
    return { row, process: (await newestUnit(tx, agentId)) ?? seen };
  }

  async #notOurs(tx: StateTransaction, agentId: string): Promise<OmoiError> {
    const agent = await tx.db
      .selectFrom('agents')
      .select('agent_id')
      .where('agent_id', '=', agentId)
      .executeTakeFirst();
    const details = { agent_id: agentId };
    return agent
      ? new OmoiError('agent_not_managed', `Agent ${agentId} was started by somebody else.`, details)
      : new OmoiError('unknown_agent', `There is no agent ${agentId}.`, details);
  }
}
