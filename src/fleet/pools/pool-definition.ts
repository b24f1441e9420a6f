import { OmoiError, type AgentType } from '#telemetry';

/** Agents of one kind, and how many of them there shall be. */
export interface PoolDefinition {
  readonly id: string;
  readonly agentType: AgentType;
  readonly phaseId: string | null;
  /** The name of the runtime that starts its agents. */
  readonly runtime: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** What a worker does whose server stays away for longer than this. */
  readonly orphanTimeoutMs: number;
  readonly onOrphan: 'continue' | 'leave';
  /** null takes the agent type's. */
  readonly heartbeatIntervalMs: number | null;
  readonly heartbeatTtlMs: number | null;
}

/** What may be changed of a pool. A new command or environment holds for generations started from then on. */
export type PoolChange = Partial<Omit<PoolDefinition, 'id'>>;

/** A pool is never larger: a typing error must not fill the machine. */
export const maxAgentsPerPool = 1000;

const ID = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** The agent of a place in a pool; places count from 1. */
export function slotAgentId(poolId: string, slot: number): string {
  return `${poolId}-${slot}`;
}

/** The place of an agent in its pool; null for an id that is none of the pool's. */
export function slotOf(poolId: string, agentId: string): number | null {
  if (!agentId.startsWith(`${poolId}-`)) return null;
  const slot = Number(agentId.slice(poolId.length + 1));
  return Number.isInteger(slot) && slot > 0 ? slot : null;
}

/** @throws OmoiError `invalid_request`, `pool_bounds` */
export function assertPoolDefinition(pool: PoolDefinition, runtimes: readonly string[]): void {
  if (!ID.test(pool.id)) {
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

/** How many agents there shall be: what is desired and what is claimed, within the bounds. */
export function effectiveCount(
  pool: Pick<PoolDefinition, 'desired' | 'min' | 'max'>,
  claimed: number,
): number {
  return Math.min(pool.max, Math.max(pool.min, pool.desired + claimed));
}
