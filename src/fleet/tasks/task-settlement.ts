import { sql } from 'kysely';
import { lockRows, PreparedQuery, SharedTransactions, type StateTransaction } from '#storage';
import { backoffMs, createId, momentOf, OmoiError, toStorable } from '#telemetry';
import { knownAgent } from '../agents/agent-refusals.ts';
import { claimObstacle } from '../agents/agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import { isOverLimit, type Lease } from '../leases/lease-registry.ts';
import type { RunningTasks } from './running-tasks.ts';
import { judgeHolder, type ClaimRef } from './task-holding.ts';
import { assertSize } from './task-intake.ts';
import type { TaskQueueState } from './task-queue-state.ts';
import {
  attemptsUsed,
  completedEvent,
  failedEvent,
  refusedEvent,
  releasedEvent,
  sinceNow,
  type TaskRow,
} from './task-row.ts';

/** What the holder of a task asks for. */
export interface HolderRequest extends ClaimRef {
  readonly traceparent: string | null;
}

interface CompleteRequest extends HolderRequest {
  readonly resultJson: string | null;
}

/** A completion, and what memory knows of the claim. */
interface ForeseenCompletion {
  readonly request: CompleteRequest;
  readonly task: NonNullable<ReturnType<RunningTasks['get']>>;
}

/** What holders do with their tasks; whoever holds a task no longer is told so and changes nothing. */
export class TaskSettlement {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  readonly #completions: SharedTransactions<CompleteRequest, TaskRow>;

  constructor(parts: FleetParts, state: TaskQueueState) {
    this.#parts = parts;
    this.#state = state;
    this.#completions = new SharedTransactions(parts.database, (tx, requests, mayForesee) => {
      const running = mayForesee ? this.#runningOf(tx, requests) : null;
      return running ? this.#completeForeseen(tx, running) : this.#completeEach(tx, requests);
    });
  }

  /**
   * Gives a claim its whole lease again. It costs no commit, since until when a lease runs only memory knows, but where the
   * holder says how far it is: that is kept with the task, for whoever claims it next.
   * @param progressJson JSON text, or null
   * @throws OmoiError as `complete`
   */
  async renew(request: HolderRequest, progressJson: string | null): Promise<Lease> {
    const { leases } = this.#state;
    if (progressJson !== null) {
      assertSize('progress', progressJson, this.#parts.limits.maxProgressBytes);
      await this.#asHolder(request, 'renew', (tx) => keepProgress(tx, request.taskId, progressJson));
    }
    const lease = leases.get(request.taskId);
    const agent = this.#parts.agentIndex.get(request.agentId);
    const isClaim = request.attempt === null || request.attempt === lease?.term;
    if (lease && isClaim && agent?.generation === request.generation && leases.renew(lease.id, request)) {
      this.#parts.agentIndex.workSeen(request);
      return lease;
    }
    // Not by memory: the database says who has it, and why this one has not.
    await this.#asHolder(request, 'renew', async () => null);
    const held = leases.get(request.taskId);
    if (held && leases.renew(request.taskId, request)) return held;
    const isTooLong = held && isOverLimit(held, this.#parts.clock.monotonicMs());
    const why = isTooLong ? 'is over its time limit' : 'has just run out';
    throw new OmoiError('lease_lost', `The lease of task ${request.taskId} ${why}.`, {
      task_id: request.taskId,
    });
  }

  /**
   * The task is done. Repeating it as the same holder changes nothing and answers the same.
   * @param resultJson JSON text, or null
   * @throws OmoiError `unknown_task`, `unknown_agent`, `generation_superseded`, `lease_lost`, `task_finished`,
   *   `task_not_claimed`, `body_too_large`
   */
  async complete(request: HolderRequest, resultJson: string | null): Promise<TaskRow> {
    if (resultJson !== null) assertSize('result', resultJson, this.#parts.limits.maxPayloadBytes);
    return this.#completions.ask({ ...request, resultJson });
  }

  /** What memory knows of the claims, where all of them run as the requests say; else the database is asked. */
  #runningOf(
    { dialect }: StateTransaction,
    requests: readonly CompleteRequest[],
  ): ForeseenCompletion[] | null {
    // On PostgreSQL, where transactions overlap, the rows of several are taken in their order.
    if (dialect === 'postgres' && requests.length > 1) return null;
    const completions: ForeseenCompletion[] = [];
    for (const request of requests) {
      const { taskId, agentId, generation, attempt } = request;
      const lease = this.#state.leases.get(taskId);
      const task = this.#state.running.get(taskId);
      const isHeld = lease?.agentId === agentId && lease.generation === generation && lease.term === attempt;
      if (!isHeld || !task) return null;
      completions.push({ request, task });
    }
    return completions;
  }

  /** As `#completeEach`, without a question before the commit. @throws UnforeseenRows where one is not held so any more */
  async #completeForeseen(
    tx: StateTransaction,
    completions: readonly ForeseenCompletion[],
  ): Promise<readonly TaskRow[]> {
    const completed: TaskRow[] = [];
    for (const { request } of completions) {
      COMPLETING.attempt.atCommit(tx, completeValuesOf(tx, request), {
        foreseen: 1,
        onRows: (rows) => completed.push(...rows),
      });
    }
    await this.#parts.bus.append(
      tx,
      ...completions.map(({ task, request }) =>
        completedEvent({ ...task, finished_at_ms: tx.nowMs }, request, request.traceparent),
      ),
    );
    tx.afterCommit(() => {
      for (const [at, { request }] of completions.entries()) {
        const task = completed[at];
        if (task) this.#state.completed(task, request, request.traceparent);
      }
    });
    return completed;
  }

  async #completeEach(
    tx: StateTransaction,
    requests: readonly CompleteRequest[],
  ): Promise<(TaskRow | OmoiError)[]> {
    await lockRows(tx, { table: 'tasks', key: 'task_id', ids: requests.map(({ taskId }) => taskId) });
    const tasks = await Promise.all(requests.map((request) => markCompleted(tx, request)));
    const completions = requests.flatMap((request, at) => {
      const task = tasks[at];
      return task ? [{ task, request }] : [];
    });
    const answers: (TaskRow | OmoiError)[] = [];
    for (const [at, request] of requests.entries()) {
      answers.push(tasks[at] ?? (await this.#judge(tx, request, 'complete')));
    }
    await this.#parts.bus.append(
      tx,
      ...completions.map(({ task, request }) => completedEvent(task, request, request.traceparent)),
    );
    tx.afterCommit(() => {
      for (const { task, request } of completions) this.#state.completed(task, request, request.traceparent);
    });
    return answers;
  }

  /**
   * The attempt failed: the task is queued again after a while, until its attempts are used up.
   * @throws OmoiError as `complete`
   */
  async fail(request: HolderRequest, failure: { error: string; retry: boolean }): Promise<TaskRow> {
    const { limits, random, bus, clock } = this.#parts;
    const { traceparent } = request;
    return this.#asHolder(request, 'fail', async (tx, task) => {
      const failures = task.failures + 1;
      const retries = failure.retry && attemptsUsed({ ...task, failures }) < task.max_attempts;
      const retryAtMs =
        tx.nowMs + backoffMs(failures, { firstMs: limits.retryBaseMs, maxMs: limits.retryMaxMs }, random);
      const failed: TaskRow = {
        ...task,
        failures,
        error: toStorable(failure.error.slice(0, limits.maxErrorLength)),
        ...(retries
          ? {
              ...FREE,
              ...sinceNow(momentOf(clock, tx.nowMs)),
              state: 'queued',
              available_at_ms: retryAtMs,
              deferred_until_ms: retryAtMs,
            }
          : { state: 'failed', lease_until_ms: null, finished_at_ms: tx.nowMs }),
      };
      await writeTask(tx, failed);
      await bus.append(tx, failedEvent(failed, request, traceparent));
      const { nowMs } = tx;
      tx.afterCommit(() => this.#state.failed(failed, request, { nowMs, traceparent }));
      return failed;
    });
  }

  /**
   * Hands a task to another agent: it is queued again, for a while for that agent alone.
   * @throws OmoiError as `complete`; `unknown_agent`, `agent_not_claiming` about the other agent; `too_many_handoffs`
   *   where it has been handed on so often that it goes in a circle: it stays with its holder
   */
  async handOff(request: HolderRequest, to: { agentId: string; reason: string | null }): Promise<TaskRow> {
    const { bus, activity, clock, random, limits } = this.#parts;
    const { traceparent, agentId, generation } = request;
    this.#assertTakesWork(to.agentId);
    return this.#asHolder(request, 'handoff', async (tx, task) => {
      const { nowMs } = tx;
      if (task.handoffs >= limits.maxHandoffs) throw tooManyHandoffs(task, limits.maxHandoffs);
      const keptUntilMs = nowMs + limits.handoffKeptMs;
      const handed: TaskRow = {
        ...task,
        ...FREE,
        ...sinceNow(momentOf(clock, nowMs)),
        state: 'queued',
        handoffs: task.handoffs + 1,
        available_at_ms: tx.nowMs,
        kept_for_agent_id: to.agentId,
        kept_until_ms: keptUntilMs,
        deferred_until_ms: keptUntilMs,
      };
      await writeTask(tx, handed);
      await tx.db
        .insertInto('task_handoffs')
        .values({
          handoff_id: createId('hand', clock.wallMs(), random),
          task_id: task.task_id,
          from_agent_id: agentId,
          from_generation: generation,
          to_agent_id: to.agentId,
          reason: to.reason,
          at_ms: tx.nowMs,
        })
        .execute();
      await bus.append(
        tx,
        releasedEvent(handed, { holder: request, reason: 'handed_off', counted: false, traceparent }),
      );
      tx.afterCommit(() => {
        this.#state.released(handed, request, { nowMs, traceparent });
        activity.tell({ kind: 'handoff', fromAgentId: agentId, toAgentId: to.agentId, traceparent });
      });
      return handed;
    });
  }

  #assertTakesWork(agentId: string): void {
    const agent = knownAgent(this.#parts.agentIndex, agentId);
    if (claimObstacle(agent.row.status) === null) return;
    throw new OmoiError(
      'agent_not_claiming',
      `Agent ${agentId} is ${agent.status}, so it can't be handed work.`,
      {
        agent_id: agentId,
        status: agent.status,
      },
    );
  }

  /** Runs `work` as the holder of the task; the refusal of one that is none is an event, so it is committed. */
  async #asHolder<Result>(
    request: HolderRequest,
    operation: string,
    work: (tx: StateTransaction, task: TaskRow) => Promise<Result>,
  ): Promise<Result> {
    const outcome = await this.#parts.database.transaction(async (tx) => {
      const judged = await this.#judge(tx, request, operation);
      if (judged instanceof OmoiError) return { error: judged };
      if (judged.state === 'completed') return { error: finished(judged) };
      return { result: await work(tx, judged) };
    });
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  }

  /** The task, where the request's agent holds it or has completed it; else the error to answer. */
  async #judge(
    tx: StateTransaction,
    request: HolderRequest,
    operation: string,
  ): Promise<TaskRow | OmoiError> {
    const found = await tx.db
      .selectFrom('tasks')
      .selectAll()
      .select((select) =>
        select
          .selectFrom('agents')
          .select('agents.generation')
          .where('agents.agent_id', '=', request.agentId)
          .as('current_generation'),
      )
      .where('task_id', '=', request.taskId)
      .forUpdate()
      .executeTakeFirst();
    if (!found) return unknownTask(request.taskId);
    const { current_generation: currentGeneration, ...task } = found;
    const judgement = judgeHolder(task, request, currentGeneration);
    if (judgement.kind !== 'refused') return task;
    if (judgement.stale) {
      const { traceparent } = request;
      const reason = judgement.error.code;
      await this.#parts.bus.append(
        tx,
        refusedEvent(task, { holder: request, operation, reason, traceparent }),
      );
    }
    return judgement.error;
  }
}

/** What a task without a holder looks like. */
export const FREE = {
  agent_id: null,
  generation: null,
  claimed_at_ms: null,
  since_ms: null,
  since_boot_ms: null,
  since_boot_id: null,
  lease_ms: null,
  lease_until_ms: null,
} as const;

interface CompleteValues {
  readonly taskId: string;
  readonly agentId: string;
  readonly generation: number;
  readonly attempt: number | null;
  readonly result: string | null;
  readonly nowMs: number;
}

function completing(which: 'attempt' | 'newest') {
  return new PreparedQuery<CompleteValues, TaskRow>((db, values) => {
    const update = db
      .updateTable('tasks')
      .set({
        state: 'completed',
        result: values.result,
        error: null,
        finished_at_ms: values.nowMs,
        lease_until_ms: null,
      })
      .where('task_id', '=', values.taskId)
      .where('state', '=', sql.lit('claimed'))
      .where('agent_id', '=', values.agentId)
      .where('generation', '=', values.generation)
      .where('generation', '=', (of) =>
        of.selectFrom('agents').select('agents.generation').where('agents.agent_id', '=', values.agentId),
      )
      .returningAll();
    return which === 'newest' ? update : update.where('attempt', '=', values.attempt);
  });
}

const COMPLETING = { attempt: completing('attempt'), newest: completing('newest') };

/** The hot path: one statement that changes the task only where the asker is its holder and still the newest. */
function markCompleted(tx: StateTransaction, request: CompleteRequest): Promise<TaskRow | null> {
  const query = request.attempt === null ? COMPLETING.newest : COMPLETING.attempt;
  return query.first(tx, completeValuesOf(tx, request));
}

function completeValuesOf({ nowMs }: StateTransaction, request: CompleteRequest): CompleteValues {
  const { taskId, agentId, generation, attempt, resultJson } = request;
  return { taskId, agentId, generation, attempt, result: resultJson, nowMs };
}

async function keepProgress(tx: StateTransaction, taskId: string, progress: string): Promise<void> {
  await tx.db.updateTable('tasks').set({ progress }).where('task_id', '=', taskId).execute();
}

export async function writeTask(tx: StateTransaction, task: TaskRow): Promise<void> {
  const { task_id: taskId, ...columns } = task;
  await tx.db.updateTable('tasks').set(columns).where('task_id', '=', taskId).execute();
}

function tooManyHandoffs({ task_id: taskId, handoffs }: TaskRow, maxHandoffs: number): OmoiError {
  return new OmoiError(
    'too_many_handoffs',
    `Task ${taskId} has been handed on ${handoffs} times (maxHandoffs is ${maxHandoffs}): complete it or fail it.`,
    { task_id: taskId, handoffs, max_handoffs: maxHandoffs },
  );
}

export function unknownTask(taskId: string): OmoiError {
  return new OmoiError('unknown_task', `Task ${taskId} is unknown.`, { task_id: taskId });
}

export function finished(task: TaskRow): OmoiError {
  return new OmoiError('task_finished', `Task ${task.task_id} is ${task.state}.`, {
    task_id: task.task_id,
    state: task.state,
  });
}
