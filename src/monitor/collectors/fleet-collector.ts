import {
  nextTurn,
  type Clock,
  type FleetActivity,
  type FleetFeed,
  type Subscription,
  type Timer,
} from '#telemetry';
import { AgentGauges } from './agent-gauges.ts';
import { InventoryGauges } from './inventory-gauges.ts';
import { CounterFamily, GaugeFamily, HistogramFamily, type FamilyParts } from './series-family.ts';
import type { KeptSeries, SeriesAppender } from './series-appender.ts';

/** Ages are computed, and unchanged values repeated, this often. */
const ageTickMs = 1000;
/** All agents are looked through at most this often, however fast their statuses change … */
const minAgentScanIntervalMs = 20;
/** … and the time between two looks is this many times what one takes. */
const agentScanPauseFactor = 10;

export interface FleetCollectorParts {
  readonly clock: Clock;
  /** Told once that every series of the fleet as it stands is open. */
  readonly onSeen: () => void;
  /** Agents that somebody else starts and that are to be there. */
  readonly expected: readonly string[];
}

/**
 * Keeps the standard metrics of a fleet: one unit for all that changes within one turn of the event loop. All agents of
 * a large fleet are looked through in slices, each a unit and a turn of its own.
 */
export class FleetCollector {
  readonly #feed: FleetFeed;
  readonly #appender: SeriesAppender;
  readonly #clock: Clock;
  readonly #queued: GaugeFamily;
  readonly #parked: GaugeFamily;
  readonly #unserved: GaugeFamily;
  readonly #runningAge: GaugeFamily;
  readonly #locksActive: GaugeFamily;
  readonly #agents: AgentGauges;
  readonly #inventory: InventoryGauges;
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
  /** Whether the tick's work is still to be begun: ages, and what is to be repeated. */
  #tickDue = false;
  /** What is done in slices; one at a time. */
  #pass: Generator<void, void, void> | null = null;
  #passTookMs = 0;
  #stopped = false;
  /** Called once, when all agents have been looked at for the first time. */
  #onSeen: (() => void) | null;

  constructor(feed: FleetFeed, parts: FamilyParts, { clock, onSeen, expected }: FleetCollectorParts) {
    this.#feed = feed;
    this.#onSeen = onSeen;
    this.#appender = parts.appender;
    this.#clock = clock;
    this.#queued = new GaugeFamily(parts, 'tasks_queued_total');
    this.#parked = new GaugeFamily(parts, 'tasks_parked');
    this.#unserved = new GaugeFamily(parts, 'tasks_unserved');
    this.#runningAge = new GaugeFamily(parts, 'task_running_age_seconds');
    this.#locksActive = new GaugeFamily(parts, 'resource_locks_active');
    this.#agents = new AgentGauges(parts);
    this.#inventory = new InventoryGauges(parts, expected);
    this.#counters = new FleetCounters(parts);
  }

  start(): void {
    this.#subscription = this.#feed.onActivity((activity) => this.#note(activity));
    this.#tick = this.#clock.every(ageTickMs, () => this.#onTick());
    this.#scheduleFlush();
  }

  stop(): void {
    this.#stopped = true;
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
      this.#queued.endIdleZeros();
      const parked = new Map<KeptSeries, number>();
      for (const count of snapshot.parked) {
        add(parked, this.#parked.at(count.phaseId, count.taskType), count.parked);
      }
      this.#parked.setTotals(parked);
      this.#parked.endIdleZeros();
    }
    if (this.#locksDirty) {
      this.#locksDirty = false;
      const active = new Map<KeptSeries, number>();
      for (const count of snapshot.locks) {
        add(active, this.#locksActive.at(count.resourceType, count.lockMode), count.active);
      }
      this.#locksActive.setTotals(active);
      // Types of locks come and go with what the agents call them.
      this.#locksActive.endIdleZeros();
    }
    if (!this.#agentsDirty) {
      for (const agentId of this.#changedAgents) {
        const agent = this.#feed.agent(agentId);
        if (agent && !this.#agents.collectChange(agent)) this.#agentsDirty = true;
      }
    }
    this.#changedAgents.clear();
    if ((this.#agentsDirty || this.#tickDue) && !this.#pass) this.#beginPass();
  }

  #collectRunning(): void {
    const ages = new Map<KeptSeries, number>();
    for (const { phaseId, taskType, ageSeconds } of this.#feed.snapshot().running) {
      const series = this.#runningAge.at(phaseId, taskType);
      ages.set(series, Math.max(ages.get(series) ?? 0, ageSeconds));
    }
    this.#runningAge.setTotals(ages);
    this.#runningAge.endIdleZeros();
  }

  #collectUnserved(): void {
    const { unserved } = this.#feed.snapshot();
    // Shortly after a start: what the last server has told is true until this one knows.
    if (unserved === null) return;
    const tasks = new Map<KeptSeries, number>();
    for (const count of unserved) {
      add(tasks, this.#unserved.at(count.phaseId, count.taskType), count.unserved);
    }
    this.#unserved.setTotals(tasks);
    this.#unserved.endIdleZeros();
  }

  #beginPass(): void {
    const waitMs = this.#nextAgentScanMs - this.#clock.monotonicMs();
    if (waitMs > 0 && !this.#tickDue) {
      this.#agentScan ??= this.#clock.after(waitMs, () => {
        this.#agentScan = null;
        this.#scheduleFlush();
      });
      return;
    }
    this.#pass = this.#passOver(this.#tickDue);
    this.#passTookMs = 0;
    this.#agentsDirty = false;
    this.#tickDue = false;
    this.#advance(this.#pass);
  }

  *#passOver(isTick: boolean): Generator<void, void, void> {
    yield* this.#agents.collect(this.#feed, { withAges: isTick });
    if (isTick) yield* this.#appender.repeatInSlices();
  }

  /** Does a slice; the next is a turn of its own. Who calls it flushes what was put. */
  #advance(pass: Generator<void, void, void>): void {
    const startedMs = this.#clock.monotonicMs();
    const isDone = pass.next().done === true;
    const nowMs = this.#clock.monotonicMs();
    this.#passTookMs += nowMs - startedMs;
    if (!isDone) {
      void nextTurn().then(() => this.#goOn(pass));
      return;
    }
    this.#pass = null;
    this.#nextAgentScanMs = nowMs + Math.max(minAgentScanIntervalMs, this.#passTookMs * agentScanPauseFactor);
    this.#onSeen?.();
    this.#onSeen = null;
    // What changed meanwhile was perhaps looked at before it did.
    if (this.#agentsDirty || this.#tickDue) this.#scheduleFlush();
  }

  #goOn(pass: Generator<void, void, void>): void {
    if (this.#stopped) return;
    this.#advance(pass);
    this.#appender.flush();
  }

  #onTick(): void {
    this.#tickDue = true;
    this.#collectRunning();
    this.#collectUnserved();
    this.#inventory.collect(this.#feed, this.#agents);
    this.#collect();
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
  readonly #taskSeconds: CounterFamily;
  readonly #failed: CounterFamily;
  readonly #restarts: CounterFamily;
  readonly #handoffs: CounterFamily;
  readonly #duration: HistogramFamily;
  readonly #wait: HistogramFamily;
  readonly #lockWait: HistogramFamily;

  constructor(parts: FamilyParts) {
    this.#completed = new CounterFamily(parts, 'tasks_completed_total');
    this.#taskSeconds = new CounterFamily(parts, 'agent_task_seconds_total');
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
        this.#taskSeconds.add(activity.durationSeconds, activity.phaseId, activity.agentId);
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
    this.#taskSeconds.endAgent('agent_id', agentId);
    this.#failed.endAgent('agent_id', agentId);
    this.#restarts.endAgent('agent_id', agentId);
    this.#handoffs.endAgent('from_agent_id', agentId);
    this.#handoffs.endAgent('to_agent_id', agentId);
  }
}

function add<Key>(totals: Map<Key, number>, key: Key, amount: number): void {
  totals.set(key, (totals.get(key) ?? 0) + amount);
}
