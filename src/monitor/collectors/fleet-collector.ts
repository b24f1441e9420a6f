import {
  AGENT_STATUSES,
  type AgentObservation,
  type Clock,
  type FleetActivity,
  type FleetFeed,
  type Subscription,
  type Timer,
} from '#telemetry';
import { CounterFamily, GaugeFamily, HistogramFamily, type FamilyParts } from './series-family.ts';
import type { KeptSeries, SeriesAppender } from './series-appender.ts';

/** Ages are computed, and unchanged values repeated, this often. */
const ageTickMs = 1000;
/** All agents are looked through at most this often, however fast their statuses change … */
const minAgentScanIntervalMs = 20;
/** … and the time between two looks is this many times what one takes. */
const agentScanPauseFactor = 10;

const ALIVE: ReadonlySet<string> = new Set(['IDLE', 'RUNNING', 'DEGRADED']);

/** Keeps the standard metrics of a fleet: one unit for all that changes within one turn of the event loop. */
export class FleetCollector {
  readonly #feed: FleetFeed;
  readonly #appender: SeriesAppender;
  readonly #clock: Clock;
  readonly #queued: GaugeFamily;
  readonly #locksActive: GaugeFamily;
  readonly #agents: AgentGauges;
  readonly #counters: FleetCounters;
  #subscription: Subscription | null = null;
  #tick: Timer | null = null;
  #flushScheduled = false;
  #queueDirty = true;
  #agentsDirty = true;
  readonly #changedAgents = new Set<string>();
  #locksDirty = true;
  #nextAgentScanMs = Number.NEGATIVE_INFINITY;
  #agentScan: Timer | null = null;

  constructor(feed: FleetFeed, parts: FamilyParts, clock: Clock) {
    this.#feed = feed;
    this.#appender = parts.appender;
    this.#clock = clock;
    this.#queued = new GaugeFamily(parts, 'tasks_queued_total');
    this.#locksActive = new GaugeFamily(parts, 'resource_locks_active');
    this.#agents = new AgentGauges(parts);
    this.#counters = new FleetCounters(parts);
  }

  start(): void {
    this.#subscription = this.#feed.onActivity((activity) => this.#note(activity));
    this.#tick = this.#clock.every(ageTickMs, () => this.#onTick());
    this.#scheduleFlush();
  }

  stop(): void {
    this.#subscription?.stop();
    this.#tick?.cancel();
    this.#agentScan?.cancel();
  }

  #note(activity: FleetActivity): void {
    switch (activity.kind) {
      case 'queue':
        this.#queueDirty = true;
        break;
      case 'agents':
        this.#agentsDirty = true;
        break;
      case 'agent':
        this.#changedAgents.add(activity.agentId);
        break;
      case 'locks':
        this.#locksDirty = true;
        break;
      case 'agent_removed':
        this.#agentsDirty = true;
        this.#counters.forget(activity.agentId);
        this.#agents.forget(activity.agentId);
        break;
      case 'task_completed':
      case 'task_failed':
      case 'task_claimed':
      case 'agent_restarted':
      case 'lock_acquired':
      case 'handoff':
        this.#counters.count(activity);
        break;
    }
    this.#scheduleFlush();
  }

  /** A commit tells all it changed in one go; what is told in one go becomes one unit. */
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#collect();
      this.#appender.flush();
    });
  }

  #collect(): void {
    const snapshot = this.#feed.snapshot();
    if (this.#queueDirty) {
      this.#queueDirty = false;
      const queued = new Map<KeptSeries, number>();
      for (const count of snapshot.queue) {
        add(queued, this.#queued.at(count.phaseId, String(count.priority)), count.queued);
      }
      this.#queued.setTotals(queued);
    }
    if (this.#locksDirty) {
      this.#locksDirty = false;
      const active = new Map<KeptSeries, number>();
      for (const count of snapshot.locks) {
        add(active, this.#locksActive.at(count.resourceType, count.lockMode), count.active);
      }
      this.#locksActive.setTotals(active);
    }
    if (!this.#agentsDirty) {
      for (const agentId of this.#changedAgents) {
        const agent = this.#feed.agent(agentId);
        if (agent && !this.#agents.collectChange(agent)) this.#agentsDirty = true;
      }
    }
    this.#changedAgents.clear();
    if (this.#agentsDirty) this.#collectAgents(snapshot.agents);
  }

  #collectAgents(agents: readonly AgentObservation[]): void {
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#nextAgentScanMs - nowMs;
    if (waitMs > 0) {
      this.#agentScan ??= this.#clock.after(waitMs, () => {
        this.#agentScan = null;
        this.#scheduleFlush();
      });
      return;
    }
    this.#agentsDirty = false;
    this.#agents.collect(agents);
    const tookMs = this.#clock.monotonicMs() - nowMs;
    this.#nextAgentScanMs = nowMs + Math.max(minAgentScanIntervalMs, tookMs * agentScanPauseFactor);
  }

  #onTick(): void {
    this.#agents.collectAges(this.#feed.snapshot().agents);
    this.#agents.collect(this.#feed.snapshot().agents);
    this.#collect();
    this.#appender.repeat();
    this.#appender.flush();
  }
}

type CountedActivity = Exclude<
  FleetActivity,
  { readonly kind: 'queue' | 'agents' | 'agent' | 'locks' | 'agent_removed' }
>;

/** What is counted from the fleet's activity. */
class FleetCounters {
  readonly #completed: CounterFamily;
  readonly #failed: CounterFamily;
  readonly #restarts: CounterFamily;
  readonly #handoffs: CounterFamily;
  readonly #duration: HistogramFamily;
  readonly #wait: HistogramFamily;
  readonly #lockWait: HistogramFamily;

  constructor(parts: FamilyParts) {
    this.#completed = new CounterFamily(parts, 'tasks_completed_total');
    this.#failed = new CounterFamily(parts, 'tasks_failed_total');
    this.#restarts = new CounterFamily(parts, 'agent_restarts_total');
    this.#handoffs = new CounterFamily(parts, 'handoffs_requested_total');
    this.#duration = new HistogramFamily(parts, 'task_duration_seconds');
    this.#wait = new HistogramFamily(parts, 'task_wait_seconds');
    this.#lockWait = new HistogramFamily(parts, 'lock_wait_time_seconds');
  }

  count(activity: CountedActivity): void {
    switch (activity.kind) {
      case 'task_completed':
        this.#completed.increment(activity.phaseId, activity.agentId);
        this.#duration.observe(activity.durationSeconds, activity.phaseId, activity.taskType);
        return;
      case 'task_failed':
        this.#failed.increment(activity.phaseId, activity.agentId);
        return;
      case 'task_claimed':
        this.#wait.observe(activity.waitSeconds, activity.phaseId, activity.taskType);
        return;
      case 'agent_restarted':
        this.#restarts.increment(activity.agentId, activity.reason);
        return;
      case 'lock_acquired':
        this.#lockWait.observe(activity.waitSeconds, activity.resourceType, activity.lockMode);
        return;
      case 'handoff':
        this.#handoffs.increment(activity.fromAgentId, activity.toAgentId);
    }
  }

  forget(agentId: string): void {
    this.#completed.endAgent('agent_id', agentId);
    this.#failed.endAgent('agent_id', agentId);
    this.#restarts.endAgent('agent_id', agentId);
    this.#handoffs.endAgent('from_agent_id', agentId);
    this.#handoffs.endAgent('to_agent_id', agentId);
  }
}

interface OneAgent {
  /** What it counts for, as it was last seen. */
  counted: { readonly status: KeptSeries; readonly active: KeptSeries; readonly alive: number } | null;
  readonly age: KeptSeries;
  readonly missed: KeptSeries;
  /** By status, opened when the agent first is in it. */
  readonly statuses: Map<string, KeptSeries>;
}

/** Statuses in which an agent needs somebody; only these have a series for each agent. */
const TROUBLED: ReadonlySet<string> = new Set(['DEGRADED', 'UNRESPONSIVE', 'QUARANTINED', 'FAILED']);

/** What is read from the agents as they stand. */
class AgentGauges {
  readonly #appender: SeriesAppender;
  readonly #active: GaugeFamily;
  readonly #byStatus: GaugeFamily;
  readonly #byAgent = new Map<string, OneAgent>();
  readonly #knownTypes = new Set<string>();
  #collected = false;

  constructor(parts: FamilyParts) {
    this.#appender = parts.appender;
    this.#active = new GaugeFamily(parts, 'agents_active');
    this.#byStatus = new GaugeFamily(parts, 'agents_by_status');
  }

  /** All of them anew. */
  collect(agents: readonly AgentObservation[]): void {
    const active = new Map<KeptSeries, number>();
    const byStatus = new Map<KeptSeries, number>();
    for (const agent of agents) {
      const counts = this.#countsOf(agent);
      add(byStatus, counts.status, 1);
      add(active, counts.active, counts.alive);
      const one = this.#collectOne(agent);
      if (one) one.counted = counts;
    }
    this.#collected = true;
    this.#active.setTotals(active);
    this.#byStatus.setTotals(byStatus);
    if (this.#byAgent.size > agents.length) this.#forgetAllBut(agents);
  }

  /** One that has changed, beside what is known of the others; false where it came or left: all have to be counted. */
  collectChange(agent: AgentObservation): boolean {
    const before = this.#byAgent.get(agent.agentId)?.counted;
    if (!before || agent.status === 'TERMINATED') return false;
    const one = this.#collectOne(agent);
    const counts = this.#countsOf(agent);
    if (one) one.counted = counts;
    this.#moveCount({ series: before.status, count: 1 }, { series: counts.status, count: 1 });
    this.#moveCount(
      { series: before.active, count: before.alive },
      { series: counts.active, count: counts.alive },
    );
    return true;
  }

  #countsOf({ agentType, status, phaseId }: AgentObservation): NonNullable<OneAgent['counted']> {
    if (!this.#knownTypes.has(agentType)) this.#openStatuses(agentType);
    return {
      status: this.#byStatus.at(agentType, status),
      active: this.#active.at(agentType, phaseId ?? ''),
      alive: ALIVE.has(status) ? 1 : 0,
    };
  }

  #moveCount(
    from: { readonly series: KeptSeries; readonly count: number },
    to: { readonly series: KeptSeries; readonly count: number },
  ): void {
    if (from.series === to.series) {
      this.#appender.put(to.series, valueOf(to.series) + to.count - from.count);
      return;
    }
    this.#appender.put(from.series, valueOf(from.series) - from.count);
    this.#appender.put(to.series, valueOf(to.series) + to.count);
  }

  collectAges(agents: readonly AgentObservation[]): void {
    for (const { agentId, heartbeatAgeMs } of agents) {
      const one = this.#byAgent.get(agentId);
      if (one && heartbeatAgeMs !== null) this.#appender.put(one.age, heartbeatAgeMs / 1000);
    }
  }

  forget(agentId: string): void {
    const one = this.#byAgent.get(agentId);
    if (!one) return;
    this.#byAgent.delete(agentId);
    for (const series of [one.age, one.missed, ...one.statuses.values()]) this.#appender.remove(series);
  }

  /** Every status of a type has a series from the start, so that a rule sees 0 before it sees 1. */
  #openStatuses(agentType: string): void {
    this.#knownTypes.add(agentType);
    for (const status of AGENT_STATUSES) this.#byStatus.at(agentType, status);
  }

  /** null for one that left: it has no series any more. */
  #collectOne(agent: AgentObservation): OneAgent | null {
    if (agent.status === 'TERMINATED') {
      this.forget(agent.agentId);
      return null;
    }
    const one = this.#at(agent.agentId);
    this.#appender.put(one.missed, agent.heartbeatsMissed);
    if (agent.heartbeatAgeMs !== null && Number.isNaN(one.age.value)) {
      this.#appender.put(one.age, agent.heartbeatAgeMs / 1000);
    }
    // An agent from before the start may have left a status while nobody looked: its series still show it.
    if (!this.#collected) for (const status of TROUBLED) this.#openStatus(one, agent.agentId, status);
    if (TROUBLED.has(agent.status)) this.#openStatus(one, agent.agentId, agent.status);
    for (const [status, series] of one.statuses) this.#appender.put(series, status === agent.status ? 1 : 0);
    return one;
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
        counted: null,
        age: this.#appender.open('agent_heartbeat_age_seconds', labels),
        missed: this.#appender.open('agent_heartbeats_missed', labels),
        statuses: new Map(),
      };
      this.#byAgent.set(agentId, one);
    }
    return one;
  }

  #forgetAllBut(agents: readonly AgentObservation[]): void {
    const present = new Set(agents.map((agent) => agent.agentId));
    for (const agentId of this.#byAgent.keys()) if (!present.has(agentId)) this.forget(agentId);
  }
}

function valueOf({ value }: KeptSeries): number {
  return Number.isNaN(value) ? 0 : value;
}

function add<Key>(totals: Map<Key, number>, key: Key, amount: number): void {
  totals.set(key, (totals.get(key) ?? 0) + amount);
}
