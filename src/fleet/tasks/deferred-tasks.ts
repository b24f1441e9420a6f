import { sql } from 'kysely';
import { lockRows, type StateTransaction } from '#storage';
import { messageOf } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import type { TaskRow } from './task-row.ts';

/** Smaller steps are those of a clock that is kept right, and make no task wait for long. */
const minStepMs = 1000;
/** Any number of tasks may wait: a transaction sets the times of so many, between which others have theirs. */
const maxTasksPerTransaction = 250;

/** A step of the clock that tasks have yet to follow. */
interface Step {
  readonly stepMs: number;
  /** Those whose time came before this one have followed; they come before it all the more. */
  fromMs: number;
}

/**
 * Tasks that wait for their time: a retry, or the agent that they were handed to. The database goes by wall time. Where the
 * clock is set back they would wait for as long again: their times are set back with it. Where it is set forward they
 * come early, which does no harm.
 */
export class DeferredTasks {
  readonly #parts: FleetParts;
  /** Of the wall clock against the monotonic one, when they were last looked at. */
  #offsetMs: number;
  #step: Step | null = null;
  #looking = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#offsetMs = this.#offset();
  }

  /**
   * At the start of the server: what is to wait for longer than any task does has waited by a clock that was set back.
   * @returns the time by the database's clock, wall ms
   */
  async start(): Promise<number> {
    const { database, limits } = this.#parts;
    const longestMs = Math.max(limits.retryMaxMs, limits.handoffKeptMs);
    for (;;) {
      const { nowMs, isLast } = await database.transaction(async (tx) => {
        const ids = (await firstDeferred(tx, tx.nowMs + longestMs + 1)).map((task) => task.task_id);
        await bringBack(tx, ids);
        return { nowMs: tx.nowMs, isLast: ids.length < maxTasksPerTransaction };
      });
      if (isLast) return nowMs;
    }
  }

  /** To be called every tick. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#step ??= this.#newStep();
    if (!this.#step) return;
    this.#looking = true;
    const { logger } = this.#parts;
    try {
      await this.#follow(this.#step);
      logger.info(
        { step_ms: this.#step.stepMs },
        'The clock was set back: tasks that wait for their time wait no longer for it.',
      );
      this.#step = null;
    } catch (thrown) {
      logger.error(
        { error: messageOf(thrown) },
        'Tasks that wait for their time could not follow the clock; tried again.',
      );
    } finally {
      this.#looking = false;
    }
  }

  #newStep(): Step | null {
    const offsetMs = this.#offset();
    const stepMs = Math.trunc(offsetMs - this.#offsetMs);
    this.#offsetMs = offsetMs;
    return stepMs > -minStepMs ? null : { stepMs, fromMs: Number.MIN_SAFE_INTEGER };
  }

  /** Goes on where it has failed, so that no task follows a step twice. */
  async #follow(step: Step): Promise<void> {
    for (let isLast = false; !isLast;) {
      const tasks = await this.#parts.database.transaction(async (tx) => {
        const first = await firstDeferred(tx, step.fromMs);
        await setBack(tx, step, first);
        return first;
      });
      step.fromMs = tasks.at(-1)?.deferred_until_ms ?? step.fromMs;
      isLast = tasks.length < maxTasksPerTransaction;
    }
  }

  #offset(): number {
    const { clock } = this.#parts;
    return clock.wallMs() - clock.monotonicMs();
  }
}

type Deferred = Pick<TaskRow, 'task_id' | 'deferred_until_ms'>;

/** Those that wait until a time or longer, the first of them in front. */
function firstDeferred(tx: StateTransaction, fromMs: number): Promise<Deferred[]> {
  return tx.db
    .selectFrom('tasks')
    .select(['task_id', 'deferred_until_ms'])
    .where('state', '=', sql.lit('queued'))
    .where('deferred_until_ms', 'is not', null)
    .where('deferred_until_ms', '>=', fromMs)
    .orderBy('deferred_until_ms')
    .limit(maxTasksPerTransaction)
    .execute();
}

async function bringBack(tx: StateTransaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await lockRows(tx, { table: 'tasks', key: 'task_id', ids });
  await tx.db
    .updateTable('tasks')
    .set({
      available_at_ms: tx.nowMs,
      deferred_until_ms: null,
      kept_for_agent_id: null,
      kept_until_ms: null,
    })
    .where('task_id', 'in', ids)
    .where('state', '=', sql.lit('queued'))
    .execute();
}

async function setBack(
  tx: StateTransaction,
  { stepMs, fromMs }: Step,
  tasks: readonly Deferred[],
): Promise<void> {
  if (tasks.length === 0) return;
  const ids = tasks.map((task) => task.task_id);
  await lockRows(tx, { table: 'tasks', key: 'task_id', ids });
  await tx.db
    .updateTable('tasks')
    .set((time) => ({
      available_at_ms: time('available_at_ms', '+', stepMs),
      deferred_until_ms: time('deferred_until_ms', '+', stepMs),
      kept_until_ms: time('kept_until_ms', '+', stepMs),
    }))
    .where('task_id', 'in', ids)
    .where('state', '=', sql.lit('queued'))
    .where('deferred_until_ms', '>=', fromMs)
    .execute();
}
