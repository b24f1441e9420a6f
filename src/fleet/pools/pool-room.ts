import type { StateTransaction } from '#storage';
import { OmoiError, type PoolDefinition } from '#telemetry';

type PoolSize = Pick<PoolDefinition, 'id' | 'max'>;

/** All pools that have agents, or may have some. */
export interface PoolSizes {
  active(): Iterable<PoolSize>;
  /** Those whose last agent has not ended. */
  beingRemoved(): Iterable<PoolSize>;
}

const maxNamedPools = 3;

/** Keeps all pools together, each at its largest, within what the fleet may have: no replica is ever one too many. */
export class PoolRoom {
  readonly #maxAgents: number;
  readonly #pools: PoolSizes;
  /** What transactions that have not ended make of pools. */
  readonly #pending = new Map<string, number>();

  constructor(maxAgents: number, pools: PoolSizes) {
    this.#maxAgents = maxAgents;
    this.#pools = pools;
  }

  /**
   * A pool becomes so large, where the transaction is committed. One that becomes no larger is never refused.
   * @throws OmoiError `pool_bounds`
   */
  take(tx: Pick<StateTransaction, 'afterCommit' | 'afterRollback'>, { id, max }: PoolSize): void {
    const leaving = [...this.#pools.beingRemoved()];
    const sizes = new Map([...this.#pools.active(), ...leaving].map((pool) => [pool.id, pool.max]));
    for (const [poolId, size] of this.#pending) sizes.set(poolId, Math.max(size, sizes.get(poolId) ?? 0));
    const before = sizes.get(id) ?? 0;
    if (max <= before) return;
    const others = [...sizes.values()].reduce((sum, size) => sum + size, 0) - before;
    if (others + max > this.#maxAgents) {
      const message =
        `max: with ${max} of pool ${id} all pools may have ${others + max} agents together; ` +
        `maxAgents is ${this.#maxAgents}. Lower it here or in another pool${orWaitFor(leaving)}.`;
      throw new OmoiError('pool_bounds', message, { max, of_others: others, max_agents: this.#maxAgents });
    }
    this.#pending.set(id, max);
    const settled = (): void => void this.#pending.delete(id);
    tx.afterCommit(settled);
    tx.afterRollback(settled);
  }
}

function orWaitFor(leaving: readonly PoolSize[]): string {
  if (leaving.length === 0) return '';
  const named = leaving.slice(0, maxNamedPools).map(({ id }) => id);
  const others = leaving.length > named.length ? ' …' : '';
  return `, or wait until what is being removed has ended (${named.join(', ')}${others})`;
}
