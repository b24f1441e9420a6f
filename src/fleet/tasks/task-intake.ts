import { UnforeseenRows, type StateTransaction } from '#storage';
import { createId, momentOf, OmoiError } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import { insertClaimedTask, insertTasks } from './claim-queries.ts';
import { refusalOf, type ClaimRequest } from './claim-request.ts';
import type { TakenClaim } from './claim-waiters.ts';
import type { TaskQueueState } from './task-queue-state.ts';
import { claimedEvent, enqueuedEvent, type TaskRow } from './task-row.ts';

export interface NewTask {
  readonly taskType: string;
  readonly phaseId: string;
  /** Higher comes first. */
  readonly priority: number;
  /** JSON text. */
  readonly payload: string;
  readonly maxAttempts: number | null;
  /** A claim that runs longer is lost, however often it is renewed; null: never. */
  readonly timeLimitMs: number | null;
  /** A second task with the same key is not made; the first is returned. */
  readonly idempotencyKey: string | null;
  /** Only agents of this pool may claim it; null lets everyone. */
  readonly poolId: string | null;
  /** The token's scope that enqueues it, by its name; absent where it is none's. */
  readonly enqueuedBy?: string;
}

export interface EnqueuedTask {
  readonly task: TaskRow;
  /** False where the idempotency key had been used before. */
  readonly created: boolean;
}

/** Takes tasks into the queue. */
export class TaskIntake {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  #lastOrder = 0;

  constructor(parts: FleetParts, state: TaskQueueState) {
    this.#parts = parts;
    this.#state = state;
  }

  /**
   * Enqueues all of the tasks or none; the answer is in their order. A task that comes alone and that a claim waits for
   * is claimed in the same transaction: in a calm fleet that is one commit a task less.
   * @throws OmoiError `queue_full`, `body_too_large` (a payload), `invalid_request` (too many at once)
   */
  async enqueue(tasks: readonly NewTask[], traceparent: string | null): Promise<EnqueuedTask[]> {
    this.#assertSizes(tasks);
    const giveRoomBack = this.#state.room.reserve(tasks.length, new Set(tasks.map(({ phaseId }) => phaseId)));
    const claim = this.#claimWaitingFor(tasks);
    let given: TaskRow | null = null;
    try {
      given = claim && (await this.#enqueueFor(claim.request, tasks, { traceparent, giveRoomBack }));
      if (given) return [{ task: given, created: true }];
      return await this.#parts.database.transaction((tx) => {
        tx.afterCommit(giveRoomBack);
        return this.#enqueue(tx, tasks, traceparent);
      });
    } finally {
      // Where it was not given to this claim the next in line has been told of it.
      if (given) claim?.give(given);
      else claim?.release();
      giveRoomBack();
    }
  }

  /** The task as it was enqueued for a claim; null where that is not as memory says. */
  async #enqueueFor(
    claim: ClaimRequest,
    [task]: readonly NewTask[],
    { traceparent, giveRoomBack }: { readonly traceparent: string | null; readonly giveRoomBack: () => void },
  ): Promise<TaskRow | null> {
    if (!task || !this.#mayClaim(claim)) return null;
    try {
      return await this.#parts.database.transaction(async (tx) => {
        tx.afterCommit(giveRoomBack);
        return this.#enqueueClaimed(tx, this.#rowOf(task, { nowMs: tx.nowMs, traceparent }), claim);
      });
    } catch (error) {
      if (error instanceof UnforeseenRows) return null;
      throw error;
    }
  }

  async #enqueue(
    tx: StateTransaction,
    tasks: readonly NewTask[],
    traceparent: string | null,
  ): Promise<EnqueuedTask[]> {
    const rows = tasks.map((task) => this.#rowOf(task, { nowMs: tx.nowMs, traceparent }));
    if (rows.length === 0) return [];
    const created = await insertTasks(tx, rows);
    const earlier = await this.#earlier(tx, rows, created);
    const fresh = rows.filter((row) => created.has(row.task_id));
    await this.#parts.bus.append(tx, ...fresh.map(enqueuedEvent));
    const { nowMs } = tx;
    if (fresh.length > 0) tx.afterCommit(() => this.#state.queued(fresh, { nowMs, traceparent }));
    return rows.map((row) => ({
      task: earlier.get(row.idempotency_key ?? '') ?? row,
      created: created.has(row.task_id),
    }));
  }

  /** The claim that a task enqueued alone would go to. Several go to the claims that look for several. */
  #claimWaitingFor(tasks: readonly NewTask[]): TakenClaim | null {
    const [task] = tasks;
    if (!task || tasks.length > 1) return null;
    const { waiters } = this.#state;
    const { taskType, phaseId, poolId } = task;
    return waiters.take({
      task_type: taskType,
      phase_id: phaseId,
      pool_id: poolId,
      kept_for_agent_id: null,
      counted_losses: 0,
    });
  }

  /** Whether the agent may be given a task, as far as memory knows. */
  #mayClaim(claim: ClaimRequest): boolean {
    const agent = this.#parts.agentIndex.get(claim.agentId);
    if (agent?.desired === 'drain' || this.#state.solitude.holdsAlone(claim.agentId)) return false;
    return !claim.signal?.aborted && refusalOf(claim, agent?.row ?? null) === null;
  }

  async #enqueueClaimed(tx: StateTransaction, task: TaskRow, claim: ClaimRequest): Promise<TaskRow> {
    const given = insertClaimedTask(tx, task, { ...claim, now: momentOf(this.#parts.clock, tx.nowMs) });
    await this.#parts.bus.append(tx, enqueuedEvent(task), claimedEvent(task, claim, claim.traceparent));
    tx.afterCommit(() => this.#state.queuedAndClaimed(given, claim));
    return given;
  }

  /** The tasks whose idempotency keys had been used before, or twice in this call, by key. */
  async #earlier(
    tx: StateTransaction,
    rows: readonly TaskRow[],
    created: ReadonlySet<string>,
  ): Promise<Map<string, TaskRow>> {
    const keys = rows
      .filter((row) => !created.has(row.task_id))
      .map((row) => row.idempotency_key)
      .filter((key) => key !== null);
    if (keys.length === 0) return new Map();
    const found = await tx.db.selectFrom('tasks').selectAll().where('idempotency_key', 'in', keys).execute();
    return new Map(found.map((task) => [task.idempotency_key ?? '', task]));
  }

  #assertSizes(tasks: readonly NewTask[]): void {
    const { limits } = this.#parts;
    if (tasks.length > limits.maxBatchTasks) {
      throw new OmoiError(
        'invalid_request',
        `${tasks.length} tasks are more than maxBatchTasks (${limits.maxBatchTasks}).`,
        { max_batch_tasks: limits.maxBatchTasks },
      );
    }
    for (const task of tasks) assertSize('payload', task.payload, limits.maxPayloadBytes);
  }

  #rowOf(task: NewTask, origin: { readonly nowMs: number; readonly traceparent: string | null }): TaskRow {
    const { clock, random, limits } = this.#parts;
    this.#lastOrder = Math.max(this.#lastOrder + 1, origin.nowMs * 1000);
    return {
      task_id: createId('task', clock.wallMs(), random),
      task_type: task.taskType,
      phase_id: task.phaseId,
      priority: task.priority,
      queue_order: this.#lastOrder,
      payload: task.payload,
      state: 'queued',
      pool_id: task.poolId,
      idempotency_key: task.idempotencyKey,
      enqueued_by: task.enqueuedBy ?? null,
      max_attempts: task.maxAttempts ?? limits.defaultMaxAttempts,
      attempt: 0,
      failures: 0,
      leases_lost: 0,
      counted_losses: 0,
      lost_by: null,
      handoffs: 0,
      time_limit_ms: task.timeLimitMs,
      available_at_ms: origin.nowMs,
      kept_for_agent_id: null,
      kept_until_ms: null,
      deferred_until_ms: null,
      since_ms: null,
      since_boot_ms: null,
      since_boot_id: null,
      progress: null,
      agent_id: null,
      generation: null,
      claimed_at_ms: null,
      lease_ms: null,
      lease_until_ms: null,
      enqueued_at_ms: origin.nowMs,
      first_claimed_at_ms: null,
      finished_at_ms: null,
      parked_at_ms: null,
      last_output: null,
      result: null,
      error: null,
      traceparent: origin.traceparent,
    };
  }
}

/** What of a task has a size of its own, and the limit's name in messages and details. */
const SIZE_LIMITS = {
  payload: { name: 'maxPayloadBytes', key: 'max_payload_bytes' },
  result: { name: 'maxPayloadBytes', key: 'max_payload_bytes' },
  progress: { name: 'maxProgressBytes', key: 'max_progress_bytes' },
} as const;

/** @throws OmoiError `body_too_large` */
export function assertSize(what: keyof typeof SIZE_LIMITS, json: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxBytes) return;
  const { name, key } = SIZE_LIMITS[what];
  const message = `The ${what} has ${bytes} bytes; ${name} is ${maxBytes}.`;
  throw new OmoiError('body_too_large', message, { bytes, [key]: maxBytes });
}
