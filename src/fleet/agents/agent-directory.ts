import { inBatches, listInSlices, rowAt, type ListSlice, type StateTransaction } from '#storage';
import { nearestWord, paced, Stretch } from '#telemetry';
import { countAgents } from './agent-counts.ts';
import type { AgentEntry, AgentRow } from './agent-entry.ts';
import { unknownAgent } from './agent-refusals.ts';
import { ENDED_STATUSES, hasEnded } from './agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import type { HeartbeatPace } from '../limits.ts';
import { idsOrNone, type Reach } from '../reach.ts';
import { isElsewhere } from '../pools/unit-host.ts';
import { paceOf } from './heartbeat-ladder.ts';
import type { GenerationRow } from './registration.ts';

const maxAgentsPerTransaction = 250;
const idsComparedAtOnce = 100;

/** An agent as the database has it, and as memory has it where it lives (or ended a short while ago). */
export interface AgentRecord {
  readonly row: AgentRow;
  readonly live: AgentEntry | null;
  readonly pace: HeartbeatPace;
}

export interface AgentQuery {
  readonly poolId: string | null;
  readonly status: AgentRow['status'] | null;
  /** Without those that are TERMINATED. */
  readonly presentOnly: boolean;
  readonly afterAgentId: string | null;
  /** Only agents that a token's own may see; null: all. */
  readonly within?: Reach | null;
  readonly limit: number;
}

/** Reads agents, also those that ended long ago; loads the living at the start and forgets the old. */
export class AgentDirectory {
  readonly #parts: FleetParts;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /** Fills the agentIndex from the database: all agents that live, and those that ended a short while ago. */
  async start(): Promise<void> {
    const { database, agentIndex, clock, limits, host: ownHost = null } = this.#parts;
    const rows = await database.reader
      .selectFrom('agents')
      .leftJoin('agent_generations', (join) =>
        join
          .onRef('agent_generations.agent_id', '=', 'agents.agent_id')
          .onRef('agent_generations.generation', '=', 'agents.generation'),
      )
      .leftJoin('agent_beats', 'agent_beats.agent_id', 'agents.agent_id')
      .leftJoin('agent_units', (join) =>
        join
          .onRef('agent_units.agent_id', '=', 'agents.agent_id')
          .onRef('agent_units.generation', '=', 'agents.generation')
          .on('agent_units.state', '!=', 'ended'),
      )
      .selectAll('agents')
      .select([
        'nonce_hash',
        'drain_asked_at_ms',
        'last_heartbeat_at_ms',
        'work_seen_at_ms',
        'running',
        'desired_state',
      ])
      .select(['agent_units.host as unit_host', 'agent_units.host_boot_id as unit_boot_id'])
      .where((where) =>
        where.or([
          where('agents.status', 'not in', ENDED_STATUSES),
          where.and([where('agents.status', '=', 'FAILED'), where('agents.managed', '=', 1)]),
          where('agents.status_since_ms', '>', clock.wallMs() - limits.endedAgentShownMs),
        ]),
      )
      .orderBy('agents.agent_id')
      .execute();
    for (const row of rows) {
      const { nonce_hash, last_heartbeat_at_ms, work_seen_at_ms, running, desired_state, ...rest } = row;
      const { unit_host: host, unit_boot_id: host_boot_id, drain_asked_at_ms, ...agent } = rest;
      const entry = agentIndex.apply(agent, nonce_hash, agentIndex.nextChange());
      // How long ago that was the wall clock says, of before this start.
      if (entry.endedAtMs !== null) entry.endedAtMs -= Math.max(0, clock.wallMs() - agent.status_since_ms);
      if (host !== null && isElsewhere({ host, host_boot_id }, { host: ownHost, clock })) {
        agentIndex.runsElsewhere(entry, host);
      }
      entry.lastHeartbeatAtMs = last_heartbeat_at_ms;
      entry.workSeenAtMs = work_seen_at_ms;
      // Its pool asks it again when it has taken over what runs; until then nobody takes it for one that stays.
      if (desired_state !== null && desired_state !== 'run') entry.desired = 'drain';
      entry.leaves = desired_state === 'retired' || desired_state === 'stopped';
      if (drain_asked_at_ms !== null) entry.leave();
      entry.says({ running: running === 1, degraded: agent.self_degraded === 1, reason: null });
    }
  }

  /** @throws OmoiError `unknown_agent` */
  async get(agentId: string): Promise<AgentRecord> {
    const { database, agentIndex } = this.#parts;
    const live = agentIndex.get(agentId);
    if (live) return this.#recordOf(live.row, live);
    const row = await database.reader
      .selectFrom('agents')
      .selectAll()
      .where('agent_id', '=', agentId)
      .executeTakeFirst();
    if (!row) throw unknownAgent(agentId);
    return this.#recordOf(row, null);
  }

  /** The id of the agent in memory that was probably meant by an unknown one; null where none is near. */
  async nearest(agentId: string): Promise<string | null> {
    const { agentIndex, clock } = this.#parts;
    const ids = Array.from(agentIndex.entries(), (entry) => entry.agentId);
    return paced(nearestOf(agentId, ids), new Stretch(clock));
  }

  /** Whether an agent like this lives in a pool. */
  someoneIn(
    poolId: string,
    matches: (agent: { readonly agentId: string; readonly poolId: string | null }) => boolean,
  ): boolean {
    for (const agent of this.#parts.agentIndex.entries()) {
      if (agent.poolId === poolId && !hasEnded(agent.row.status) && matches(agent)) return true;
    }
    return false;
  }

  /** Whether Omoi starts and stops the agents of this pool. */
  async isManagedPool(poolId: string): Promise<boolean> {
    const { reader } = this.#parts.database;
    const pool = await reader
      .selectFrom('pools')
      .select('pool_id')
      .where('pool_id', '=', poolId)
      .executeTakeFirst();
    return pool !== undefined;
  }

  /** How many agents live or ended a short while ago, by status. */
  countByStatus(): ReturnType<typeof countAgents> {
    return countAgents(this.#parts.agentIndex);
  }

  /** Agents by id. */
  async list(query: AgentQuery): Promise<AgentRecord[]> {
    const { database, agentIndex } = this.#parts;
    const { afterAgentId: after, limit } = query;
    const rows = await listInSlices(agentSlices(query, { database, agentIndex }), { after, limit });
    return rows.map((row) => {
      const live = agentIndex.get(row.agent_id) ?? null;
      return this.#recordOf(live?.row ?? row, live);
    });
  }

  #recordOf(row: AgentRow, live: AgentEntry | null): AgentRecord {
    return { row, live, pace: paceOf(row, this.#parts.limits.heartbeats[row.agent_type]) };
  }

  /** Whether the process of a generation is known to have ended; of one that is not on record any more it is. */
  async hasEnded({ agentId, generation }: { agentId: string; generation: number }): Promise<boolean> {
    const row = await this.#parts.database.reader
      .selectFrom('agent_generations')
      .select('exited_at_ms')
      .where('agent_id', '=', agentId)
      .where('generation', '=', generation)
      .executeTakeFirst();
    return row === undefined || row.exited_at_ms !== null;
  }

  /** The newest generations of an agent, newest first. */
  async generations(agentId: string, limit: number): Promise<GenerationRow[]> {
    return this.#parts.database.reader
      .selectFrom('agent_generations')
      .selectAll()
      .where('agent_id', '=', agentId)
      .orderBy('generation', 'desc')
      .limit(limit)
      .execute();
  }

  /** Takes agents that ended a while ago out of the snapshot. */
  forgetEnded(): void {
    const { agentIndex, activity, clock, limits } = this.#parts;
    const shownSinceMs = clock.monotonicMs() - limits.endedAgentShownMs;
    for (const entry of agentIndex.entries()) {
      if (isExpected(entry.row) || (entry.endedAtMs ?? Infinity) > shownSinceMs) continue;
      agentIndex.forget(entry.agentId);
      activity.tell({ kind: 'agent_removed', agentId: entry.agentId, traceparent: null });
    }
  }

  /** Takes agents that ended long ago out of the database, in small transactions until `signal` aborts. */
  async forgetOld(signal: AbortSignal): Promise<void> {
    const { database, clock, limits } = this.#parts;
    await inBatches({ clock, signal }, () =>
      database.transaction((tx) => deleteEnded(tx, tx.nowMs - limits.endedAgentRetentionMs)),
    );
  }
}

/** The nearest of the nearest of each slice: comparing with thousands takes longer than a turn should. */
function* nearestOf(agentId: string, ids: readonly string[]): Generator<void, string | null> {
  const near: string[] = [];
  for (let at = 0; at < ids.length; at += idsComparedAtOnce) {
    const nearest = nearestWord(agentId, ids.slice(at, at + idsComparedAtOnce));
    if (nearest !== null) near.push(nearest);
    yield;
  }
  return nearestWord(agentId, near);
}

/** Whether its place waits for it: of a pool's agent that has FAILED it does until it is repaired, or wanted no more. */
function isExpected({ status, managed }: AgentRow): boolean {
  return !hasEnded(status) || (status === 'FAILED' && managed === 1);
}

async function deleteEnded(tx: StateTransaction, beforeMs: number): Promise<number> {
  const gone = await tx.db
    .deleteFrom('agents')
    .where('agent_id', 'in', (agents) =>
      agents
        .selectFrom('agents as old')
        .select('old.agent_id')
        .where('old.status', 'in', ENDED_STATUSES)
        .where((where) => where.or([where('old.status', '!=', 'FAILED'), where('old.managed', '=', 0)]))
        .where('old.status_since_ms', '<', beforeMs)
        .limit(maxAgentsPerTransaction)
        // One that is registering again is left.
        .forUpdate()
        .skipLocked(),
    )
    .returning('agent_id')
    .execute();
  const ids = gone.map((row) => row.agent_id);
  if (ids.length === 0) return 0;
  await tx.db.deleteFrom('agent_generations').where('agent_id', 'in', ids).execute();
  await tx.db.deleteFrom('agent_beats').where('agent_id', 'in', ids).execute();
  return ids.length;
}

function agentSlices(
  { poolId, status, presentOnly, within = null }: AgentQuery,
  { database: { reader }, agentIndex }: Pick<FleetParts, 'database' | 'agentIndex'>,
) {
  const behind = (after: string | null) => {
    const rows = reader.selectFrom('agents').orderBy('agent_id');
    return after === null ? rows : rows.where('agent_id', '>', after);
  };
  return {
    async end(after: string | null, rows: number): Promise<string | null> {
      return (await rowAt(behind(after).select('agent_id'), rows))?.agent_id ?? null;
    },
    async find({ after, until, rows, limit }: ListSlice<string>): Promise<AgentRow[]> {
      let stretch = behind(after).selectAll();
      if (until !== null) stretch = stretch.where('agent_id', '<=', until);
      let found = reader.selectFrom(stretch.limit(rows).as('agents'));
      if (poolId !== null) found = found.where('pool_id', '=', poolId);
      if (within !== null) {
        const { agentIds, poolIds } = within;
        found = found.where((row) =>
          row.or([row('agent_id', 'in', idsOrNone(agentIds)), row('pool_id', 'in', idsOrNone(poolIds))]),
        );
      }
      if (presentOnly) found = found.where('status', '!=', 'TERMINATED');
      found = found.orderBy('agent_id');
      if (status === null) return found.selectAll().limit(limit).execute();
      // Memory has the last word: of IDLE and RUNNING the database knows IDLE. So first the ids, then the rows that fit.
      const kept = await found
        .select(['agent_id', 'status'])
        .where('status', '=', status === 'RUNNING' ? 'IDLE' : status)
        .execute();
      const fitting = kept.filter((row) => (agentIndex.get(row.agent_id)?.status ?? row.status) === status);
      const read: AgentRow[] = [];
      // One may have been deleted meanwhile.
      for (let at = 0; at < fitting.length && read.length < limit;) {
        const some = fitting.slice(at, at + limit - read.length).map((row) => row.agent_id);
        const those = reader.selectFrom('agents').selectAll().where('agent_id', 'in', some);
        read.push(...(await those.orderBy('agent_id').execute()));
        at += some.length;
      }
      return read;
    },
  };
}
