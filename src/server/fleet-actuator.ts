import type { Fleet, Pools } from '#fleet';
import type { FleetActuator } from '#watchdog';

const SICK = new Set(['UNRESPONSIVE', 'FAILED']);
const GONE = new Set(['TERMINATED', 'QUARANTINED']);

/** The fleet as the watchdog may act on it. */
export function createFleetActuator(fleet: Fleet, pools: Pools): FleetActuator {
  return {
    async restart({ agentId, expectedGeneration, reason, requestedBy, traceparent }) {
      const order = { agentId, expectedGeneration, reason, by: requestedBy, traceparent };
      const { generation } = await pools.restart(order);
      return { generation };
    },
    async raiseScale({ poolId, overrideId, add, ttlMs, reason, traceparent }) {
      await pools.setScaleOverride({ poolId, overrideId, add, ttlMs, reason, by: 'watchdog', traceparent });
    },
    extendScale: (overrideId, ttlMs) => pools.extendScaleOverride(overrideId, ttlMs),
    async releaseScale(overrideId, traceparent) {
      const reason = 'the alert has been over for a while';
      await pools.removeScaleOverride(overrideId, { reason, by: 'watchdog', traceparent });
    },
    agent(agentId) {
      const agent = fleet.agents.get(agentId);
      if (!agent) return null;
      return {
        agentId,
        poolId: agent.poolId,
        generation: agent.generation,
        status: agent.status,
        silenceMs: agent.silenceMs,
        lastHeartbeatAtMs: agent.lastHeartbeatAtMs,
        workSeenAtMs: agent.workSeenAtMs,
        heartbeatTtlMs: agent.pace.ttlMs,
      };
    },
    hasPool: (poolId) => pools.definitions().some((pool) => pool.id === poolId),
    poolsOfPhase: (phaseId) =>
      pools.definitions().flatMap((pool) => (pool.phaseId === phaseId ? [pool.id] : [])),
    health() {
      let agents = 0;
      let sick = 0;
      for (const { status } of fleet.feed.snapshot().agents) {
        if (GONE.has(status)) continue;
        agents++;
        if (SICK.has(status)) sick++;
      }
      return { agents, sick };
    },
  };
}
