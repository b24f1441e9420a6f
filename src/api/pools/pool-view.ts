import type { PoolView } from '#fleet';
import { toRfc3339, toRfc3339OrNull, viewPoolKeys } from '#telemetry';
import type { z } from 'zod';
import type { poolView } from './pool-schemas.ts';

/** A pool as the API shows it. */
export function viewPool(pool: PoolView): z.output<typeof poolView> {
  const { definition } = pool;
  return {
    pool_id: definition.id,
    state: pool.state,
    ...viewPoolKeys(definition),
    env_names: Object.keys(definition.env).sort(),
    effective: pool.effective,
    spawn_failures: pool.spawnFailures,
    last_error: pool.lastError,
    not_enforced: [...pool.notEnforced],
    not_started: pool.notStarted.map(({ agentId, reason }) => ({ agent_id: agentId, reason })),
    next_attempt_at: toRfc3339OrNull(pool.nextAttemptAtMs),
    roll: pool.roll && {
      stopped: pool.roll.state === 'stopped',
      reason: pool.roll.reason,
      since: toRfc3339(pool.roll.sinceMs),
      remaining: pool.roll.remaining,
    },
    scale_overrides: pool.overrides.map((override) => ({
      override_id: override.overrideId,
      add: override.add,
      holder: override.holder,
      reason: override.reason,
      expires_at: toRfc3339(override.expiresAtMs),
    })),
    replicas: pool.replicas.map((replica) => ({
      replica: replica.replica,
      agent_id: replica.agentId,
      generation: replica.generation,
      unit: replica.unit,
      desired_state: replica.desiredState,
      pid: replica.pid,
      host: replica.host,
      started_at: toRfc3339OrNull(replica.startedAtMs),
      kill_at: toRfc3339OrNull(replica.killAtMs),
    })),
  };
}
