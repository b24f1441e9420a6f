import { sql } from 'kysely';
import type { StateTransaction } from '#storage';
import { AGENT_STATUSES, OmoiError, type Counter } from '#telemetry';
import type { AgentEntry } from '../agents/agent-entry.ts';
import { assertCurrent, unknownAgent } from '../agents/agent-registry.ts';
import { claimObstacle } from '../agents/agent-status.ts';
import type { ClaimFilter } from './claim-waiters.ts';
import { waitsRefused, type FleetParts } from '../fleet-parts.ts';
import type { Holder } from '../leases/lease-registry.ts';
import { SharedTransactions } from './shared-transactions.ts';
import type { TaskQueueState } from './task-queue-state.ts';
import { claimedEvent, type TaskRow } from './task-row.ts';

const CLAIMING = AGENT_STATUSES.filter((status) => claimObstacle(status) === null);

export interface ClaimRequest extends Holder {
  /** null takes any. */
  readonly phaseIds: readonly string[] | null;
  readonly taskTypes: readonly string[] | null;
  /** Leaves the tasks that are for agents of every pool. */
  readonly ownPoolOnly: boolean;
  readonly leaseMs: number;
  /** How long to wait for a task where none fits. */
  readonly waitMs: number;
  readonly traceparent: string | null;
  /** Ends the wait when the asker has gone. */
  readonly signal: AbortSignal | null;
}

/** Gives queued tasks to agents: the highest priority first, then the oldest. */
export class TaskClaims {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  readonly #waitsRefused: Counter;
  readonly #attempts: SharedTransactions<ClaimRequest, TaskRow | null>;

  constructor(parts: FleetParts, state: TaskQueueState) {
    this.#parts = parts;
    this.#state = state;
    this.#waitsRefused = waitsRefused(parts.metrics);
    this.#attempts = new SharedTransactions(parts.database, (tx, requests) => this.#claimEach(tx, requests));
  }

  /**
   * The next task for an agent's generation, or null where none fits in time.
   * @throws OmoiError `unknown_agent`, `unknown_generation`, `generation_superseded`, `agent_not_claiming`,
   *   `agent_gone`
   */
  async claim(request: ClaimRequest): Promise<TaskRow | null> {
    const { clock } = this.#parts;
    const { waiters } = this.#state;
    const endMs = clock.monotonicMs() + request.waitMs;
    const ticket = waiters.takeTicket();
    for (;;) {
      const { version } = waiters;
      const task = await this.#attempt(request);
      if (task) return task;
      const waitMs = endMs - clock.monotonicMs();
      if (waitMs <= 0 || request.signal?.aborted) return null;
      if (waiters.full) {
        this.#waitsRefused.add(1, { what: 'claim' });
        return null;
      }
      if (waiters.version !== version) continue;
      const filter = this.#filterOf(request);
      const outcome = await waiters.wait(filter, { ticket, waitMs, signal: request.signal });
      if (outcome !== 'woken') return null;
    }
  }

  async #attempt(request: ClaimRequest): Promise<TaskRow | null> {
    const agent = this.#require(request);
    if (agent.desired === 'drain' || !this.#parts.activity.hasQueued(request.phaseIds)) return null;
    return this.#attempts.ask(request);
  }

  /** The statements go to the database together, and are done in their order: the one who asked first has the first. */
  async #claimEach(
    tx: StateTransaction,
    requests: readonly ClaimRequest[],
  ): Promise<(TaskRow | OmoiError | null)[]> {
    const tasks = await Promise.all(
      requests.map((request) => takeFirst(tx, request, this.#filterOf(request))),
    );
    const claims = requests.flatMap((request, at) => {
      const task = tasks[at];
      return task ? [{ task, request }] : [];
    });
    // Where none was taken, none is there, or memory is behind what was committed and the agent may have none.
    const answers = await Promise.all(
      requests.map(async (request, at) => tasks[at] ?? refusalOf(tx, request)),
    );
    await this.#parts.bus.append(
      tx,
      ...claims.map(({ task, request }) => claimedEvent(task, request, request.traceparent)),
    );
    tx.afterCommit(() => {
      for (const { task, request } of claims) this.#state.claimed(task, request, request.traceparent);
    });
    return answers;
  }

  #require(request: ClaimRequest): AgentEntry {
    const agent = this.#parts.agentIndex.get(request.agentId);
    if (!agent) throw unknownAgent(request.agentId);
    assertCurrent(agent, request.generation);
    const obstacle = claimObstacle(agent.row.status);
    if (obstacle) throw notClaiming(agent.agentId, agent.row.status, obstacle);
    return agent;
  }

  #filterOf(request: ClaimRequest): ClaimFilter {
    return {
      agentId: request.agentId,
      poolId: this.#parts.agentIndex.get(request.agentId)?.poolId ?? null,
      phaseIds: request.phaseIds,
      taskTypes: request.taskTypes,
      ownPoolOnly: request.ownPoolOnly,
    };
  }
}

/** Why the agent may have no task; null where it may. */
async function refusalOf(tx: StateTransaction, request: ClaimRequest): Promise<OmoiError | null> {
  const agent = await tx.db
    .selectFrom('agents')
    .select(['status', 'generation'])
    .where('agent_id', '=', request.agentId)
    .executeTakeFirst();
  if (!agent) return unknownAgent(request.agentId);
  if (agent.generation !== request.generation) {
    return new OmoiError(
      'generation_superseded',
      `Generation ${request.generation} of agent ${request.agentId} was followed by ${agent.generation}.`,
      { agent_id: request.agentId, current_generation: agent.generation },
    );
  }
  const obstacle = claimObstacle(agent.status);
  return obstacle ? notClaiming(request.agentId, agent.status, obstacle) : null;
}

/**
 * The hot path: one statement takes the first task that fits, where the agent's row (held against a restart until
 * the commit) lets it. `state` is written into the statement, not bound: else SQLite can't see that the partial
 * indexes hold the answer.
 */
async function takeFirst(
  tx: StateTransaction,
  request: ClaimRequest,
  filter: ClaimFilter,
): Promise<TaskRow | null> {
  let first = tx.db
    .selectFrom('tasks')
    .select('task_id')
    .where('state', '=', sql.lit('queued'))
    .where('available_at_ms', '<=', tx.nowMs)
    .where((where) =>
      where.or([
        where('kept_for_agent_id', 'is', null),
        where('kept_for_agent_id', '=', request.agentId),
        where('kept_until_ms', '<=', tx.nowMs),
      ]),
    )
    .where((where) => {
      const own = where('pool_id', '=', filter.poolId ?? '');
      return filter.ownPoolOnly ? own : where.or([where('pool_id', 'is', null), own]);
    })
    .orderBy('priority', 'desc')
    .orderBy('queue_order')
    .limit(1)
    .forUpdate()
    .skipLocked();
  if (request.phaseIds?.length === 1) first = first.where('phase_id', 'in', request.phaseIds);
  else if (request.phaseIds) {
    // Several phases are filtered along the order of the whole queue: by the phases' index all would be sorted.
    first = first.where(sql<string>`phase_id || ''`, 'in', request.phaseIds);
  }
  if (request.taskTypes) first = first.where('task_type', 'in', request.taskTypes);
  const task = await tx.db
    .updateTable('tasks')
    .set((set) => ({
      state: 'claimed',
      agent_id: request.agentId,
      generation: request.generation,
      attempt: set('attempt', '+', 1),
      claimed_at_ms: tx.nowMs,
      lease_ms: request.leaseMs,
      lease_until_ms: tx.nowMs + request.leaseMs,
      first_claimed_at_ms: set.fn.coalesce('first_claimed_at_ms', set.val(tx.nowMs)),
      kept_for_agent_id: null,
      kept_until_ms: null,
    }))
    .where('task_id', '=', first)
    .where((where) =>
      where(
        where.val(request.generation),
        '=',
        where
          .selectFrom('agents')
          .select('agents.generation')
          .where('agents.agent_id', '=', request.agentId)
          .where('agents.status', 'in', CLAIMING)
          .forShare(),
      ),
    )
    .returningAll()
    .executeTakeFirst();
  return task ?? null;
}

function notClaiming(agentId: string, status: string, obstacle: string): OmoiError {
  const code = obstacle === 'ended' ? 'agent_gone' : 'agent_not_claiming';
  return new OmoiError(code, `Agent ${agentId} is ${status}, so it is given no work.`, {
    agent_id: agentId,
    status,
    reason: obstacle,
  });
}
