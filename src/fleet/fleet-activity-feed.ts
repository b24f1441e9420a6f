import type { AgentObservation, FleetActivity, FleetFeed, FleetSnapshot, Subscription } from '#telemetry';
import type { AgentIndex } from './agents/agent-index.ts';
import type { Unserved } from './tasks/unserved-tasks.ts';

interface QueueCount {
  readonly phaseId: string;
  readonly priority: number;
  queued: number;
}

/** Counts of phases and priorities in which nothing waits are kept, so that they are seen to be 0, while there are so few. */
const maxKeptCounts = 256;

/** As the label of a metric's series that stands for all that have no room. */
const OTHERS = '_other';

interface ParkedCount {
  readonly phaseId: string;
  readonly taskType: string;
  readonly parked: number;
}

/** How long the oldest claim of each kind has run; computed when it is asked for. */
interface RunningAges {
  ages(): FleetSnapshot['running'];
}

/** What the queue keeps of itself, which is made after this. */
interface QueueView {
  readonly running: RunningAges;
  readonly unserved: { list(): Unserved | null };
}

interface LockCount {
  readonly resourceType: string;
  readonly lockMode: string;
  readonly active: number;
}

/**
 * What the fleet shows: counts kept from committed changes (never counted anew), the agents in memory, and the
 * activity. A snapshot is a live view: it costs nothing, and is read at once or not at all.
 */
export class FleetActivityFeed implements FleetFeed {
  readonly #agentIndex: AgentIndex;
  readonly #listeners = new Set<(activity: FleetActivity) => void>();
  readonly #queue: QueueCount[] = [];
  /** Where each count stands among all of them. */
  readonly #places = new Map<QueueCount, number>();
  readonly #queueByPhase = new Map<string, Map<number, QueueCount>>();
  readonly #queuedInPhase = new Map<string, number>();
  /** Of what is locked now, by type and mode. */
  readonly #locks = new Map<string, LockCount>();
  /** Tasks that wait for a person, by phase and type. */
  readonly #parked = new Map<string, ParkedCount>();
  #queueView: QueueView = { running: { ages: () => [] }, unserved: { list: () => null } };
  readonly #poolSizes = new Map<string, number>();
  #queued = 0;

  constructor(agentIndex: AgentIndex) {
    this.#agentIndex = agentIndex;
  }

  snapshot(): FleetSnapshot {
    const queueView = this.#queueView;
    return {
      agents: this.#agentIndex.observations(),
      queue: this.#queue,
      parked: [...this.#parked.values()],
      running: queueView.running.ages(),
      get unserved() {
        return unservedCounts(queueView.unserved.list());
      },
      pools: this.#poolSizes,
      locks: [...this.#locks.values()],
    };
  }

  agent(agentId: string): AgentObservation | undefined {
    return this.#agentIndex.get(agentId);
  }

  onActivity(listener: (activity: FleetActivity) => void): Subscription {
    this.#listeners.add(listener);
    return { stop: () => void this.#listeners.delete(listener) };
  }

  tell(activity: FleetActivity): void {
    for (const listener of this.#listeners) listener(activity);
  }

  /** All tasks that wait, in any phase. */
  get queued(): number {
    return this.#queued;
  }

  countQueued(phaseId: string, priority: number, change: number): void {
    let phase = this.#queueByPhase.get(phaseId);
    if (!phase) {
      phase = new Map();
      this.#queueByPhase.set(phaseId, phase);
    }
    let count = phase.get(priority);
    if (!count) {
      count = { phaseId, priority, queued: 0 };
      phase.set(priority, count);
      this.#places.set(count, this.#queue.length);
      this.#queue.push(count);
    }
    count.queued += change;
    this.#queued += change;
    this.#countInPhase(phaseId, change);
    if (count.queued === 0 && this.#queue.length > maxKeptCounts) this.#forget(count, phase);
  }

  #countInPhase(phaseId: string, change: number): void {
    const queued = (this.#queuedInPhase.get(phaseId) ?? 0) + change;
    if (queued === 0) this.#queuedInPhase.delete(phaseId);
    else this.#queuedInPhase.set(phaseId, queued);
  }

  #forget(count: QueueCount, phase: Map<number, QueueCount>): void {
    phase.delete(count.priority);
    if (phase.size === 0) this.#queueByPhase.delete(count.phaseId);
    const place = this.#places.get(count);
    this.#places.delete(count);
    const last = this.#queue.pop();
    if (!last || last === count || place === undefined) return;
    this.#places.set(last, place);
    this.#queue[place] = last;
  }

  /** The phases in which tasks wait. */
  phases(): Iterable<string> {
    return this.#queuedInPhase.keys();
  }

  waitsIn(phaseId: string): boolean {
    return this.#queuedInPhase.has(phaseId);
  }

  showQueueOf(view: QueueView): void {
    this.#queueView = view;
  }

  countParked(phaseId: string, taskType: string, change: number): void {
    const key = `${phaseId} ${taskType}`;
    const parked = (this.#parked.get(key)?.parked ?? 0) + change;
    if (parked > 0) this.#parked.set(key, { phaseId, taskType, parked });
    else this.#parked.delete(key);
  }

  /** @param agents how many the pool is to have; null: there is no such pool any more */
  setPoolSize(poolId: string, agents: number | null): void {
    if (agents === null) this.#poolSizes.delete(poolId);
    else this.#poolSizes.set(poolId, agents);
  }

  countLocks(resourceType: string, lockMode: string, change: number): void {
    const key = `${lockMode} ${resourceType}`;
    const active = (this.#locks.get(key)?.active ?? 0) + change;
    if (active > 0) this.#locks.set(key, { resourceType, lockMode, active });
    else this.#locks.delete(key);
  }
}

/** The tasks of kinds that are not told one by one are counted as one kind. */
function unservedCounts(unserved: Unserved | null): FleetSnapshot['unserved'] {
  if (unserved === null) return null;
  const { kinds, others } = unserved;
  const counts = kinds.map((kind) => ({
    phaseId: kind.phase_id,
    taskType: kind.task_type,
    unserved: kind.queued,
  }));
  return others === 0 ? counts : [...counts, { phaseId: OTHERS, taskType: OTHERS, unserved: others }];
}
