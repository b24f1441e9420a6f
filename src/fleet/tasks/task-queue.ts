import { sql } from 'kysely';
import { listInSlices, rowAt, type ListSlice, type StateDatabase, type StateTransaction } from '#storage';
import type { AgentStatus } from '#telemetry';
import type { AgentEntry } from '../agents/agent-entry.ts';
import type { FleetParts } from '../fleet-parts.ts';
import type { ReleaseOrder } from '../agents/generation-store.ts';
import type { Lease } from '../leases/lease-registry.ts';
import type { Reach } from '../reach.ts';
import type { ClaimRequest } from './claim-request.ts';
import { DeferredTasks } from './deferred-tasks.ts';
import { listFinishedTasks, type FinishedTaskQuery } from './finished-tasks.ts';
import { TaskClaims } from './task-claims.ts';
import { TaskIntake, type EnqueuedTask, type NewTask } from './task-intake.ts';
import { maxLateTasks, TaskQueueState } from './task-queue-state.ts';
import { definitionOf } from '../pools/pool-rows.ts';
import { TaskReleases } from './task-releases.ts';
import { ANNOUNCED_COLUMNS, HELD_COLUMNS, heldForMs, holderOf, loserOf, type TaskRow } from './task-row.ts';
import { TaskSettlement, unknownTask, type HolderRequest } from './task-settlement.ts';
import { isWithin } from './tasks-within.ts';
import type { TaskKind } from './claimed-kinds.ts';
import type { Naming } from './unserved-tasks.ts';

/** Where a task stands in the order in which all were enqueued. */
type TaskPlace = Pick<TaskRow, 'queue_order' | 'task_id'>;

export interface TaskQuery {
  readonly states: readonly TaskRow['state'][] | null;
  readonly phaseId: string | null;
  readonly agentId: string | null;
  /** Only what these agents may see; null: all. */
  readonly within?: Reach | null;
  /** Answers what was enqueued after this place, whether the task is still there or not. */
  readonly after: TaskPlace | null;
  readonly limit: number;
}

/** Among so many releases, the newest ones, what an agent goes on with is looked for. */
const maxReleasesRead = 1000;
/** `LadderStep`'s reason. */
const CLINGS = 'clings_to_lost_task';
/** Others have had a task that an agent was lost with by then, as a rule. */
const suspectedForMs = 30_000;

/** What waiting tasks are counted by. */
const COUNTED = ['pool_id', 'phase_id', 'task_type', 'priority', 'counted_losses'] as const;

/** The queue of tasks: each is given to one agent's generation at a time, and done once. */
export class TaskQueue {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  readonly #intake: TaskIntake;
  readonly #claims: TaskClaims;
  readonly #settlement: TaskSettlement;
  readonly #releases: TaskReleases;
  readonly #deferred: DeferredTasks;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#state = new TaskQueueState(parts);
    this.#deferred = new DeferredTasks(parts);
    this.#intake = new TaskIntake(parts, this.#state);
    this.#claims = new TaskClaims(parts, this.#state);
    this.#settlement = new TaskSettlement(parts, this.#state);
    this.#releases = new TaskReleases(parts, this.#state);
  }

  /** Builds the memory from the database: limits, counts, leases (with their whole length again) and late tasks. */
  async start(): Promise<void> {
    const { database, agentIndex } = this.#parts;
    const pools = await database.reader.selectFrom('pools').selectAll().execute();
    for (const pool of pools) this.limitTimes(pool.pool_id, definitionOf(pool).timeLimitsMs);
    const now = await this.#deferred.start();
    const counts = await database.reader
      .selectFrom('tasks')
      .select([...COUNTED, (select) => select.fn.countAll<number>().as('queued')])
      .where('state', '=', sql.lit('queued'))
      .groupBy(COUNTED)
      .execute();
    for (const count of counts) this.#state.count(count, count.queued);
    this.#state.unserved.start({ amongAgents: agentIndex.size > 0 });
    const claimed = await database.reader
      .selectFrom('tasks')
      .select(HELD_COLUMNS)
      .where('state', '=', sql.lit('claimed'))
      .orderBy('claimed_at_ms')
      .execute();
    for (const task of claimed) {
      const holder = holderOf(task);
      if (!holder) continue;
      this.#state.hold(task, holder, heldForMs(task, now));
      this.#state.claimsLike(task, holder);
      agentIndex.tookTask(holder, task);
    }
    await this.#knowWhomTasksEnded();
    await this.#releases.start(now.wallMs);
    await this.#knowWhoClings();
    const parked = await database.reader
      .selectFrom('tasks')
      .select(['phase_id', 'task_type'])
      .where('state', '=', sql.lit('parked'))
      .execute();
    for (const task of parked) this.#state.countParked(task, 1);
    const late = await database.reader
      .selectFrom('tasks')
      .select(ANNOUNCED_COLUMNS)
      .where('state', '=', sql.lit('queued'))
      .where('deferred_until_ms', 'is not', null)
      .orderBy('deferred_until_ms')
      .limit(maxLateTasks)
      .execute();
    for (const task of late) this.#state.announce(task, now.wallMs);
  }

  /** Agents that are ill since a task was lost with them that others were lost with before: it explains their ends. */
  async #knowWhomTasksEnded(): Promise<void> {
    const { database, agentIndex } = this.#parts;
    const tasks = await database.reader
      .selectFrom('tasks')
      .select(['task_id', 'lost_by'])
      .where('state', 'in', ['queued', 'claimed', 'parked'])
      .where('counted_losses', '>', 1)
      .where('lost_by', 'is not', null)
      .execute();
    const endedBy = new Map(tasks.map((task) => [task.lost_by, task.task_id]));
    if (endedBy.size === 0) return;
    for (const { agentId, generation, status } of agentIndex.observations()) {
      const taskId = endedBy.get(loserOf({ agent_id: agentId, generation }));
      if (taskId !== undefined && ILL.has(status)) agentIndex.blame({ agentId, generation }, taskId);
    }
  }

  /** Who went on with a task that was taken from it, when the last server ended, does so until it says otherwise. */
  async #knowWhoClings(): Promise<void> {
    const { agentIndex, bus } = this.#parts;
    const clinging = [...agentIndex.entries()].filter(
      ({ row }) => row.status === 'DEGRADED' && row.status_reason === CLINGS,
    );
    if (clinging.length === 0) return;
    const released = await bus.list({
      types: ['fleet.task.released'],
      newestFirst: true,
      limit: maxReleasesRead,
    });
    for (const entry of clinging) {
      const lost = released.find(
        (event) =>
          event.event_type === 'fleet.task.released' &&
          event.payload.agent_id === entry.agentId &&
          event.payload.generation === entry.generation,
      );
      entry.stillClingsTo(lost?.entity_id ?? (await this.#cancelledOf(entry)) ?? 'unknown');
    }
  }

  /** The last task of a generation that somebody has cancelled while it worked on it. */
  async #cancelledOf({ agentId, generation }: Pick<AgentEntry, 'agentId' | 'generation'>) {
    const task = await this.#parts.database.reader
      .selectFrom('tasks')
      .select('task_id')
      .where('agent_id', '=', agentId)
      .where('generation', '=', generation)
      .where('state', '=', sql.lit('cancelled'))
      .orderBy('finished_at_ms', 'desc')
      .limit(1)
      .executeTakeFirst();
    return task?.task_id;
  }

  stop(): void {
    this.#state.stop();
  }

  /** Takes back what was held too long. To be called every tick. */
  async tick(): Promise<void> {
    this.#state.unserved.tick();
    await this.#deferred.look();
    await this.#releases.expire();
  }

  /** What is to be said of queued tasks that no living agent claims; nothing where it is not known yet who claims what. */
  unservedWarnings(): string[] {
    return this.#state.unserved.warnings();
  }

  /** As `unservedWarnings`, of those of some tasks that are queued. */
  unservedWarningsOf(tasks: readonly (TaskKind & Pick<TaskRow, 'state'>)[], naming: Naming): string[] {
    return this.#state.unserved.warningsOf(
      tasks.filter(({ state }) => state === 'queued'),
      naming,
    );
  }

  /** Why a task is queued and no living agent claims it; null where it is not so, or not known yet. */
  unservedReason(task: TaskKind & Pick<TaskRow, 'state'>, naming: Naming): string | null {
    return task.state === 'queued' ? this.#state.unserved.reasonOf(task, naming) : null;
  }

  /** How many claims wait for a task. */
  get waitingClaims(): number {
    return this.#state.waiters.size;
  }

  enqueue(tasks: readonly NewTask[], traceparent: string | null): Promise<EnqueuedTask[]> {
    return this.#intake.enqueue(tasks, traceparent);
  }

  /** Limits, from the next claim on, for how long agents of a pool hold tasks, by type; null where the pool is gone. */
  limitTimes(poolId: string, limitsMs: Readonly<Record<string, number>> | null): void {
    this.#state.timeLimits.know(poolId, limitsMs);
  }

  /**
   * The task that explains why an agent is ill: the one that it was lost with, or holds, alone, and that others were
   * lost with before; null where there is none.
   */
  blamedFor(agent: Pick<AgentEntry, 'agentId' | 'status' | 'blamedTaskId'>): string | null {
    if (!ILL.has(agent.status)) return null;
    return agent.blamedTaskId ?? this.#state.solitude.suspectOf(agent.agentId);
  }

  /**
   * For how long it is still open whether a task explains why an agent is ill that was lost with it, ms: until others have had
   * the task. 0 where nothing is open.
   */
  suspicionLeftMs(agent: Pick<AgentEntry, 'status' | 'blamedTaskId' | 'lostWithTasksAtMs'>): number {
    if (!ILL.has(agent.status) || agent.blamedTaskId !== null || agent.lostWithTasksAtMs === null) return 0;
    return Math.max(0, agent.lostWithTasksAtMs + suspectedForMs - this.#parts.clock.monotonicMs());
  }

  /** @param request where its signal is aborted nothing stays claimed: what its transaction took goes back */
  async claim(request: ClaimRequest): Promise<readonly TaskRow[]> {
    const tasks = await this.#claims.claim(request);
    if (tasks.length === 0 || request.signal?.aborted !== true) return tasks;
    await this.#releases.giveBack(tasks, request);
    return [];
  }

  /** @param progressJson how far the holder is, JSON text; null where it says nothing new */
  renew(request: HolderRequest, progressJson: string | null = null): Promise<Lease> {
    return this.#settlement.renew(request, progressJson);
  }

  complete(request: HolderRequest, resultJson: string | null): Promise<TaskRow> {
    return this.#settlement.complete(request, resultJson);
  }

  fail(request: HolderRequest, failure: { error: string; retry: boolean }): Promise<TaskRow> {
    return this.#settlement.fail(request, failure);
  }

  handOff(request: HolderRequest, to: { agentId: string; reason: string | null }): Promise<TaskRow> {
    return this.#settlement.handOff(request, to);
  }

  reassign(tx: StateTransaction, order: ReleaseOrder): Promise<number> {
    return this.#releases.reassign(tx, order);
  }

  reassignTask(taskId: string, traceparent: string | null): Promise<TaskRow> {
    return this.#releases.reassignTask(taskId, traceparent);
  }

  cancel(taskId: string, order: { by: string; traceparent: string | null }): Promise<TaskRow> {
    return this.#releases.cancel(taskId, order);
  }

  retry(taskId: string, order: { by: string; traceparent: string | null }): Promise<TaskRow> {
    return this.#releases.retry(taskId, order);
  }

  /**
   * @param within what may be seen; a task that may not is unknown
   * @throws OmoiError `unknown_task`
   */
  async get(taskId: string, within: Reach | null = null): Promise<TaskRow> {
    const { reader } = this.#parts.database;
    let found = reader.selectFrom('tasks').selectAll().where('task_id', '=', taskId);
    if (within !== null) found = found.where(isWithin(reader, within));
    const task = await found.executeTakeFirst();
    if (!task) throw unknownTask(taskId);
    return this.#state.withLease(task);
  }

  /** Tasks in the order in which they were enqueued. */
  async list(query: TaskQuery): Promise<TaskRow[]> {
    const { after, limit } = query;
    const tasks = await listInSlices(taskSlices(this.#parts.database, query), { after, limit });
    return tasks.map((task) => this.#state.withLease(task));
  }

  /** Tasks that have ended, the newest end first. */
  listFinished(query: FinishedTaskQuery): Promise<TaskRow[]> {
    return listFinishedTasks(this.#parts.database, query);
  }
}

const ILL: ReadonlySet<AgentStatus> = new Set(['FAILED', 'STALLED', 'UNRESPONSIVE']);

const UNFINISHED: ReadonlySet<string> = new Set(['queued', 'claimed', 'parked']);

/**
 * What is not done, what is parked and what one agent holds is read from an index of its own; what is done, stretch by
 * stretch: to find that none of 200,000 fits takes some 0.4 s, in 200 statements that others get in between. An index by agent
 * would be written anew by each claim: a tenth to a third more CPU where that was measured. Only people ask so, and claims are what
 * the queue is for.
 */
function taskSlices({ reader }: StateDatabase, { states, phaseId, agentId, within = null }: TaskQuery) {
  const unfinished = states?.every((state) => UNFINISHED.has(state)) ?? false;
  const parked = states?.every((state) => state === 'parked') ?? false;
  const heldBy = states?.every((state) => state === 'claimed') ? agentId : null;
  const behind = (after: TaskPlace | null) => {
    let rows = reader.selectFrom('tasks').orderBy('queue_order').orderBy('task_id');
    if (parked) rows = rows.where('state', '=', sql.lit('parked'));
    else if (heldBy !== null) {
      rows = rows.where('state', '=', sql.lit('claimed')).where('agent_id', '=', heldBy);
    } else if (unfinished) rows = rows.where('finished_at_ms', 'is', null);
    if (after === null) return rows;
    return rows.where((row) =>
      row(row.refTuple('queue_order', 'task_id'), '>', row.tuple(after.queue_order, after.task_id)),
    );
  };
  return {
    end: (after: TaskPlace | null, rows: number): Promise<TaskPlace | null> =>
      rowAt(behind(after).select(['queue_order', 'task_id']), rows),
    find({ after, until, rows, limit }: ListSlice<TaskPlace>): Promise<TaskRow[]> {
      let stretch = behind(after).selectAll();
      if (until !== null) {
        stretch = stretch.where((row) =>
          row(row.refTuple('queue_order', 'task_id'), '<=', row.tuple(until.queue_order, until.task_id)),
        );
      }
      let found = reader.selectFrom(stretch.limit(rows).as('tasks')).selectAll();
      if (states) found = found.where('state', 'in', states);
      if (phaseId !== null) found = found.where('phase_id', '=', phaseId);
      if (agentId !== null) found = found.where('agent_id', '=', agentId);
      if (within !== null) found = found.where(isWithin(reader, within));
      return found.orderBy('queue_order').orderBy('task_id').limit(limit).execute();
    },
  };
}
