import { sql, type ExpressionBuilder } from 'kysely';
import { lockRows, type StateTables, type StateTransaction } from '#storage';
import { messageOf, momentOf, wallTimeOfDeadline, type Moment } from '#telemetry';
import type { FleetParts } from '../fleet-parts.ts';
import { sinceNow, waitOf, type SinceColumns, type TaskRow } from './task-row.ts';

/** Smaller steps are those of a clock that is kept right, and make no task wait for long. */
const minStepMs = 1000;
/** How often a database with a clock of its own is asked for it, and how long its answer may take. */
const askEveryMs = 10_000;
const maxAnswerMs = minStepMs / 2;
/** Any number of tasks may wait: a transaction moves the times of so many, between which others have theirs. */
const maxTasksPerTransaction = 250;

/** A step of the clock that tasks have yet to follow. */
interface Step {
  readonly stepMs: number;
  /** Those beyond it have followed: of a step back the earlier ones, which come earlier still, of one forward the later ones. */
  boundMs: number;
}

/**
 * Tasks that wait for their time: a retry, or the agent that they were handed to. The database goes by wall time. Where its
 * clock is set back they would wait for as long again, and where it is set forward they would come early, before what they
 * failed by is over: their times are set back or forward with it. On PostgreSQL that is its clock, and not the server's.
 */
export class DeferredTasks {
  readonly #parts: FleetParts;
  /** Of the database's clock against the monotonic one, when they were last looked at; null before the start. */
  #offsetMs: number | null = null;
  #step: Step | null = null;
  #looking = false;
  /** Monotonic. */
  #restUntilMs = 0;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /**
   * At the start of the server: the clock may have been set while it was down, and the machine booted. What is to wait for
   * longer than any task does was put off by a server that did not write down since when it waits.
   * @returns now, by the database's clock
   */
  async start(): Promise<Moment> {
    const { database, clock } = this.#parts;
    let after: Place | null = null;
    for (;;) {
      const last: Waiting | undefined = await database.transaction(async (tx) => {
        this.#offsetMs = tx.nowMs - clock.monotonicMs();
        const tasks = await deferredAfter(tx, after);
        await putRight(tx, tasks, momentOf(clock, tx.nowMs));
        return tasks[maxTasksPerTransaction - 1];
      });
      after = last ? { untilMs: last.deferred_until_ms ?? 0, taskId: last.task_id } : null;
      if (after === null) break;
    }
    for (;;) {
      const { now, isLast } = await database.transaction(async (tx) => {
        const ids = (await deferredFrom(tx, tx.nowMs + this.#longestMs + 1)).map((task) => task.task_id);
        await bringBack(tx, ids);
        return { now: momentOf(clock, tx.nowMs), isLast: ids.length < maxTasksPerTransaction };
      });
      if (isLast) return now;
    }
  }

  /** To be called every tick. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { logger } = this.#parts;
    try {
      this.#step ??= await this.#newStep();
      if (!this.#step) return;
      await this.#follow(this.#step);
      logger.info(
        { step_ms: this.#step.stepMs },
        'The clock was set: tasks that wait for their time wait neither longer nor shorter for it.',
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

  get #longestMs(): number {
    const { retryMaxMs, handoffKeptMs } = this.#parts.limits;
    return Math.max(retryMaxMs, handoffKeptMs);
  }

  async #newStep(): Promise<Step | null> {
    const { clock } = this.#parts;
    const wallMs = this.#parts.database.dialect === 'sqlite' ? clock.wallMs() : await this.#askDatabase();
    if (wallMs === null) return null;
    const offsetMs = wallMs - clock.monotonicMs();
    const stepMs = Math.trunc(offsetMs - (this.#offsetMs ?? offsetMs));
    this.#offsetMs = offsetMs;
    if (Math.abs(stepMs) < minStepMs) return null;
    // Whoever began to wait since then waits by the new clock, of which the old one set none.
    const boundMs = stepMs < 0 ? Number.MIN_SAFE_INTEGER : wallMs - stepMs + this.#longestMs;
    return { stepMs, boundMs: Math.round(boundMs) };
  }

  /** Its clock can only be asked; null where it was asked a short while ago, or says too little of now. */
  async #askDatabase(): Promise<number | null> {
    const { database, clock } = this.#parts;
    const askedMs = clock.monotonicMs();
    if (askedMs < this.#restUntilMs) return null;
    this.#restUntilMs = askedMs + askEveryMs;
    const wallMs = await database.transaction((tx) => Promise.resolve(tx.nowMs));
    return clock.monotonicMs() - askedMs > maxAnswerMs ? null : wallMs;
  }

  /** Goes on where it has failed, so that no task follows a step twice. */
  async #follow(step: Step): Promise<void> {
    const first = step.stepMs < 0 ? deferredFrom : deferredUntil;
    for (let isLast = false; !isLast;) {
      const tasks = await this.#parts.database.transaction(async (tx) => {
        const those = await first(tx, step.boundMs);
        await move(tx, step, those);
        return those;
      });
      step.boundMs = tasks.at(-1)?.deferred_until_ms ?? step.boundMs;
      isLast = tasks.length < maxTasksPerTransaction;
    }
  }
}

type Deferred = Pick<TaskRow, 'task_id' | 'deferred_until_ms'>;
type Waiting = Deferred & SinceColumns;

/** Where a page of those that wait ends. */
interface Place {
  readonly untilMs: number;
  readonly taskId: string;
}

/** The next of those that wait, the first of them in front. */
function deferredAfter(tx: StateTransaction, after: Place | null): Promise<Waiting[]> {
  let page = deferred(tx)
    .select(['since_ms', 'since_boot_ms', 'since_boot_id'])
    .orderBy('deferred_until_ms')
    .orderBy('task_id');
  if (after !== null) {
    const { untilMs, taskId } = after;
    page = page.where((row) =>
      row(row.refTuple('deferred_until_ms', 'task_id'), '>', row.tuple(untilMs, taskId)),
    );
  }
  return page.execute();
}

/** Lets tasks wait for what is left of their time, whatever the clock shows now; one that has followed stays as it is. */
async function putRight(tx: StateTransaction, tasks: readonly Waiting[], now: Moment): Promise<void> {
  const moved = tasks.flatMap((task) => {
    const untilMs = task.deferred_until_ms ?? 0;
    const rightMs = wallTimeOfDeadline(waitOf(untilMs, task), now);
    return rightMs === untilMs ? [] : [{ taskId: task.task_id, byMs: rightMs - untilMs }];
  });
  if (moved.length === 0) return;
  await lockRows(tx, { table: 'tasks', key: 'task_id', ids: moved.map(({ taskId }) => taskId) });
  for (const { taskId, byMs } of moved) {
    await tx.db
      .updateTable('tasks')
      .set((time) => ({ ...movedBy(time, byMs), ...sinceNow(now) }))
      .where('task_id', '=', taskId)
      .where('state', '=', sql.lit('queued'))
      .execute();
  }
}

function deferred(tx: StateTransaction) {
  return tx.db
    .selectFrom('tasks')
    .select(['task_id', 'deferred_until_ms'])
    .where('state', '=', sql.lit('queued'))
    .where('deferred_until_ms', 'is not', null)
    .limit(maxTasksPerTransaction);
}

/** Those that wait until a time or longer, the first of them in front. */
function deferredFrom(tx: StateTransaction, fromMs: number): Promise<Deferred[]> {
  return deferred(tx).where('deferred_until_ms', '>=', fromMs).orderBy('deferred_until_ms').execute();
}

/** Those that wait until a time at most, the last of them in front. */
function deferredUntil(tx: StateTransaction, untilMs: number): Promise<Deferred[]> {
  return deferred(tx)
    .where('deferred_until_ms', '<=', untilMs)
    .orderBy('deferred_until_ms', 'desc')
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

async function move(
  tx: StateTransaction,
  { stepMs, boundMs }: Step,
  tasks: readonly Deferred[],
): Promise<void> {
  if (tasks.length === 0) return;
  const ids = tasks.map((task) => task.task_id);
  await lockRows(tx, { table: 'tasks', key: 'task_id', ids });
  await tx.db
    .updateTable('tasks')
    .set((time) => ({
      ...movedBy(time, stepMs),
      since_ms: time('since_ms', '+', stepMs),
    }))
    .where('task_id', 'in', ids)
    .where('state', '=', sql.lit('queued'))
    .where('deferred_until_ms', stepMs < 0 ? '>=' : '<=', boundMs)
    .execute();
}

function movedBy(time: ExpressionBuilder<StateTables, 'tasks'>, byMs: number) {
  return {
    available_at_ms: time('available_at_ms', '+', byMs),
    deferred_until_ms: time('deferred_until_ms', '+', byMs),
    kept_until_ms: time('kept_until_ms', '+', byMs),
  };
}
