import { sql } from 'kysely';
import { PreparedQuery, type StateTransaction } from '#storage';
import {
  backoffMs,
  messageOf,
  momentOf,
  OmoiError,
  toStorable,
  type Moment,
  type TaskReleaseReason,
} from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import type { HolderLoss, ReleaseOrder } from '../agents/generation-store.ts';
import { isOverLimit, type Holder, type Lease } from '../leases/lease-registry.ts';
import { LossJudge, type CountedLosses, type LossJudgement } from './loss-judge.ts';
import { readPastLosses } from './past-losses.ts';
import type { TaskQueueState } from './task-queue-state.ts';
import {
  attemptsUsed,
  blamedEvent,
  endedOthers,
  cancelledEvent,
  holderOf,
  loserFrom,
  loserOf,
  parkedEvent,
  releasedEvent,
  retriedEvent,
  sinceNow,
  type TaskRow,
} from './task-row.ts';
import { finished, FREE, unknownTask, writeTask } from './task-settlement.ts';

const maxExpiriesPerTransaction = 100;

/** Why a holder's tasks are taken from it. */
interface ReleaseCause {
  readonly reason: TaskReleaseReason;
  /** null where the holder is not to blame. */
  readonly loss: HolderLoss | null;
  readonly traceparent: string | null;
}

/** Takes tasks back from their holders: leases that ran out, agents that ended, orders of operators. */
export class TaskReleases {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  readonly #judge: LossJudge;
  #expiring = false;

  constructor(parts: FleetParts, state: TaskQueueState) {
    this.#parts = parts;
    this.#state = state;
    this.#judge = new LossJudge(parts.clock, parts.stall, parts.limits);
  }

  /** Knows what earlier servers have told of losses. @param nowMs by the database's clock */
  async start(nowMs: number): Promise<void> {
    const { mass, last } = await readPastLosses(this.#parts, nowMs);
    for (const { poolId, taskId, holder, agoMs } of mass)
      this.#state.massLosses.add(poolId, [taskId], holder, agoMs);
    for (const { taskIds, ...lost } of last) this.#judge.known(lost, taskIds);
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
    await this.#release(tx, { agentId: order.agentId, generation: order.upToGeneration }, held, order);
    return held.length;
  }

  /**
   * Queues again what was claimed for somebody who has gone before being told. Nobody is to blame, and whatever has
   * changed hands since stays as it is.
   */
  async giveBack(
    claimed: readonly TaskRow[],
    claim: Holder & { readonly traceparent: string | null },
  ): Promise<void> {
    const attempts = new Map(claimed.map((task) => [task.task_id, task.attempt]));
    await this.#parts.database.transaction(async (tx) => {
      const untold = await lockClaimed(tx, attempts);
      const { traceparent } = claim;
      await this.#release(tx, claim, untold, { reason: 'undelivered', loss: null, traceparent });
    });
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
      this.#judge.outage();
      this.#parts.logger.error(
        { error: messageOf(thrown) },
        'Tasks whose leases have expired not taken back; tried again.',
      );
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
      const holder = holderOf(task);
      if (task.state !== 'claimed' || !holder) throw finished(task);
      const order = { reason: 'reassigned', loss: null, traceparent } as const;
      const [released] = await this.#release(tx, holder, [task], order);
      return released ?? task;
    });
  }

  /**
   * Queues a parked or failed task again, with all its attempts.
   * @throws OmoiError `unknown_task`, `task_not_parked`, `queue_full`
   */
  async retry(taskId: string, order: { by: string; traceparent: string | null }): Promise<TaskRow> {
    const { bus, database } = this.#parts;
    const giveRoomBack = this.#state.room.reserve(1);
    const retrying = database.transaction(async (tx) => {
      tx.afterCommit(giveRoomBack);
      const task = await lockTask(tx, taskId);
      const { state: from } = task;
      if (from !== 'parked' && from !== 'failed') {
        throw new OmoiError('task_not_parked', `Task ${taskId} is ${from}, neither parked nor failed.`, {
          task_id: taskId,
          state: from,
        });
      }
      const fresh = {
        failures: 0,
        counted_losses: 0,
        lost_by: null,
        handoffs: 0,
        error: null,
        last_output: null,
      };
      const queued: TaskRow = { ...task, ...requeued(tx.nowMs), ...fresh };
      await writeTask(tx, queued);
      await bus.append(tx, retriedEvent(queued, { ...order, from }));
      const commit = { nowMs: tx.nowMs, traceparent: order.traceparent };
      tx.afterCommit(() => this.#state.retried(queued, from, commit));
      return queued;
    });
    return retrying.finally(giveRoomBack);
  }

  /**
   * Ends a task that is queued, claimed or parked; its holder is refused from then on. Repeating it changes nothing.
   * @throws OmoiError `unknown_task`, `task_finished` for one that completed or failed
   */
  async cancel(taskId: string, order: { by: string; traceparent: string | null }): Promise<TaskRow> {
    const { traceparent } = order;
    return this.#parts.database.transaction(async (tx) => {
      const task = await lockTask(tx, taskId);
      if (task.state === 'cancelled') return task;
      if (!CANCELLABLE.has(task.state)) throw finished(task);
      const cancelled: TaskRow = {
        ...task,
        state: 'cancelled',
        error: `cancelled by ${order.by}`,
        lease_until_ms: null,
        parked_at_ms: null,
        finished_at_ms: tx.nowMs,
      };
      await writeTask(tx, cancelled);
      await this.#parts.bus.append(tx, cancelledEvent(cancelled, order.by, traceparent));
      tx.afterCommit(() => {
        const holder = task.state === 'claimed' ? holderOf(task) : null;
        if (holder) this.#parts.agentIndex.lostTask(holder, taskId);
        this.#state.cancelled(cancelled, task, traceparent);
      });
      return cancelled;
    });
  }

  async #expire(tx: StateTransaction, expired: readonly Lease[]): Promise<void> {
    const terms = new Map(expired.map((lease) => [lease.id, lease]));
    const stillHeld = await lockClaimed(tx, new Map(expired.map(({ id, term }) => [id, term])));
    const nowMs = this.#parts.clock.monotonicMs();
    const notRenewed: TaskRow[] = [];
    for (const task of stillHeld) {
      const lease = terms.get(task.task_id);
      if (lease && isOverLimit(lease, nowMs)) await this.#releaseOverLimit(tx, task, lease);
      else notRenewed.push(task);
    }
    await this.#releaseNotRenewed(tx, notRenewed);
    const released = new Set(stillHeld.map((task) => task.task_id));
    tx.afterCommit(() => {
      // A lease of what is not claimed any more was left over by a commit that was told late.
      for (const lease of expired) if (!released.has(lease.id)) this.#state.forget(lease);
    });
  }

  async #releaseOverLimit(tx: StateTransaction, task: TaskRow, { limitMs }: Lease): Promise<void> {
    const holder = holderOf(task);
    if (!holder) return;
    const detail = `held it for longer than its time limit of ${limitMs ?? 0} ms`;
    const loss = { cause: 'time_limit', detail } as const;
    await this.#release(tx, holder, [task], { reason: 'time_limit', loss, traceparent: null });
  }

  async #releaseNotRenewed(tx: StateTransaction, tasks: readonly TaskRow[]): Promise<void> {
    const byHolder = Map.groupBy(tasks, (task) => `${task.agent_id}/${task.generation}`);
    for (const held of byHolder.values()) {
      const holder = held[0] && holderOf(held[0]);
      if (!holder) continue;
      const detail = `let its lease of ${held[0]?.lease_ms ?? 0} ms run out`;
      const loss = { cause: 'holder_hung', detail } as const;
      await this.#release(tx, holder, held, { reason: 'lease_expired', loss, traceparent: null });
    }
  }

  /** Writes tasks that one holder has claimed, and that are locked, back into the queue, or parks them. */
  async #release(
    tx: StateTransaction,
    holder: Holder,
    held: readonly TaskRow[],
    cause: ReleaseCause,
  ): Promise<TaskRow[]> {
    const { reason, loss, traceparent } = cause;
    const { poolId } = this.#inDomain(holder);
    const suspect = loss && this.#suspectAmong(holder, held, loss);
    const judgement = loss && this.#judgeLoss(holder, loss, suspect !== null);
    const toGiveBack = judgement === null || judgement.kind === 'counts' ? NOTHING : judgement.counted;
    if (held.length === 0 && judgement?.kind !== 'many_at_once' && toGiveBack.size === 0) return [];
    const now = momentOf(this.#parts.clock, tx.nowMs);
    const releases = held.map((task) => ({
      task: this.#releasedRow(task, { loss, judgement, now }),
      holder: holderOf(task) ?? holder,
    }));
    await Promise.all(releases.map(({ task }) => writeReleased(tx, task)));
    const counted = judgement?.kind === 'counts';
    const excusedBy = judgement && judgement.kind !== 'counts' ? judgement.kind : null;
    const events = releases.flatMap(({ task, holder: of }) => {
      const released = releasedEvent(task, { holder: of, reason, counted, excusedBy, traceparent });
      if (task.state !== 'parked' || !loss) return [released];
      return [released, parkedEvent(task, { holder: of, cause: loss.cause, traceparent })];
    });
    const explained = counted && suspect ? this.#earlierLosers(suspect, holder, poolId) : [];
    const blamed = suspect
      ? explained.map((earlier) => blamedEvent(suspect, { holder: earlier, traceparent }))
      : [];
    await this.#parts.bus.append(tx, ...events, ...blamed);
    tx.afterCommit(() => {
      for (const { task, holder: of } of releases) {
        if (TAKEN.has(reason)) this.#parts.agentIndex.lostTask(of, task.task_id);
        this.#state.released(task, of, { nowMs: tx.nowMs, traceparent });
      }
      const taskIds = releases.map(({ task }) => task.task_id);
      if (judgement?.kind === 'many_at_once')
        this.#noteMassLoss(poolId, { holder, taskIds }, judgement.counted);
      const isOpen = loss !== null && loss.cause !== 'time_limit' && !suspect && taskIds.length > 0;
      if (isOpen && judgement?.kind !== 'outage') this.#parts.agentIndex.suspectTasks(holder);
      if (!counted) return;
      this.#judge.counted({ ...holder, poolId }, taskIds);
      if (!suspect) return;
      for (const ended of [holder, ...explained]) this.#parts.agentIndex.blame(ended, suspect.task_id);
    });
    await this.#giveBack(tx, holder, toGiveBack);
    return releases.map((release) => release.task);
  }

  #inDomain(holder: Holder): Holder & { readonly poolId: string | null } {
    return { ...holder, poolId: this.#parts.agentIndex.get(holder.agentId)?.poolId ?? null };
  }

  /**
   * The task that explains a holder's end: it held nothing else, and another process had been lost with the task before, alone
   * or with most of its pool.
   */
  #suspectAmong(holder: Holder, held: readonly TaskRow[], { cause }: HolderLoss): TaskRow | null {
    if (cause === 'time_limit' || (this.#parts.agentIndex.get(holder.agentId)?.tasksHeld ?? 0) > 1)
      return null;
    const { poolId } = this.#inDomain(holder);
    const { massLosses } = this.#state;
    const explains = (task: TaskRow): boolean =>
      endedOthers(task, holder) || massLosses.earlierLosers(poolId, task.task_id, holder).length > 0;
    return held.find(explains) ?? null;
  }

  /**
   * Whose ends a task explains that were held against them until now: at its first loss nobody could know. Those after it were
   * explained when they came.
   */
  #earlierLosers(task: TaskRow, holder: Holder, poolId: string | null): readonly Holder[] {
    const { massLosses } = this.#state;
    if (task.counted_losses === 0) return massLosses.earlierLosers(poolId, task.task_id, holder);
    if (task.counted_losses > 1 || massLosses.has(poolId, task.task_id)) return [];
    const first = endedOthers(task, holder) ? loserFrom(task.lost_by) : null;
    return first ? [first] : [];
  }

  #noteMassLoss(
    poolId: string | null,
    { holder, taskIds }: { readonly holder: Holder; readonly taskIds: readonly string[] },
    counted: CountedLosses,
  ): void {
    this.#state.massLosses.add(poolId, taskIds, holder);
    for (const [loser, lost] of counted) {
      const earlier = loserFrom(loser);
      if (earlier) this.#state.massLosses.add(poolId, lost, earlier);
    }
  }

  #judgeLoss(holder: Holder, { cause }: HolderLoss, explained: boolean): LossJudgement {
    // That a task ran too long shows of itself whose fault it is.
    if (cause === 'time_limit') return { kind: 'counts' };
    const lost = this.#inDomain(holder);
    return this.#judge.judge({ ...lost, explained, living: this.#parts.agentIndex.livingIn(lost.poolId) });
  }

  /** A claimed task as it is after its holder lost it or gave it up. */
  #releasedRow(
    task: TaskRow,
    release: {
      readonly loss: HolderLoss | null;
      readonly judgement: LossJudgement | null;
      readonly now: Moment;
    },
  ): TaskRow {
    const { loss, judgement, now } = release;
    const nowMs = now.wallMs;
    if (!loss || !judgement) return { ...task, ...requeued(nowMs) };
    const counts = judgement.kind === 'counts';
    const lost = {
      ...task,
      leases_lost: task.leases_lost + 1,
      counted_losses: task.counted_losses + (counts ? 1 : 0),
      lost_by: counts && loss.cause !== 'time_limit' ? loserOf(task) : task.lost_by,
    };
    if (!counts) {
      // What went together comes back apart, so that the one that ends its holders shows itself.
      return {
        ...lost,
        ...(judgement.kind === 'outage' ? requeued(nowMs) : this.#retried(now, lost.leases_lost)),
      };
    }
    if (attemptsUsed(lost) < task.max_attempts) {
      return { ...lost, ...this.#retried(now, lost.counted_losses) };
    }
    const holder = `agent ${task.agent_id} generation ${task.generation}`;
    return {
      ...lost,
      state: 'parked',
      lease_until_ms: null,
      parked_at_ms: nowMs,
      error: toStorable(
        `${attemptsUsed(lost)} of ${task.max_attempts} attempts used up: ${holder} ${loss.detail}`.slice(
          0,
          this.#parts.limits.maxErrorLength,
        ),
      ),
    };
  }

  /** A task in the queue that waits for its retry. */
  #retried(now: Moment, losses: number) {
    const { limits, random } = this.#parts;
    const pauseMs = backoffMs(losses, { firstMs: limits.retryBaseMs, maxMs: limits.retryMaxMs }, random);
    if (pauseMs === 0) return requeued(now.wallMs);
    const retryAtMs = now.wallMs + pauseMs;
    const waits = { ...sinceNow(now), available_at_ms: retryAtMs, deferred_until_ms: retryAtMs };
    return { ...requeued(now.wallMs), ...waits };
  }

  /** So many holders went at once that their tasks are not to blame: neither are those of the first of them. */
  async #giveBack(tx: StateTransaction, holder: Holder, counted: CountedLosses): Promise<void> {
    if (counted.size === 0) return;
    const { poolId } = this.#inDomain(holder);
    tx.afterRollback(() => this.#judge.notGivenBack(poolId, counted));
    const losses = new Map<string, number>();
    for (const taskId of [...counted.values()].flat()) losses.set(taskId, (losses.get(taskId) ?? 0) + 1);
    const tasks = await tx.db
      .selectFrom('tasks')
      .selectAll()
      .where('task_id', 'in', [...losses.keys()])
      .where('counted_losses', '>', 0)
      .orderBy('task_id')
      .forUpdate()
      .execute();
    const unfinished = tasks.filter(({ state }) => CANCELLABLE.has(state));
    for (const task of unfinished) {
      const left = Math.max(0, task.counted_losses - (losses.get(task.task_id) ?? 0));
      const innocent = { ...task, counted_losses: left, lost_by: left === 0 ? null : task.lost_by };
      if (task.state !== 'parked') {
        await writeTask(tx, innocent);
        if (task.state === 'queued') tx.afterCommit(() => this.#state.acquitted(innocent));
        continue;
      }
      const queued: TaskRow = { ...innocent, ...requeued(tx.nowMs), error: null };
      await writeTask(tx, queued);
      const by = 'omoi: most agents of its pool ended at once';
      await this.#parts.bus.append(tx, retriedEvent(queued, { from: 'parked', by, traceparent: null }));
      tx.afterCommit(() => this.#state.retried(queued, 'parked', { nowMs: tx.nowMs, traceparent: null }));
    }
  }
}

/** Reasons for which a holder loses a task that goes on itself. */
const TAKEN: ReadonlySet<TaskReleaseReason> = new Set(['time_limit', 'lease_expired', 'reassigned']);
const NOTHING: CountedLosses = new Map();
const CANCELLABLE: ReadonlySet<string> = new Set(['queued', 'claimed', 'parked']);

/** What a task in the queue looks like that nobody holds, and that may be claimed. */
function requeued(nowMs: number) {
  return {
    ...FREE,
    state: 'queued',
    finished_at_ms: null,
    parked_at_ms: null,
    available_at_ms: nowMs,
    deferred_until_ms: null,
  } as const;
}

const releasing = new PreparedQuery<TaskRow & { readonly taskId: string }, never>((db, values) =>
  db
    .updateTable('tasks')
    .set({
      state: values.state,
      agent_id: values.agent_id,
      generation: values.generation,
      claimed_at_ms: values.claimed_at_ms,
      since_ms: values.since_ms,
      since_boot_ms: values.since_boot_ms,
      since_boot_id: values.since_boot_id,
      lease_ms: values.lease_ms,
      lease_until_ms: values.lease_until_ms,
      leases_lost: values.leases_lost,
      counted_losses: values.counted_losses,
      lost_by: values.lost_by,
      available_at_ms: values.available_at_ms,
      deferred_until_ms: values.deferred_until_ms,
      parked_at_ms: values.parked_at_ms,
      finished_at_ms: values.finished_at_ms,
      error: values.error,
    })
    .where('task_id', '=', values.taskId),
);

async function writeReleased(tx: StateTransaction, task: TaskRow): Promise<void> {
  await releasing.run(tx, { ...task, taskId: task.task_id });
}

/** Of these tasks those that are claimed still, and by the same claim. @param attempts by task id, the claim's attempt */
async function lockClaimed(
  tx: StateTransaction,
  attempts: ReadonlyMap<string, number>,
): Promise<readonly TaskRow[]> {
  const tasks = await tx.db
    .selectFrom('tasks')
    .selectAll()
    .where('task_id', 'in', [...attempts.keys()])
    .where('state', '=', sql.lit('claimed'))
    .orderBy('task_id')
    .forUpdate()
    .execute();
  return tasks.filter((task) => task.attempt === attempts.get(task.task_id));
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
