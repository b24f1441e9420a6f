import { maxAgentsPerPool, OmoiError, poolIdText, type PoolDefinition } from '#telemetry';

const REPLICA_NUMBER = /^[1-9]\d*$/;

/** The agent of a replica of a pool; replicas count from 1. */
export function replicaAgentId(poolId: string, replica: number): string {
  return `${poolId}-${replica}`;
}

/** The replica that an agent is in its pool; null for an id that is none of the pool's. */
export function replicaOf(poolId: string, agentId: string): number | null {
  if (!agentId.startsWith(`${poolId}-`)) return null;
  const number = agentId.slice(poolId.length + 1);
  return REPLICA_NUMBER.test(number) ? Number(number) : null;
}

/** @throws OmoiError `invalid_request`, `pool_bounds` */
export function assertPoolDefinition(pool: PoolDefinition, runtimes: readonly string[]): void {
  if (!poolIdText.safeParse(pool.id).success) {
    throw new OmoiError(
      'invalid_request',
      `id: "${pool.id}" is no pool id: small letters, digits, "-" and "_", at most 63.`,
    );
  }
  if (!runtimes.includes(pool.runtime)) {
    throw new OmoiError(
      'invalid_request',
      `runtime: "${pool.runtime}" is unknown; known are ${runtimes.join(', ')}.`,
    );
  }
  if (pool.command.length === 0 || pool.command[0] === '') {
    throw new OmoiError('invalid_request', 'command: name the program.');
  }
  const { min, desired, max } = pool;
  if (!(min <= desired && desired <= max)) {
    throw new OmoiError(
      'pool_bounds',
      `min ${min} ≤ desired ${desired} ≤ max ${max} does not hold for pool ${pool.id}.`,
      { min, desired, max },
    );
  }
  if (max > maxAgentsPerPool) {
    throw new OmoiError('pool_bounds', `max: a pool has at most ${maxAgentsPerPool} agents.`, { max });
  }
}

/** How many agents there shall be: what is desired and what is added, within the bounds. */
export function effectiveCount(pool: Pick<PoolDefinition, 'desired' | 'min' | 'max'>, added: number): number {
  return Math.min(pool.max, Math.max(pool.min, pool.desired + added));
}
