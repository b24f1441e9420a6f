import { AGENT_STATUSES, type AgentObservation, type FleetFeed } from '#telemetry';
import { GaugeFamily, type FamilyParts } from './series-family.ts';
import type { KeptSeries, SeriesAppender } from './series-appender.ts';

/** Agents looked at in one slice: a millisecond or two, with the samples that come of it. */
export const AGENTS_PER_SLICE = 250;

const ALIVE: ReadonlySet<string> = new Set(['IDLE', 'RUNNING', 'DEGRADED']);
/** Statuses in which an agent needs somebody; only these have a series for each agent. */
const TROUBLED: ReadonlySet<string> = new Set([
  'DEGRADED',
  'STALLED',
  'UNRESPONSIVE',
  'QUARANTINED',
  'FAILED',
]);

/** What is used changes with each look: it is kept as often as a value that does not change. */
const USE_EVERY_MS = 15_000;

/** Its end was seen, or somebody took it out of service. */
const OWES_NO_BEATS: ReadonlySet<string> = new Set(['FAILED', 'QUARANTINED']);

/** What an agent counts for, as it was last seen. */
interface Counted {
  readonly status: KeptSeries;
  readonly active: KeptSeries;
  readonly alive: number;
  readonly poolId: string | null;
}

/** What its processes use. */
interface Use {
  readonly poolId: string | null;
  readonly cpu: KeptSeries;
  readonly memory: KeptSeries;
}

interface OneAgent {
  readonly age: KeptSeries;
  /** Null while it owes no beats. */
  missed: KeptSeries | null;
  /** Null while nobody looks at its processes. */
  use: Use | null;
  /** Opened when it first goes on with what was taken from it. */
  clings: KeptSeries | null;
  /** By status, opened when the agent first is in it. */
  readonly statuses: Map<string, KeptSeries>;
}

/** What is read from the agents as they stand. Counts are kept as agents are seen to change, come and go. */
export class AgentGauges {
  readonly #appender: SeriesAppender;
  readonly #active: GaugeFamily;
  readonly #byStatus: GaugeFamily;
  readonly #byAgent = new Map<string, OneAgent>();
  /** Those that have ended too, until they are removed. */
  readonly #counted = new Map<string, Counted>();
  readonly #totals = new Map<KeptSeries, number>();
  /** Agents that are alive, by pool. */
  readonly #aliveIn = new Map<string, number>();
  readonly #knownTypes = new Set<string>();
  /** Before all have been seen once, the counts are less than what is true. */
  #sawAll = false;

  constructor(parts: FamilyParts) {
    this.#appender = parts.appender;
    this.#active = new GaugeFamily(parts, 'agents_active');
    this.#byStatus = new GaugeFamily(parts, 'agents_by_status');
  }

  /** Looks at all of them anew, in slices. */
  *collect(feed: FleetFeed, { withAges }: { readonly withAges: boolean }): Generator<void, void, void> {
    const { agents } = feed.snapshot();
    for (let at = 0; at < agents.length; at++) {
      if (at > 0 && at % AGENTS_PER_SLICE === 0) yield;
      const agent = agents[at];
      // One that was removed meanwhile has no series any more.
      if (agent && feed.agent(agent.agentId)) this.#look(agent, withAges);
    }
    if (this.#counted.size > agents.length) this.#forgetAbsent(feed);
    if (this.#sawAll) return;
    this.#sawAll = true;
    this.#active.setTotals(this.#totals);
    this.#byStatus.setTotals(this.#totals);
  }

  /** Looks at one that has changed; false where it is new: then all are to be looked at. */
  collectChange(agent: AgentObservation): boolean {
    if (!this.#counted.has(agent.agentId)) return false;
    this.#look(agent, false);
    return true;
  }

  forget(agentId: string): void {
    this.#endSeries(agentId);
    const counted = this.#counted.get(agentId);
    if (!counted) return;
    this.#counted.delete(agentId);
    this.#add(counted.status, -1);
    this.#add(counted.active, -counted.alive);
    this.#addTo(counted.poolId, -counted.alive);
  }

  /** Agents of a pool that are alive; null as long as not all have been looked at once. */
  aliveIn(poolId: string): number | null {
    return this.#sawAll ? (this.#aliveIn.get(poolId) ?? 0) : null;
  }

  #look(agent: AgentObservation, withAge: boolean): void {
    this.#count(agent);
    if (agent.status === 'TERMINATED') {
      this.#endSeries(agent.agentId);
      return;
    }
    const one = this.#at(agent.agentId);
    this.#lookAtBeats(one, agent);
    if (agent.heartbeatAgeMs !== null && (withAge || Number.isNaN(one.age.value))) {
      this.#appender.put(one.age, agent.heartbeatAgeMs / 1000);
    }
    if (withAge) this.#lookAtUse(one, agent);
    // An agent from before the start may have left a status while nobody looked: its series still show it.
    if (!this.#sawAll) for (const status of TROUBLED) this.#openStatus(one, agent.agentId, status);
    const clings = agent.status === 'DEGRADED' && agent.clingsTo !== null;
    if (clings) one.clings ??= this.#appender.open('agent_clings_to_lost_task', { agent_id: agent.agentId });
    if (one.clings) this.#appender.put(one.clings, clings ? 1 : 0);
    if (TROUBLED.has(agent.status)) this.#openStatus(one, agent.agentId, agent.status);
    for (const [status, series] of one.statuses) this.#appender.put(series, status === agent.status ? 1 : 0);
  }

  /**
   * The count of missed beats goes down when beats come, and for nothing else: who has ended owes none any more, and has
   * no count; a generation that comes up leaves that of the one before until it beats, or is late itself.
   */
  #lookAtBeats(one: OneAgent, { agentId, status, heartbeatAgeMs, heartbeatsMissed }: AgentObservation): void {
    if (OWES_NO_BEATS.has(status)) {
      if (one.missed) this.#appender.remove(one.missed);
      one.missed = null;
      return;
    }
    if (heartbeatAgeMs === null && heartbeatsMissed === 0) return;
    one.missed ??= this.#appender.open('agent_heartbeats_missed', { agent_id: agentId });
    this.#appender.put(one.missed, heartbeatsMissed);
  }

  /** With the tick alone: the end of a process shows in its status at once. */
  #lookAtUse(one: OneAgent, { agentId, poolId, usage }: AgentObservation): void {
    if (one.use !== null && (usage === null || one.use.poolId !== poolId)) this.#endUse(one);
    if (usage === null) return;
    const labels = { agent_id: agentId, pool_id: poolId ?? '' };
    one.use ??= {
      poolId,
      cpu: this.#appender.open('agent_cpu_seconds_total', labels),
      memory: this.#appender.open('agent_memory_bytes', labels),
    };
    const { cpu, memory } = one.use;
    if (this.#appender.clock.wallMs() - memory.appendedAtMs < USE_EVERY_MS) return;
    this.#appender.put(cpu, usage.cpuSeconds);
    this.#appender.put(memory, usage.memoryBytes);
  }

  #endUse(one: OneAgent): void {
    if (!one.use) return;
    this.#appender.remove(one.use.cpu);
    this.#appender.remove(one.use.memory);
    one.use = null;
  }

  #count({ agentId, agentType, status, phaseId, poolId }: AgentObservation): void {
    if (!this.#knownTypes.has(agentType)) this.#openStatuses(agentType);
    const before = this.#counted.get(agentId);
    const counted = {
      status: this.#byStatus.at(agentType, status),
      active: this.#active.at(agentType, phaseId ?? ''),
      alive: ALIVE.has(status) ? 1 : 0,
      poolId,
    };
    this.#counted.set(agentId, counted);
    if (before) this.#addTo(before.poolId, -before.alive);
    this.#addTo(poolId, counted.alive);
    if (before?.status !== counted.status) {
      if (before) this.#add(before.status, -1);
      this.#add(counted.status, 1);
    }
    if (before?.active === counted.active) {
      if (before.alive !== counted.alive) this.#add(counted.active, counted.alive - before.alive);
      return;
    }
    if (before) this.#add(before.active, -before.alive);
    this.#add(counted.active, counted.alive);
  }

  #addTo(poolId: string | null, change: number): void {
    if (poolId === null || change === 0) return;
    const alive = (this.#aliveIn.get(poolId) ?? 0) + change;
    if (alive === 0) this.#aliveIn.delete(poolId);
    else this.#aliveIn.set(poolId, alive);
  }

  #add(series: KeptSeries, change: number): void {
    const total = (this.#totals.get(series) ?? 0) + change;
    if (total === 0) this.#totals.delete(series);
    else this.#totals.set(series, total);
    if (this.#sawAll) this.#appender.put(series, total);
  }

  /** Every status of a type has a series from the start, so that a rule sees 0 before it sees 1. */
  #openStatuses(agentType: string): void {
    this.#knownTypes.add(agentType);
    for (const status of AGENT_STATUSES) {
      const series = this.#byStatus.at(agentType, status);
      if (this.#sawAll) this.#appender.put(series, this.#totals.get(series) ?? 0);
    }
  }

  #openStatus({ statuses }: OneAgent, agentId: string, status: string): void {
    if (statuses.has(status)) return;
    statuses.set(status, this.#appender.open('agent_status', { agent_id: agentId, status }));
  }

  #at(agentId: string): OneAgent {
    let one = this.#byAgent.get(agentId);
    if (!one) {
      const labels = { agent_id: agentId };
      one = {
        age: this.#appender.open('agent_heartbeat_age_seconds', labels),
        missed: null,
        clings: null,
        use: null,
        statuses: new Map(),
      };
      this.#byAgent.set(agentId, one);
    }
    return one;
  }

  #endSeries(agentId: string): void {
    const one = this.#byAgent.get(agentId);
    if (!one) return;
    this.#byAgent.delete(agentId);
    for (const series of [one.age, ...one.statuses.values()]) this.#appender.remove(series);
    if (one.missed) this.#appender.remove(one.missed);
    if (one.clings) this.#appender.remove(one.clings);
    this.#endUse(one);
  }

  #forgetAbsent(feed: FleetFeed): void {
    for (const agentId of this.#counted.keys()) if (!feed.agent(agentId)) this.forget(agentId);
  }
}
