import { sql } from 'kysely';
import { PreparedQuery, type StateTransaction } from '#storage';
import { messageOf, OmoiError } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import type { ReleaseOrder } from '../agents/generation-store.ts';
import type { Holder, Lease } from '../leases/lease-registry.ts';
import type { TaskQueueState } from './task-queue-state.ts';
import {
  cancelledEvent,
  failedEvent,
  holderOf,
  releasedEvent,
  type ReleaseReason,
  type TaskRow,
} from './task-row.ts';
import { finished, FREE, unknownTask, writeTask } from './task-settlement.ts';

const maxExpiriesPerTransaction = 100;

/** Takes tasks back from their holders: leases that ran out, agents that ended, orders of operators. */
export class TaskReleases {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  #expiring = false;

  constructor(parts: FleetParts, state: TaskQueueState) {
    this.#parts = parts;
    this.#state = state;
  }

  /** Queues again what an agent's generations up to one have claimed; returns how many tasks. */
  async reassign(tx: StateTransaction, order: ReleaseOrder): Promise<number> {
    const held = await tx.db
      .selectFrom('tasks')
      .selectAll()
      .where('state', '=', sql.lit('claimed'))
      .where('agent_id', '=', order.agentId)
      .where('generation', '<=', order.upToGeneration)
      .orderBy('task_id')
      .forUpdate()
      .execute();
    await this.#release(tx, held, order);
    return held.length;
  }

  /** Takes back the tasks whose leases have run out. To be called every tick. */
  async expire(): Promise<void> {
    if (this.#expiring) return;
    const expired = this.#state.leases.takeExpired(maxExpiriesPerTransaction);
    if (expired.length === 0) return;
    this.#expiring = true;
    try {
      await this.#parts.database.transaction((tx) => this.#expire(tx, expired));
    } catch (thrown) {
      for (const lease of expired) this.#state.leases.keep(lease);
      this.#parts.logger.error({ error: messageOf(thrown) }, 'Expired leases could not be taken back.');
    } finally {
      this.#expiring = false;
    }
  }

  /**
   * Takes a claimed task back into the queue.
   * @throws OmoiError `unknown_task`, `task_not_claimed`, `task_finished`
   */
  async reassignTask(taskId: string, traceparent: string | null): Promise<TaskRow> {
    return this.#parts.database.transaction(async (tx) => {
      const task = await lockTask(tx, taskId);
      if (task.state === 'queued') {
        throw new OmoiError('task_not_claimed', `Task ${taskId} is in the queue already.`, {
          task_id: taskId,
        });
      }
      if (task.state !== 'claimed') throw finished(task);
      const [released] = await this.#release(tx, [task], { reason: 'reassigned', traceparent });
      return released ?? task;
    });
  }

  /**
   * Ends a task that is queued or claimed; its holder is refused from then on. Repeating it changes nothing.
   * @throws OmoiError `unknown_task`, `task_finished` for one that completed or failed
   */
  async cancel(taskId: string, order: { by: string; traceparent: string | null }): Promise<TaskRow> {
    const { traceparent } = order;
    return this.#parts.database.transaction(async (tx) => {
      const task = await lockTask(tx, taskId);
      if (task.state === 'cancelled') return task;
      if (task.state !== 'queued' && task.state !== 'claimed') throw finished(task);
      const cancelled: TaskRow = {
        ...task,
        state: 'cancelled',
        error: `cancelled by ${order.by}`,
        lease_until_ms: null,
        finished_at_ms: tx.nowMs,
      };
      await writeTask(tx, cancelled);
      await this.#parts.bus.append(tx, cancelledEvent(cancelled, order.by, traceparent));
      tx.afterCommit(() => this.#state.cancelled(cancelled, holderOf(task), traceparent));
      return cancelled;
    });
  }

  async #expire(tx: StateTransaction, expired: readonly Lease[]): Promise<void> {
    const terms = new Map(expired.map((lease) => [lease.id, lease]));
    const tasks = await tx.db
      .selectFrom('tasks')
      .selectAll()
      .where('task_id', 'in', [...terms.keys()])
      .where('state', '=', sql.lit('claimed'))
      .orderBy('task_id')
      .forUpdate()
      .execute();
    const stillHeld = tasks.filter((task) => terms.get(task.task_id)?.term === task.attempt);
    await this.#release(tx, stillHeld, { reason: 'lease_expired', traceparent: null });
    const released = new Set(stillHeld.map((task) => task.task_id));
    tx.afterCommit(() => {
      // A lease of what is not claimed any more was left over by a commit that was told late.
      for (const lease of expired) if (!released.has(lease.id)) this.#state.forget(lease);
    });
  }

  /** Writes claimed and locked tasks back into the queue, or ends those that were lost too often. */
  async #release(
    tx: StateTransaction,
    held: readonly TaskRow[],
    order: { readonly reason: ReleaseReason; readonly traceparent: string | null },
  ): Promise<TaskRow[]> {
    const { bus, limits } = this.#parts;
    const { reason, traceparent } = order;
    const releases: { readonly task: TaskRow; readonly holder: Holder }[] = [];
    for (const task of held) {
      const holder = holderOf(task);
      if (!holder) continue;
      const released = releaseTask(task, { reason, nowMs: tx.nowMs, maxLeasesLost: limits.maxLeasesLost });
      releases.push({ task: released, holder });
    }
    await Promise.all(releases.map(({ task }) => writeReleased(tx, task)));
    const events = releases.flatMap(({ task, holder }) => {
      const released = releasedEvent(task, { holder, reason, traceparent });
      return task.state === 'failed' ? [released, failedEvent(task, holder, traceparent)] : [released];
    });
    await bus.append(tx, ...events);
    tx.afterCommit(() => {
      for (const { task, holder } of releases) {
        if (task.state === 'failed') this.#state.failed(task, holder, traceparent);
        else this.#state.released(task, holder, traceparent);
      }
    });
    return releases.map((release) => release.task);
  }
}

/** A claimed task as it is after its holder lost it or gave it up. */
function releaseTask(
  task: TaskRow,
  release: { readonly reason: ReleaseReason; readonly nowMs: number; readonly maxLeasesLost: number },
): TaskRow {
  const lost = release.reason === 'lease_expired' || release.reason === 'reassigned';
  const leasesLost = task.leases_lost + (lost ? 1 : 0);
  if (lost && leasesLost >= release.maxLeasesLost) {
    return {
      ...task,
      state: 'failed',
      leases_lost: leasesLost,
      lease_until_ms: null,
      finished_at_ms: release.nowMs,
      error: `lost by its holders ${leasesLost} times, which is maxLeasesLost`,
    };
  }
  return { ...task, ...FREE, state: 'queued', leases_lost: leasesLost, available_at_ms: release.nowMs };
}

const releasing = new PreparedQuery<TaskRow & { readonly taskId: string }, never>((db, values) =>
  db
    .updateTable('tasks')
    .set({
      state: values.state,
      agent_id: values.agent_id,
      generation: values.generation,
      claimed_at_ms: values.claimed_at_ms,
      lease_ms: values.lease_ms,
      lease_until_ms: values.lease_until_ms,
      leases_lost: values.leases_lost,
      available_at_ms: values.available_at_ms,
      finished_at_ms: values.finished_at_ms,
      error: values.error,
    })
    .where('task_id', '=', values.taskId),
);

async function writeReleased(tx: StateTransaction, task: TaskRow): Promise<void> {
  await releasing.run(tx, { ...task, taskId: task.task_id });
}

async function lockTask(tx: StateTransaction, taskId: string): Promise<TaskRow> {
  const task = await tx.db
    .selectFrom('tasks')
    .selectAll()
    .where('task_id', '=', taskId)
    .forUpdate()
    .executeTakeFirst();
  if (!task) throw unknownTask(taskId);
  return task;
}
