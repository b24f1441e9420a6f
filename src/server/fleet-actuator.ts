import type { AgentEntry, Fleet, Pools } from '#fleet';
import { AGENT_STATUSES, type AgentStatus } from '#telemetry';
import type { FleetActuator } from '#watchdog';
import { hostname } from 'node:os';

/** They ended on purpose, or were taken out of service: no illness, and nothing that could be healthy. */
const GONE = ['TERMINATED', 'QUARANTINED'] as const;

function* agentsOfPool({ agents }: Fleet, poolId: string | null): Iterable<string> {
  for (const agent of agents.entries()) {
    if (agent.managed && agent.poolId === poolId && agent.status !== 'TERMINATED') yield agent.agentId;
  }
}

/** The fleet as the watchdog may act on it. */
export function createFleetActuator(fleet: Fleet, pools: Pools): FleetActuator {
  // What Omoi starts runs where Omoi does.
  const ownHost = hostname();
  const hostOf = ({ host, managed }: Pick<AgentEntry, 'host' | 'managed'>): string | null =>
    host ?? (managed ? ownHost : null);
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
        host: hostOf(agent),
        managed: agent.managed,
        domain: agent.domain,
        generation: agent.generation,
        status: agent.status,
        blamedTaskId: fleet.tasks.blamedFor(agent),
        saysUnwell: agent.selfDegraded,
        silenceMs: agent.silenceMs,
        // What was seen of a process before it stood still is no reason to wait.
        workAfterBeatMs: agent.status === 'STALLED' ? null : agent.workAfterBeatMs,
        heartbeatTtlMs: agent.pace.ttlMs,
        heartbeatIntervalMs: agent.pace.intervalMs,
        beatsForItself: !agent.evidenceTold,
      };
    },
    pool: (poolId) => (definitionOf(poolId) ? fleet.agents.countInPool(poolId) : null),
    lastOutput: (agentId, generation) => pools.lastOutput({ agentId, generation }),
    hasPool: (poolId) => definitionOf(poolId) !== undefined,
    peersOf({ kind, poolId }) {
      if (kind === 'pool') return pools.definitions().map(({ id }) => id);
      return agentsOfPool(fleet, poolId);
    },
    hasHost(host) {
      for (const agent of fleet.agents.entries()) if (hostOf(agent) === host) return true;
      return host === ownHost;
    },
    poolsOfPhase: (phaseId) =>
      pools.definitions().flatMap((pool) => (pool.phaseId === phaseId ? [pool.id] : [])),
    // Asked with every decision, also in a storm.
    health(domain) {
      const countOf = (status: AgentStatus): number => fleet.agents.countOf(status, domain);
      const gone = GONE.reduce((count, status) => count + countOf(status), 0);
      const all = AGENT_STATUSES.reduce((count, status) => count + countOf(status), 0);
      return { agents: all - gone, silent: countOf('UNRESPONSIVE') };
    },
    domains: () => fleet.agents.domains(),
  };
}
