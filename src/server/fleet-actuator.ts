import type { DomainCell as Cell, Fleet, Pools } from '#fleet';
import { AGENT_STATUSES, type AgentStatus } from '#telemetry';
import type { DomainCell, FleetActuator, FleetHealth } from '#watchdog';

function healthOf({ id, domains, counts }: Cell): DomainCell {
  return { id, domains, ...healthBy((status) => counts.of(status)) };
}

/** @param countOf how many agents of a status there are, IDLE standing for RUNNING too */
function healthBy(countOf: (status: AgentStatus) => number): FleetHealth {
  const agents = PRESENT.reduce((sum, status) => sum + countOf(status), 0);
  return { agents, silent: countOf('UNRESPONSIVE') };
}

/** Who ended on purpose, or was taken out of service, is not ill, and nobody who could be healthy. */
const PRESENT = AGENT_STATUSES.filter((status) => status !== 'TERMINATED' && status !== 'QUARANTINED');

function* agentsOfPool({ agents }: Fleet, poolId: string | null): Iterable<string> {
  for (const agent of agents.entries()) {
    if (agent.managed && agent.poolId === poolId && agent.status !== 'TERMINATED') yield agent.agentId;
  }
}

/** The fleet as the watchdog may act on it. @param ownHost where Omoi runs, and what it starts */
export function createFleetActuator(fleet: Fleet, pools: Pools, ownHost: string): FleetActuator {
  const definitionOf = (poolId: string) => pools.definitions().find(({ id }) => id === poolId);
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
      await pools.removeScaleOverride({ overrideId }, { reason, by: 'watchdog', traceparent });
    },
    agent(agentId) {
      const agent = fleet.agents.get(agentId);
      if (!agent) return null;
      return {
        agentId,
        poolId: agent.poolId,
        host: agent.host,
        managed: agent.managed,
        domains: agent.placement.domains,
        generation: agent.generation,
        status: agent.status,
        statusReason: agent.row.status_reason,
        leaves: agent.leaves,
        drains: agent.desired === 'drain' && !agent.leaves,
        blamedTaskId: fleet.tasks.blamedFor(agent),
        suspicionLeftMs: fleet.tasks.suspicionLeftMs(agent),
        saysUnwell: agent.selfDegraded,
        silenceMs: agent.silenceMs,
        // What was seen of a process before it stood still is no reason to wait.
        workAfterBeatMs: agent.status === 'STALLED' ? null : agent.workAfterBeatMs,
        heartbeatTtlMs: agent.pace.ttlMs,
        heartbeatIntervalMs: agent.pace.intervalMs,
        beatsForItself: !agent.evidenceTold,
      };
    },
    pool(poolId) {
      const pool = definitionOf(poolId);
      return pool ? { ...fleet.agents.countInPool(poolId), desired: pool.desired, max: pool.max } : null;
    },
    lastOutput: (agentId, generation) => pools.lastOutput({ agentId, generation }),
    hasPool: (poolId) => definitionOf(poolId) !== undefined,
    peersOf({ kind, poolId }) {
      if (kind === 'pool') return pools.definitions().map(({ id }) => id);
      return agentsOfPool(fleet, poolId);
    },
    hasHost(host) {
      for (const agent of fleet.agents.entries()) if (agent.host === host) return true;
      return host === ownHost;
    },
    poolsOfPhase: (phaseId) =>
      pools.definitions().flatMap((pool) => (pool.phaseId === phaseId ? [pool.id] : [])),
    // Asked with every decision, also in a storm.
    health: (domain) => healthBy((status) => fleet.agents.countOf(status, domain)),
    cells: () => Array.from(fleet.agents.cells(), healthOf),
    silentCells: () => Array.from(fleet.agents.cellsOf('UNRESPONSIVE'), healthOf),
  };
}
