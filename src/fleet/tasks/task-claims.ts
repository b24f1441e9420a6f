import { SharedTransactions, type StateTransaction } from '#storage';
import { isRetryable, momentOf, type Counter, type OmoiError } from '#telemetry';
import type { AgentEntry } from '../agents/agent-entry.ts';
import { currentAgent } from '../agents/agent-refusals.ts';
import { claimObstacle } from '../agents/agent-status.ts';
import { waitsRefused, type FleetParts } from '../fleet-parts.ts';
import { ClaimAssignment, laneKey, type LaneHead } from './claim-assignment.ts';
import { takes, type ClaimFilter } from './claim-filter.ts';
import {
  aloneIn,
  bringBackDue,
  holdClaimant,
  keptFor,
  laneHead,
  takeTask,
  type AloneCandidate,
  type Candidate,
} from './claim-queries.ts';
import type { ClaimPlace } from './claim-waiters.ts';
import { notClaiming, refusalOf, type ClaimRequest } from './claim-request.ts';
import type { QueueLane } from './queue-lanes.ts';
import type { TaskQueueState } from './task-queue-state.ts';
import { claimedEvent, type TaskRow } from './task-row.ts';

/** Claims that share a transaction share these; each gets one at least, where there are some. */
const maxTasksPerTransaction = 300;
/** Retries that became due, brought back by the claims that share a transaction; those left come with the next. */
const maxBroughtBackPerTransaction = 500;

/** Tasks of one pool that are claimed alone and are looked at by the claims that share a transaction. */
const maxAloneLookedAt = 50;
/** Nobody was free for a task that is claimed alone for so long: an agent is kept from further tasks for it. */
const aloneWaitMs = 1000;

/** One claim of several that share a transaction. */
interface Wanted {
  readonly request: ClaimRequest;
  readonly filter: ClaimFilter;
  readonly lanes: readonly QueueLane[];
  readonly count: number;
}

/** What the claims of one transaction may be given. */
interface Offer {
  readonly heads: readonly LaneHead[];
  readonly kept: ReadonlyMap<Wanted, readonly Candidate[]>;
  readonly alone: readonly AloneCandidate[];
}

/** Gives queued tasks to agents: the highest priority first, then the oldest. */
export class TaskClaims {
  readonly #parts: FleetParts;
  readonly #state: TaskQueueState;
  readonly #waitsRefused: Counter;
  readonly #attempts: SharedTransactions<ClaimRequest, readonly TaskRow[]>;
  /** The last transaction left tasks out of their lanes that were due: who found nothing may have looked too soon. */
  #moreIsDue = false;

  constructor(parts: FleetParts, state: TaskQueueState) {
    this.#parts = parts;
    this.#state = state;
    this.#waitsRefused = waitsRefused(parts.metrics);
    this.#attempts = new SharedTransactions(parts.database, (tx, requests) => this.#claimEach(tx, requests));
  }

  /**
   * The next tasks for an agent's generation; none where none fits in time.
   * @throws OmoiError `unknown_agent`, `unknown_generation`, `generation_superseded`, `agent_not_claiming`,
   *   `agent_gone`, `claim_limit_reached` (too many of the agent's wait, or of its pool's or token's)
   */
  async claim(request: ClaimRequest): Promise<readonly TaskRow[]> {
    const place = this.#state.waiters.enter(request, () => this.#filterOf(request));
    this.#state.asked(request.generation, this.#filterOf(request));
    try {
      const tasks = await this.#findOrWait(request, place);
      place.leave(tasks);
      return tasks.map((task) => this.#state.withLimit(task));
    } catch (thrown) {
      place.leave(isRetryable(thrown) ? 'failed' : []);
      throw thrown;
    }
  }

  async #findOrWait(request: ClaimRequest, place: ClaimPlace): Promise<readonly TaskRow[]> {
    const { clock } = this.#parts;
    const endMs = clock.monotonicMs() + request.waitMs;
    for (;;) {
      // It may have gone between being woken and its turn.
      if (request.signal?.aborted) return [];
      const leaves = this.#require(request).desired === 'drain';
      if (!leaves) {
        place.look();
        const tasks = await this.#attempt(request);
        if (tasks.length > 0) return tasks;
        if (this.#moreIsDue && this.#mayFind(request)) continue;
      }
      const waitMs = endMs - clock.monotonicMs();
      if (waitMs <= 0 || request.signal?.aborted) return [];
      if (!leaves && place.isCalled) continue;
      this.#assertMayWait(place);
      const outcome = await (leaves ? place.stayAside(waitMs) : place.wait(waitMs));
      if (typeof outcome === 'object') return [outcome.given];
      if (outcome === 'displaced') {
        this.#waitsRefused.add(1, { what: 'claim' });
        throw place.refusal();
      }
      if (outcome !== 'woken') return [];
    }
  }

  #assertMayWait(place: ClaimPlace): void {
    try {
      place.assertMayWait();
    } catch (refusal) {
      this.#waitsRefused.add(1, { what: 'claim' });
      throw refusal;
    }
  }

  async #attempt(request: ClaimRequest): Promise<readonly TaskRow[]> {
    return this.#mayFind(request) ? this.#attempts.ask(request) : [];
  }

  /** Whether the database is worth asking: a task may be there that the agent is given. */
  #mayFind(request: ClaimRequest): boolean {
    return this.#require(request).desired !== 'drain' && this.#state.holdsFor(this.#filterOf(request));
  }

  /**
   * In two messages to the database and the commit, however many claims there are: who asks and what lies in front of
   * the lanes that they take from; who gets what. The one who asked first has the first.
   */
  async #claimEach(
    tx: StateTransaction,
    requests: readonly ClaimRequest[],
  ): Promise<(readonly TaskRow[] | OmoiError)[]> {
    // Who has gone meanwhile would keep the tasks for a whole lease.
    const claims = this.#wanted(requests.filter(({ signal }) => signal?.aborted !== true));
    // They are done in this order: what is due lies in its lane by the time somebody looks.
    const [refusals, broughtBack, offer] = await Promise.all([
      this.#refusals(tx, requests),
      bringBackDue(tx, maxBroughtBackPerTransaction),
      this.#look(tx, claims),
    ]);
    const given = this.#assign(
      claims.filter(({ request }) => !refusals.has(request)),
      offer,
      tx.nowMs,
    );
    const events = given.flatMap(({ claim: { request }, tasks }) =>
      tasks.map((task) => claimedEvent(task, request, request.traceparent)),
    );
    const now = momentOf(this.#parts.clock, tx.nowMs);
    const [taken] = await Promise.all([
      Promise.all(
        given.map(async ({ claim: { request }, tasks }) => ({
          request,
          tasks: await Promise.all(
            tasks.map(({ task_id: taskId }) => takeTask(tx, taskId, { ...request, now })),
          ),
        })),
      ),
      this.#parts.bus.append(tx, ...events),
    ]);
    tx.afterCommit(() => {
      this.#moreIsDue = broughtBack === maxBroughtBackPerTransaction;
      for (const { request, tasks } of taken) {
        for (const task of tasks) this.#state.claimed(task, request, request.traceparent);
      }
    });
    const tasksOf = new Map(taken.map(({ request, tasks }) => [request, tasks]));
    return requests.map((request) => refusals.get(request) ?? tasksOf.get(request) ?? []);
  }

  /**
   * What each claim gets. A task that has been lost before goes to an agent that holds nothing, which then gets nothing
   * else; where all are busy, one of them is kept free for it.
   */
  #assign(claims: readonly Wanted[], offer: Offer, nowMs: number) {
    const assignment = new ClaimAssignment(offer.heads);
    const { solitude } = this.#state;
    const busy = new Set<string>();
    return claims.map((claim) => {
      const { agentId } = claim.request;
      const heldCount = this.#parts.agentIndex.get(agentId)?.tasksHeld ?? 0;
      const isFree = heldCount === 0 && !busy.has(agentId);
      const fitting = offer.alone.filter((task) => takes(claim.filter, task));
      if (solitude.holdsAlone(agentId)) return { claim, tasks: [] };
      const overdue = fitting.filter((task) => nowMs - task.available_at_ms >= aloneWaitMs);
      if (!isFree && solitude.keepFree(agentId, overdue)) return { claim, tasks: [] };
      const tasks = assignment.take(claim, {
        kept: offer.kept.get(claim) ?? [],
        alone: isFree ? fitting : [],
      });
      if (tasks.length > 0) busy.add(agentId);
      return { claim, tasks };
    });
  }

  /** Those whose agents may have no task, for all that memory knew; the others' rows are held until the commit. */
  async #refusals(
    tx: StateTransaction,
    requests: readonly ClaimRequest[],
  ): Promise<Map<ClaimRequest, OmoiError>> {
    // In one order, so that transactions that overlap (on PostgreSQL) can't wait for each other.
    const agentIds = [...new Set(requests.map(({ agentId }) => agentId))].sort();
    const rows = await Promise.all(agentIds.map((agentId) => holdClaimant(tx, agentId)));
    const agents = new Map(agentIds.map((agentId, at) => [agentId, rows[at] ?? null]));
    const refusals = new Map<ClaimRequest, OmoiError>();
    for (const request of requests) {
      const refusal = refusalOf(request, agents.get(request.agentId) ?? null);
      if (refusal) refusals.set(request, refusal);
    }
    return refusals;
  }

  #wanted(requests: readonly ClaimRequest[]): Wanted[] {
    const share = Math.max(1, Math.floor(maxTasksPerTransaction / requests.length));
    return requests.map((request) => {
      const filter = this.#filterOf(request);
      const lanes = this.#state.lanes.matching(filter);
      return { request, filter, lanes, count: Math.min(request.maxTasks, share) };
    });
  }

  /** What lies in front of the lanes that the claims take from, and what is kept for one of them alone. */
  async #look(tx: StateTransaction, claims: readonly Wanted[]): Promise<Offer> {
    const limit = claims.reduce((sum, { count }) => sum + count, 0);
    const lanes = new Map(claims.flatMap((claim) => claim.lanes.map((lane) => [laneKey(lane), lane])));
    const keepers = claims.filter(({ filter }) => this.#state.keepsFor(filter.agentId));
    const [heads, kept, alone] = await Promise.all([
      Promise.all(
        Array.from(lanes.values(), async (lane) => ({ lane, tasks: await laneHead(tx, lane, limit) })),
      ),
      Promise.all(
        keepers.map(async (claim) => [claim, await keptFor(tx, claim.filter.agentId, limit)] as const),
      ),
      this.#state.solitude.waiting === 0
        ? []
        : Promise.all(
            Array.from(new Set([null, ...claims.map(({ filter }) => filter.poolId)]), (poolId) =>
              aloneIn(tx, poolId, maxAloneLookedAt),
            ),
          ),
    ]);
    return { heads, kept: new Map(kept), alone: alone.flat() };
  }

  #require(request: ClaimRequest): AgentEntry {
    const agent = currentAgent(this.#parts.agentIndex, request);
    const obstacle = claimObstacle(agent.row.status);
    if (obstacle) throw notClaiming(agent.agentId, agent.row.status, obstacle);
    return agent;
  }

  #filterOf(request: ClaimRequest): ClaimFilter {
    const agent = this.#parts.agentIndex.get(request.agentId);
    return {
      agentId: request.agentId,
      poolId: agent?.poolId ?? null,
      phaseIds: request.phaseIds,
      // Who names no types takes what it has said it can do.
      taskTypes: request.taskTypes ?? agent?.capabilities ?? null,
      ownPoolOnly: request.ownPoolOnly,
    };
  }
}
