import type { AgentObservation, AgentStatus, Clock } from '#telemetry';
import { AgentEntry, type AgentRow, type AgentTask } from './agent-entry.ts';
import { hasEnded } from './agent-status.ts';
import { DueTimes } from '../leases/due-times.ts';
import type { Holder } from '../leases/lease-registry.ts';
import type { FleetLimits } from '../limits.ts';
import type { StallWatch } from '../leases/stall-watch.ts';
import { DomainCounts, type DomainCell } from './failure-domain.ts';

/** The agents in memory: all that live, and those that ended a short while ago. Changed only after commits. */
export class AgentIndex {
  readonly #clock: Clock;
  readonly #stall: StallWatch;
  readonly #limits: FleetLimits;
  readonly #entries = new Map<string, AgentEntry>();
  /** When the silence of each is to be judged next: at once where its row has changed. */
  readonly judgedAt: DueTimes<AgentEntry>;
  /** Managed ones that have missed a heartbeat: their processes are looked at. Those that beat again leave at the next look. */
  readonly silent = new Set<AgentEntry>();
  readonly #counts = new DomainCounts();
  /** Those that have not ended; external ones without a pool under null. */
  readonly #livingInPool = new Map<string | null, number>();
  #changes = 0;
  #onChange: (agentId: string, entry: AgentEntry | null) => void = () => undefined;
  #observations: readonly AgentObservation[] | null = null;

  readonly #ownHost: string | null;

  /** @param ownHost the host on which Omoi starts agents; null where that is unknown */
  constructor(clock: Clock, stall: StallWatch, limits: FleetLimits, ownHost: string | null = null) {
    this.#ownHost = ownHost;
    this.#clock = clock;
    this.#stall = stall;
    this.#limits = limits;
    this.judgedAt = new DueTimes(clock.monotonicMs());
  }

  get size(): number {
    return this.#entries.size;
  }

  get(agentId: string): AgentEntry | undefined {
    return this.#entries.get(agentId);
  }

  entries(): Iterable<AgentEntry> {
    return this.#entries.values();
  }

  /** @param listener called with each agent whose row has changed, and null in place of one that is forgotten */
  onChange(listener: (agentId: string, entry: AgentEntry | null) => void): void {
    this.#onChange = listener;
  }

  /**
   * How many have this committed status; IDLE stands for RUNNING too.
   * @param domain of one failure domain alone
   */
  countOf(status: AgentStatus, domain?: string): number {
    return this.#counts.of(status, domain);
  }

  /** The agents of each set of failure domains that occurs. */
  cells(): Iterable<DomainCell> {
    return this.#counts.cells();
  }

  /** Those of them that have agents of a committed status. */
  cellsOf(status: AgentStatus): Iterable<DomainCell> {
    return this.#counts.cellsOf(status);
  }

  /** How many agents of a pool (null: of none) have not ended. */
  livingIn(poolId: string | null): number {
    return this.#livingInPool.get(poolId) ?? 0;
  }

  /** Live views, one for each agent; the list is the same until an agent comes or goes. */
  observations(): readonly AgentObservation[] {
    this.#observations ??= [...this.#entries.values()];
    return this.#observations;
  }

  /**
   * Numbers what a transaction tells of an agent. To be asked while it holds the agent's row: another one that writes the
   * row gets it after the commit of this one, and then a greater number.
   */
  nextChange(): number {
    return ++this.#changes;
  }

  /**
   * Takes over a committed row. `nonceHash` is given where a generation was opened or registered. On PostgreSQL commits may
   * be told in another order than they were made in: the row of an older one is no news.
   * @param change its number, as `nextChange` gave it
   */
  apply(row: AgentRow, nonceHash: string | null, change: number): AgentEntry {
    const nowMonotonicMs = this.#clock.monotonicMs();
    const known = this.#entries.get(row.agent_id);
    if (!known) {
      const entry = new AgentEntry(row, nonceHash ?? '', {
        stall: this.#stall,
        limits: this.#limits,
        ownHost: this.#ownHost,
        nowMonotonicMs,
      });
      entry.change = change;
      noteEnd(entry, nowMonotonicMs);
      this.#entries.set(row.agent_id, entry);
      this.#observations = null;
      this.#count(entry, 1);
      this.judgedAt.set(entry, nowMonotonicMs);
      this.#onChange(row.agent_id, entry);
      return entry;
    }
    if (change < known.change) {
      // Who wrote the row after the generation was opened did not know its nonce.
      if (row.generation === known.generation && known.nonceHash === '') known.nonceHash = nonceHash ?? '';
      return known;
    }
    known.change = change;
    this.#count(known, -1);
    this.judgedAt.set(known, nowMonotonicMs);
    if (row.generation > known.generation) known.startOver(row, nonceHash ?? '', nowMonotonicMs);
    else {
      known.row = row;
      if (nonceHash !== null) known.nonceHash = nonceHash;
    }
    noteEnd(known, nowMonotonicMs);
    this.#count(known, 1);
    this.#onChange(row.agent_id, known);
    return known;
  }

  /** The present generation of an agent was started on another machine: it stands there. */
  runsElsewhere(entry: AgentEntry, host: string): void {
    this.#count(entry, -1);
    entry.runsElsewhere(host);
    this.#count(entry, 1);
  }

  forget(agentId: string): void {
    const entry = this.#entries.get(agentId);
    if (!entry) return;
    this.#entries.delete(agentId);
    this.#onChange(agentId, null);
    this.#observations = null;
    this.#count(entry, -1);
    this.judgedAt.delete(entry);
    this.silent.delete(entry);
  }

  /** Notes that a holder took a task; true when that made its status RUNNING. */
  tookTask(holder: Holder, task: AgentTask): boolean {
    const entry = this.#current(holder);
    if (!entry) return false;
    const before = entry.status;
    entry.tookTask(task);
    entry.unwritten = true;
    return entry.status !== before;
  }

  /** Notes that a task is taken from its holder, which goes on; before it is noted that it is gone from it. */
  lostTask(holder: Holder, taskId: string): void {
    this.#current(holder)?.lostTask(taskId, this.#clock.monotonicMs());
  }

  /** Notes that a holder's task is gone from it; true when that changed its status. */
  droppedTask(holder: Holder, taskId: string): boolean {
    const entry = this.#current(holder);
    if (!entry) return false;
    const before = entry.status;
    entry.droppedTask(taskId);
    entry.unwritten = true;
    return entry.status !== before;
  }

  /** Notes which task explains a holder's end. */
  blame(holder: Holder, taskId: string): void {
    const entry = this.#current(holder);
    if (!entry) return;
    entry.blamedTaskId = taskId;
    entry.lostWithTasksAtMs = null;
  }

  /** Notes that a holder was lost with tasks, any of which may turn out to explain that. */
  suspectTasks(holder: Holder): void {
    const entry = this.#current(holder);
    if (entry) entry.lostWithTasksAtMs = this.#clock.monotonicMs();
  }

  /** Notes that work was seen in flight. */
  workSeen(holder: Holder): void {
    const entry = this.#current(holder);
    if (!entry) return;
    entry.sawWork({ monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() });
  }

  #count({ row: { status, pool_id: poolId }, placement }: AgentEntry, change: 1 | -1): void {
    this.#counts.add(placement, status, change);
    if (hasEnded(status)) return;
    const living = this.livingIn(poolId) + change;
    if (living > 0) this.#livingInPool.set(poolId, living);
    else this.#livingInPool.delete(poolId);
  }

  #current(holder: Holder): AgentEntry | undefined {
    const entry = this.#entries.get(holder.agentId);
    return entry?.generation === holder.generation ? entry : undefined;
  }
}

function noteEnd(entry: AgentEntry, nowMonotonicMs: number): void {
  if (hasEnded(entry.row.status)) entry.endedAtMs ??= nowMonotonicMs;
  else entry.endedAtMs = null;
}
