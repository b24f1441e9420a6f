import { sql } from 'kysely';
import { PreparedInsert, PreparedQuery, type StateTransaction } from '#storage';
import type { Moment } from '#telemetry';
import type { AgentRow } from '../agents/agent-entry.ts';
import { CLAIMING_STATUSES } from '../agents/agent-status.ts';
import type { ClaimRequest } from './claim-request.ts';
import type { QueueLane } from './queue-lanes.ts';
import { sinceNow, type TaskRow } from './task-row.ts';

/** A queued task as a claim sees it before it takes it. */
export type Candidate = Pick<TaskRow, (typeof CANDIDATE_COLUMNS)[number]>;

const CANDIDATE_COLUMNS = [
  'task_id',
  'priority',
  'queue_order',
  'task_type',
  'phase_id',
  'pool_id',
  'traceparent',
] as const;

interface LaneValues {
  readonly poolId: string | null;
  readonly phaseId: string;
  readonly taskType: string | null;
  readonly limit: number;
}

/**
 * The first tasks of one lane, in the order in which they are claimed. `state` is written into the statement, not
 * bound: else SQLite can't see that the partial indexes hold the answer.
 */
function laneQuery(shape: { readonly pool: boolean; readonly type: boolean }) {
  return new PreparedQuery<LaneValues, Candidate>((db, { poolId, phaseId, taskType, limit }) => {
    let first = db
      .selectFrom('tasks')
      .select(CANDIDATE_COLUMNS)
      .where('state', '=', sql.lit('queued'))
      .where('pool_id', shape.pool ? '=' : 'is', shape.pool ? poolId : null)
      .where('phase_id', '=', phaseId)
      .where('deferred_until_ms', 'is', null)
      // Few are claimed alone, so a lane is walked past them; they have an index of their own.
      .where('counted_losses', '=', 0)
      .orderBy('priority', 'desc')
      .orderBy('queue_order')
      .limit(limit)
      .forUpdate()
      .skipLocked();
    if (shape.type) first = first.where('task_type', '=', taskType ?? '');
    return first;
  });
}

const ANY_POOL = {
  ofPhase: laneQuery({ pool: false, type: false }),
  ofType: laneQuery({ pool: false, type: true }),
};
const ONE_POOL = {
  ofPhase: laneQuery({ pool: true, type: false }),
  ofType: laneQuery({ pool: true, type: true }),
};

const bringingBack = new PreparedQuery<{ nowMs: number; limit: number }, never>((db, { nowMs, limit }) =>
  db
    .updateTable('tasks')
    .set({ deferred_until_ms: null, kept_for_agent_id: null, kept_until_ms: null })
    .where('task_id', 'in', (of) =>
      of
        .selectFrom('tasks')
        .select('task_id')
        .where('state', '=', sql.lit('queued'))
        .where('deferred_until_ms', '<=', nowMs)
        .orderBy('deferred_until_ms')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    ),
);

/**
 * Puts tasks whose retry is due, and those that were kept for an agent long enough, back into their lanes, where they
 * have the place that their priority and age give them. Each costs this once, and no claim before its time.
 * @returns how many; `limit` at most
 */
export async function bringBackDue(tx: StateTransaction, limit: number): Promise<number> {
  const { numAffectedRows } = await bringingBack.run(tx, { nowMs: tx.nowMs, limit });
  return Number(numAffectedRows ?? 0);
}

/** The first tasks of a lane; `limit` at most. */
export function laneHead(tx: StateTransaction, lane: QueueLane, limit: number): Promise<Candidate[]> {
  const queries = lane.poolId === null ? ANY_POOL : ONE_POOL;
  const query = lane.taskType === null ? queries.ofPhase : queries.ofType;
  return query.rows(tx, { ...lane, limit });
}

function aloneQuery(inPool: boolean) {
  return new PreparedQuery<{ poolId: string | null; limit: number }, AloneCandidate>(
    (db, { poolId, limit }) =>
      db
        .selectFrom('tasks')
        .select([...CANDIDATE_COLUMNS, 'available_at_ms'])
        .where('state', '=', sql.lit('queued'))
        .where('counted_losses', '>', sql.lit(0))
        .where('pool_id', inPool ? '=' : 'is', inPool ? poolId : null)
        .where('deferred_until_ms', 'is', null)
        .orderBy('priority', 'desc')
        .orderBy('queue_order')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
  );
}

const ALONE = { ofAnyPool: aloneQuery(false), ofOnePool: aloneQuery(true) };

/** A task that is claimed alone, and since when it could have been. */
export type AloneCandidate = Candidate & Pick<TaskRow, 'available_at_ms'>;

/** The first tasks of a pool (null: for every pool) that are claimed alone and are due; `limit` at most. */
export function aloneIn(
  tx: StateTransaction,
  poolId: string | null,
  limit: number,
): Promise<AloneCandidate[]> {
  const query = poolId === null ? ALONE.ofAnyPool : ALONE.ofOnePool;
  return query.rows(tx, { poolId, limit });
}

const keptTasks = new PreparedQuery<{ agentId: string; nowMs: number; limit: number }, Candidate>(
  (db, { agentId, nowMs, limit }) =>
    db
      .selectFrom('tasks')
      .select(CANDIDATE_COLUMNS)
      .where('state', '=', sql.lit('queued'))
      .where('kept_for_agent_id', '=', agentId)
      .where('kept_until_ms', '>', nowMs)
      .orderBy('priority', 'desc')
      .orderBy('queue_order')
      .limit(limit)
      .forUpdate()
      .skipLocked(),
);

/** What was handed over to an agent and is kept for it alone; `limit` at most. */
export function keptFor(tx: StateTransaction, agentId: string, limit: number): Promise<Candidate[]> {
  return keptTasks.rows(tx, { agentId, nowMs: tx.nowMs, limit });
}

const claimants = new PreparedQuery<{ agentId: string }, Pick<AgentRow, 'generation' | 'status'>>(
  (db, { agentId }) =>
    db.selectFrom('agents').select(['generation', 'status']).where('agent_id', '=', agentId).forShare(),
);

/** The agent where a claim of its generation is given work, held against a restart until the commit. */
const takers = new PreparedQuery<{ agentId: string; generation: number }, { agent_id: string }>(
  (db, { agentId, generation }) =>
    db
      .selectFrom('agents')
      .select('agent_id')
      .where('agent_id', '=', agentId)
      .where('generation', '=', generation)
      .where(
        'status',
        'in',
        CLAIMING_STATUSES.map((status) => sql.lit(status)),
      )
      .forShare(),
);

/** The agent, held against a restart until the commit; null where it is unknown. */
export function holdClaimant(
  tx: StateTransaction,
  agentId: string,
): Promise<Pick<AgentRow, 'generation' | 'status'> | null> {
  return claimants.first(tx, { agentId });
}

interface TakeValues {
  readonly taskId: string;
  readonly agentId: string;
  readonly generation: number;
  readonly leaseMs: number;
  readonly leaseUntilMs: number;
  readonly nowMs: number;
  readonly bootMs: number;
  readonly bootId: string;
}

const taking = new PreparedQuery<TakeValues, TaskRow>((db, values) =>
  db
    .updateTable('tasks')
    .set((set) => ({
      state: 'claimed',
      agent_id: values.agentId,
      generation: values.generation,
      attempt: set('attempt', '+', 1),
      claimed_at_ms: values.nowMs,
      since_ms: values.nowMs,
      since_boot_ms: values.bootMs,
      since_boot_id: values.bootId,
      lease_ms: values.leaseMs,
      lease_until_ms: values.leaseUntilMs,
      first_claimed_at_ms: set.fn.coalesce('first_claimed_at_ms', set.val(values.nowMs)),
      kept_for_agent_id: null,
      kept_until_ms: null,
      deferred_until_ms: null,
    }))
    .where('task_id', '=', values.taskId)
    .where('state', '=', sql.lit('queued'))
    .returningAll(),
);

/** Who is given a task, and when. */
interface Taker extends Pick<ClaimRequest, 'agentId' | 'generation' | 'leaseMs'> {
  readonly now: Moment;
}

function takeValuesOf(taskId: string, { agentId, generation, leaseMs, now }: Taker): TakeValues {
  const { wallMs: nowMs, bootId } = now;
  const holder = { agentId, generation, leaseMs, leaseUntilMs: nowMs + leaseMs };
  return { taskId, ...holder, nowMs, bootMs: Math.floor(now.bootMs), bootId };
}

const INSERT_TASKS = new PreparedInsert<TaskRow, { task_id: string }>((db, rows) =>
  db
    .insertInto('tasks')
    .values(rows)
    .onConflict((conflict) => conflict.column('idempotency_key').doNothing())
    .returning('task_id'),
);

/** @returns those that are new: an idempotency key is used once */
export async function insertTasks(
  tx: StateTransaction,
  rows: readonly TaskRow[],
): Promise<ReadonlySet<string>> {
  return new Set((await INSERT_TASKS.rows(tx, rows)).map((row) => row.task_id));
}

/**
 * A new task that is claimed as it comes, with the commit: no question lies before it.
 * @throws UnforeseenRows at the commit where its idempotency key had been used, or the agent is given no work any more
 */
export function insertClaimedTask(tx: StateTransaction, task: TaskRow, taker: Taker): TaskRow {
  const { nowMs, agentId, generation, leaseMs, leaseUntilMs } = takeValuesOf(task.task_id, taker);
  const claimed: TaskRow = {
    ...task,
    state: 'claimed',
    agent_id: agentId,
    generation,
    attempt: task.attempt + 1,
    claimed_at_ms: nowMs,
    ...sinceNow(taker.now),
    lease_ms: leaseMs,
    lease_until_ms: leaseUntilMs,
    first_claimed_at_ms: nowMs,
  };
  takers.atCommit(tx, { agentId, generation }, { foreseen: 1 });
  INSERT_TASKS.atCommit(tx, [claimed], { foreseen: 1 });
  return claimed;
}

/** Gives a queued task, which the transaction holds, to an agent's generation. @throws Error where it was not queued */
export async function takeTask(tx: StateTransaction, taskId: string, taker: Taker): Promise<TaskRow> {
  const task = await taking.first(tx, takeValuesOf(taskId, taker));
  if (!task) throw new Error(`task ${taskId} was taken by somebody else`);
  return task;
}
