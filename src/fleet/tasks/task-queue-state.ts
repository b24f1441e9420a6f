import type { Timer } from '#telemetry';
import type { AgentEntry } from '../agents/agent-entry.ts';
import { hasEnded } from '../agents/agent-status.ts';
import type { ClaimFilter } from './claim-filter.ts';
import { ClaimWaiters, type ComingTask } from './claim-waiters.ts';
import { ClaimedKinds } from './claimed-kinds.ts';
import type { FleetParts } from '../fleet-parts.ts';
import { LeaseRegistry, type Holder, type Lease } from '../leases/lease-registry.ts';
import { MassLosses } from './mass-losses.ts';
import { QueueLanes, type LaneTask } from './queue-lanes.ts';
import { QueueRoom } from './queue-room.ts';
import { RunningTasks } from './running-tasks.ts';
import { TaskSolitude } from './task-solitude.ts';
import { TaskTimeLimits } from './task-time-limits.ts';
import { UnservedTasks } from './unserved-tasks.ts';
import {
  endedOthers,
  heldMs,
  holderOf,
  runsAlone,
  type AnnouncedTask,
  type HeldTask,
  type TaskRow,
} from './task-row.ts';

/** Which wakes may be pending at once; beyond it a late task is found by the next claim that comes by itself. */
export const maxLateTasks = 100_000;

/** A commit: when its transaction began by the database's clock, which is not the server's, and in which trace. */
interface Commit {
  readonly nowMs: number;
  readonly traceparent: string | null;
}

/**
 * The memory of the task queue, written after commits only: counts, leases, who holds how much, who waits.
 * Everything in it can be rebuilt from the database.
 */
export class TaskQueueState {
  readonly leases: LeaseRegistry;
  readonly waiters: ClaimWaiters;
  readonly lanes = new QueueLanes();
  readonly room: QueueRoom;
  readonly solitude: TaskSolitude;
  readonly massLosses: MassLosses;
  readonly running: RunningTasks;
  readonly timeLimits = new TaskTimeLimits();
  readonly claimedKinds: ClaimedKinds;
  readonly unserved: UnservedTasks;
  readonly #parts: FleetParts;
  readonly #late = new Set<Timer>();
  /** How many tasks are kept for an agent that they were handed to. */
  readonly #kept = new Map<string, number>();

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.leases = new LeaseRegistry(parts.clock, parts.stall);
    this.room = new QueueRoom(parts);
    this.solitude = new TaskSolitude(parts.clock);
    this.massLosses = new MassLosses(parts.clock);
    this.running = new RunningTasks(parts.clock);
    this.claimedKinds = new ClaimedKinds(parts.clock);
    this.unserved = new UnservedTasks({ lanes: this.lanes, claimed: this.claimedKinds, clock: parts.clock });
    parts.agentIndex.onChange((agentId, agent) => {
      if (agent === null || hasEnded(agent.row.status)) this.claimedKinds.forget(agentId);
      else this.claimedKinds.changed(agent);
    });
    parts.activity.showQueueOf({ running: this.running, unserved: this.unserved });
    this.waiters = new ClaimWaiters(parts.clock, {
      maxWaiting: parts.limits.maxWaitingClaims,
      maxWaitingPerAgent: parts.limits.maxWaitingClaimsPerAgent,
      mayTake: (agentId, task) => this.#mayTake(agentId, task),
      ownerOf: (agentId) => ownerOf(parts.agentIndex.get(agentId)),
    });
  }

  stop(): void {
    for (const timer of this.#late) timer.cancel();
    this.#late.clear();
    this.waiters.stop();
  }

  /** A generation of an agent asks for tasks; what one of before asks for is refused, and says nothing of the present one. */
  asked(generation: number, filter: ClaimFilter): void {
    const agent = this.#parts.agentIndex.get(filter.agentId);
    if (agent?.generation === generation) this.claimedKinds.claimed(agent, filter);
  }

  /** Whether a task may be there that the filter takes; the database knows whether one is. */
  holdsFor(filter: ClaimFilter): boolean {
    return this.keepsFor(filter.agentId) || this.lanes.matching(filter).length > 0;
  }

  /** Whether a task may be kept for the agent alone. */
  keepsFor(agentId: string): boolean {
    return this.#kept.has(agentId);
  }

  /** Counts what waits of one kind: at the start, and with every change. */
  count(task: LaneTask & Pick<TaskRow, 'priority' | 'counted_losses'>, change: number): void {
    this.#parts.activity.countQueued(task.phase_id, task.priority, change);
    this.lanes.count(task, change);
    if (runsAlone(task)) this.solitude.countWaiting(change);
  }

  /** Tasks came into the queue: new ones. */
  queued(tasks: readonly TaskRow[], { nowMs, traceparent }: Commit): void {
    for (const task of tasks) this.count(task, 1);
    this.#parts.activity.tell({ kind: 'queue', traceparent });
    for (const task of tasks) this.announce(task, nowMs);
  }

  /** A task came into the queue and was claimed in the same transaction: nobody else is told of it. */
  queuedAndClaimed(task: TaskRow, claim: Holder & { readonly traceparent: string | null }): void {
    this.count(task, 1);
    this.claimed(task, claim, claim.traceparent);
  }

  claimed(task: TaskRow, holder: Holder, traceparent: string | null): void {
    const { activity, agentIndex } = this.#parts;
    this.count(task, -1);
    this.hold(task, holder);
    const nowBusy = agentIndex.tookTask(holder, task);
    activity.tell({ kind: 'queue', traceparent });
    if (nowBusy) activity.tell({ kind: 'agent', agentId: holder.agentId, traceparent });
    if (task.attempt !== 1) return;
    activity.tell({
      kind: 'task_claimed',
      phaseId: task.phase_id,
      taskType: task.task_type,
      waitSeconds: Math.max(0, (task.claimed_at_ms ?? 0) - task.enqueued_at_ms) / 1000,
      traceparent,
    });
  }

  /**
   * Starts a claim's lease; at the start of the server each gets its whole length again.
   * @param heldMs for how long the claim has run
   */
  hold(task: HeldTask, holder: Holder, heldMs = 0): void {
    const poolId = this.#parts.agentIndex.get(holder.agentId)?.poolId ?? null;
    if (runsAlone(task)) this.solitude.begin(task.task_id, holder.agentId, endedOthers(task, holder));
    this.running.begin(task, heldMs);
    this.leases.begin({
      id: task.task_id,
      agentId: holder.agentId,
      generation: holder.generation,
      term: task.attempt,
      lengthMs: task.lease_ms ?? this.#parts.limits.defaultLeaseMs,
      limitMs: this.timeLimits.of(task, poolId),
      heldMs,
    });
  }

  /** At the start of the server: who holds a task claims such, although it has asked an earlier server for it. */
  claimsLike({ phase_id: phaseId, task_type: taskType }: HeldTask, { agentId, generation }: Holder): void {
    const poolId = this.#parts.agentIndex.get(agentId)?.poolId ?? null;
    this.asked(generation, {
      agentId,
      poolId,
      phaseIds: [phaseId],
      taskTypes: [taskType],
      ownPoolOnly: false,
    });
  }

  /** A task as its claim shows it. Memory alone knows of renewals, and which limit holds for the claim. */
  withLease(task: TaskRow): TaskRow {
    const lease = task.state === 'claimed' ? this.leases.get(task.task_id) : undefined;
    return lease ? { ...this.withLimit(task), lease_until_ms: Math.trunc(lease.untilMs) } : task;
  }

  /** A task that was claimed just now, with the limit that holds for this claim. */
  withLimit(task: TaskRow): TaskRow {
    const lease = this.leases.get(task.task_id);
    if (lease?.term !== task.attempt || lease.limitMs === task.time_limit_ms) return task;
    return { ...task, time_limit_ms: lease.limitMs };
  }

  completed(task: TaskRow, holder: Holder, traceparent: string | null): void {
    this.massLosses.completed(this.#parts.agentIndex.get(holder.agentId)?.poolId ?? null, heldMs(task));
    this.#parts.activity.tell({
      kind: 'task_completed',
      phaseId: task.phase_id,
      taskType: task.task_type,
      agentId: holder.agentId,
      durationSeconds: heldMs(task) / 1000,
      traceparent,
    });
    this.#let(task, holder, traceparent);
  }

  /** An attempt failed; the task may be queued again. */
  failed(task: TaskRow, holder: Holder, commit: Commit): void {
    const { activity } = this.#parts;
    const { traceparent } = commit;
    activity.tell({ kind: 'task_failed', phaseId: task.phase_id, agentId: holder.agentId, traceparent });
    this.released(task, holder, commit);
  }

  /** A holder lost its task or gave it up; the row says whether it is queued again. */
  released(task: TaskRow, holder: Holder, commit: Commit): void {
    const { traceparent } = commit;
    this.#let(task, holder, traceparent);
    if (task.state === 'queued') this.queued([task], commit);
    if (task.state !== 'parked') return;
    this.countParked(task, 1);
    this.#parts.activity.tell({ kind: 'queue', traceparent });
  }

  /** A loss of a queued task counts no more. */
  acquitted(task: TaskRow): void {
    if (!runsAlone(task)) this.solitude.countWaiting(-1);
  }

  /** A person, or Omoi, queued a task again that was parked or had failed. */
  retried(task: TaskRow, from: 'parked' | 'failed', commit: Commit): void {
    if (from === 'parked') this.countParked(task, -1);
    this.queued([task], commit);
  }

  /** A task was cancelled, in the queue, in a holder's hand or parked: `before` is the row as it was. */
  cancelled(task: TaskRow, before: TaskRow, traceparent: string | null): void {
    switch (before.state) {
      case 'queued':
        this.count(task, -1);
        this.#parts.activity.tell({ kind: 'queue', traceparent });
        return;
      case 'claimed': {
        const holder = holderOf(before);
        if (holder) this.#let(task, holder, traceparent);
        return;
      }
      case 'parked':
        this.countParked(task, -1);
        this.#parts.activity.tell({ kind: 'queue', traceparent });
        return;
      case 'completed':
      case 'failed':
      case 'cancelled':
        throw new Error(`a task that was ${before.state} was cancelled`);
    }
  }

  /** Counts what waits for a person: at the start, and with every change. */
  countParked(task: Pick<TaskRow, 'phase_id' | 'task_type'>, change: number): void {
    this.#parts.activity.countParked(task.phase_id, task.task_type, change);
  }

  /**
   * Wakes the claim that waits for the task: now, or when the task may be claimed (by more agents than before).
   * @param nowMs by the clock that the row was written with, which the database asks as well
   */
  announce(task: AnnouncedTask, nowMs: number): void {
    const coming = comingTask(task);
    if (task.available_at_ms > nowMs) {
      this.#later(task.available_at_ms - nowMs, () => this.waiters.wake(coming));
      return;
    }
    this.waiters.wake(coming);
    const keeper = task.kept_for_agent_id;
    if (keeper !== null && task.kept_until_ms !== null) {
      const anyone = { ...coming, kept_for_agent_id: null };
      const scheduled = this.#later(task.kept_until_ms - nowMs, () => {
        this.#keep(keeper, -1);
        this.waiters.wake(anyone);
      });
      if (scheduled) this.#keep(keeper, 1);
    }
  }

  /** Whether an agent may be given the task by the sole fact that one of its claims waits. */
  #mayTake(agentId: string, task: { readonly counted_losses: number }): boolean {
    if (this.solitude.holdsAlone(agentId)) return false;
    return !runsAlone(task) || (this.#parts.agentIndex.get(agentId)?.tasksHeld ?? 0) === 0;
  }

  #keep(agentId: string, change: number): void {
    const kept = (this.#kept.get(agentId) ?? 0) + change;
    if (kept > 0) this.#kept.set(agentId, kept);
    else this.#kept.delete(agentId);
  }

  /** False where too many wait already. */
  #later(delayMs: number, run: () => void): boolean {
    if (this.#late.size >= maxLateTasks) return false;
    // One more millisecond, for the clock that the database compares with counts whole ones.
    const timer = this.#parts.clock.after(Math.max(0, delayMs) + 1, () => {
      this.#late.delete(timer);
      run();
    });
    this.#late.add(timer);
    return true;
  }

  /** Ends a lease of a task that is not (or not so) claimed any more. */
  forget(lease: Lease): void {
    if (this.leases.get(lease.id) !== lease) return;
    this.leases.end(lease.id);
    this.running.end(lease.id);
    this.solitude.end(lease.id, lease.agentId);
    const nowIdle = this.#parts.agentIndex.droppedTask(lease, lease.id);
    this.waiters.reconsider(lease.agentId);
    if (nowIdle) this.#parts.activity.tell({ kind: 'agent', agentId: lease.agentId, traceparent: null });
  }

  #let(task: TaskRow, holder: Holder, traceparent: string | null): void {
    const lease = this.leases.get(task.task_id);
    if (lease?.agentId !== holder.agentId || lease.generation !== holder.generation) return;
    this.leases.end(task.task_id);
    this.running.end(task.task_id);
    const { agentId } = holder;
    const hadAlone = this.solitude.holdsAlone(agentId);
    this.solitude.end(task.task_id, agentId);
    const nowIdle = this.#parts.agentIndex.droppedTask(holder, task.task_id);
    if (nowIdle) this.#parts.activity.tell({ kind: 'agent', agentId, traceparent });
    // Its own claims waited although there was something to do.
    const isFree = (this.#parts.agentIndex.get(agentId)?.tasksHeld ?? 0) === 0;
    if (hadAlone || isFree) this.waiters.reconsider(agentId);
    if (hadAlone || (isFree && this.solitude.waiting > 0)) this.waiters.wakeAgent(agentId);
  }
}

/** Whose claims an agent's count as: its token's, or those of its pool, which has one for all of its own. */
function ownerOf(agent: AgentEntry | undefined): string {
  const { registered_by: tokenId = null, pool_id: poolId = null } = agent?.row ?? {};
  if (tokenId !== null) return `token ${tokenId}`;
  return poolId === null ? 'agents without a token' : `pool ${poolId}`;
}

/** Without its payload, which would lie in memory until the task is due. */
function comingTask({
  task_id,
  task_type,
  phase_id,
  pool_id,
  kept_for_agent_id,
  counted_losses,
}: AnnouncedTask): ComingTask {
  return { task_id, task_type, phase_id, pool_id, kept_for_agent_id, counted_losses };
}
