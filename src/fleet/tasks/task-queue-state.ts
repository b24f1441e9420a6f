import type { Timer } from '#telemetry';
import { ClaimWaiters } from './claim-waiters.ts';
import type { FleetParts } from '../fleet-parts.ts';
import { LeaseRegistry, type Holder, type Lease } from '../leases/lease-registry.ts';
import { heldMs, type TaskRow } from './task-row.ts';

/** Which wakes may be pending at once; beyond it a late task is found by the next claim that comes by itself. */
const maxLateTasks = 100_000;

/**
 * The memory of the task queue, written after commits only: counts, leases, who holds how much, who waits.
 * Everything in it can be rebuilt from the database.
 */
export class TaskQueueState {
  readonly leases: LeaseRegistry;
  readonly waiters: ClaimWaiters;
  readonly #parts: FleetParts;
  readonly #late = new Set<Timer>();

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.leases = new LeaseRegistry(parts.clock, parts.stall);
    this.waiters = new ClaimWaiters(parts.clock, parts.limits.maxWaitingClaims);
  }

  stop(): void {
    for (const timer of this.#late) timer.cancel();
    this.#late.clear();
    this.waiters.stop();
  }

  /** Tasks came into the queue: new ones. */
  queued(tasks: readonly TaskRow[], traceparent: string | null): void {
    for (const task of tasks) this.#parts.activity.countQueued(task.phase_id, task.priority, 1);
    this.#parts.activity.tell({ kind: 'queue', traceparent });
    for (const task of tasks) this.announce(task);
  }

  claimed(task: TaskRow, holder: Holder, traceparent: string | null): void {
    const { activity, agentIndex } = this.#parts;
    activity.countQueued(task.phase_id, task.priority, -1);
    this.hold(task, holder);
    const nowBusy = agentIndex.tookTask(holder);
    activity.tell({ kind: 'queue', traceparent });
    if (nowBusy) activity.tell({ kind: 'agents', traceparent });
    if (task.attempt !== 1) return;
    activity.tell({
      kind: 'task_claimed',
      phaseId: task.phase_id,
      taskType: task.task_type,
      waitSeconds: Math.max(0, (task.claimed_at_ms ?? 0) - task.enqueued_at_ms) / 1000,
      traceparent,
    });
  }

  /** Starts a claim's lease; at the start of the server each gets its whole length again. */
  hold(task: TaskRow, holder: Holder): void {
    this.leases.begin({
      id: task.task_id,
      agentId: holder.agentId,
      generation: holder.generation,
      term: task.attempt,
      lengthMs: task.lease_ms ?? this.#parts.limits.defaultLeaseMs,
    });
  }

  completed(task: TaskRow, holder: Holder, traceparent: string | null): void {
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
  failed(task: TaskRow, holder: Holder, traceparent: string | null): void {
    const { activity } = this.#parts;
    activity.tell({ kind: 'task_failed', phaseId: task.phase_id, agentId: holder.agentId, traceparent });
    this.released(task, holder, traceparent);
  }

  /** A holder lost its task or gave it up; the row says whether it is queued again. */
  released(task: TaskRow, holder: Holder, traceparent: string | null): void {
    this.#let(task, holder, traceparent);
    if (task.state === 'queued') this.queued([task], traceparent);
  }

  /** A task was cancelled, in the queue or in a holder's hand. */
  cancelled(task: TaskRow, holder: Holder | null, traceparent: string | null): void {
    if (holder) {
      this.#let(task, holder, traceparent);
      return;
    }
    this.#parts.activity.countQueued(task.phase_id, task.priority, -1);
    this.#parts.activity.tell({ kind: 'queue', traceparent });
  }

  /** Wakes the claim that waits for the task: now, or when the task may be claimed (by more agents than before). */
  announce(task: TaskRow): void {
    const nowMs = this.#parts.clock.wallMs();
    if (task.available_at_ms > nowMs) {
      this.#later(task.available_at_ms - nowMs, () => this.waiters.wake(task));
      return;
    }
    this.waiters.wake(task);
    if (task.kept_for_agent_id !== null && task.kept_until_ms !== null) {
      const anyone = { ...task, kept_for_agent_id: null };
      this.#later(task.kept_until_ms - nowMs, () => this.waiters.wake(anyone));
    }
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#late.size >= maxLateTasks) return;
    // One more millisecond, for the wall clock that the database compares with counts whole ones.
    const timer = this.#parts.clock.after(Math.max(0, delayMs) + 1, () => {
      this.#late.delete(timer);
      run();
    });
    this.#late.add(timer);
  }

  /** Ends a lease of a task that is not (or not so) claimed any more. */
  forget(lease: Lease): void {
    if (this.leases.get(lease.id) !== lease) return;
    this.leases.end(lease.id);
    if (this.#parts.agentIndex.droppedTask(lease))
      this.#parts.activity.tell({ kind: 'agents', traceparent: null });
  }

  #let(task: TaskRow, holder: Holder, traceparent: string | null): void {
    const lease = this.leases.get(task.task_id);
    if (lease?.agentId !== holder.agentId || lease.generation !== holder.generation) return;
    this.leases.end(task.task_id);
    const nowIdle = this.#parts.agentIndex.droppedTask(holder);
    if (nowIdle) this.#parts.activity.tell({ kind: 'agents', traceparent });
  }
}
