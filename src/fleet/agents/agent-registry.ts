import type { StateDatabase, StateTransaction } from '#storage';
import { OmoiError, type AgentStatus, type ExitExpectation } from '#telemetry';
import type { AgentEntry, AgentRow } from './agent-entry.ts';
import { meaningOfExit } from './exit-meaning.ts';
import type { DomainCell } from './failure-domain.ts';
import {
  agentGone,
  currentAgent,
  knownAgent,
  managedByOmoi,
  superseded,
  unknownAgent,
} from './agent-refusals.ts';
import type { AgentRegistrations } from './agent-registrations.ts';
import { hasEnded } from './agent-status.ts';
import { agentRef, askToLeave, changeAgent, endGeneration, lockAgent, readGeneration } from './agent-rows.ts';
import type { FleetParts } from '../fleet-parts.ts';
import type { GenerationExit, GenerationStore, WorkRelease } from './generation-store.ts';
import type { HeartbeatWatch } from './heartbeat-watch.ts';
import { reasonOfStop } from '../pools/unit-rows.ts';
import { Reservations } from '../reservations.ts';
import type { RegistrationRequest } from './registration.ts';
import { tellStatus } from './status-change.ts';

/** What a registered agent needs to know. */
export interface Registration {
  readonly agent: AgentEntry;
  /** False where the same process had registered before. */
  readonly fresh: boolean;
}

/** An order of a person or program about one agent. */
export interface AgentOrder {
  readonly agentId: string;
  readonly reason: string;
  readonly traceparent: string | null;
}

export interface DrainOrder extends AgentOrder {
  readonly requestedBy: string;
}

/** The end of a process, and whether it was to run once or for ever. */
interface SeenExit extends Pick<GenerationExit, 'exitCode' | 'signal' | 'asked' | 'lastOutput'> {
  readonly expect: ExitExpectation;
}

export interface Departure extends AgentOrder {
  readonly generation: number;
  /** How the process ended, where somebody saw it; of managed agents only the runtime is believed. */
  readonly exit: SeenExit | null;
}

/** What an order makes of an agent. */
interface Target {
  readonly status: AgentStatus;
  readonly reason: string;
}

/** Where its orders go on. */
interface RegistryParts {
  readonly registrations: AgentRegistrations;
  readonly generations: GenerationStore;
  readonly work: WorkRelease;
  readonly watch: HeartbeatWatch;
}

/** Who is in the fleet, in which generation and status. */
export class AgentRegistry {
  readonly #parts: FleetParts;
  readonly #with: RegistryParts;
  readonly #reservations = new Reservations();

  constructor(parts: FleetParts, besides: RegistryParts) {
    this.#parts = parts;
    this.#with = besides;
  }

  /** The agent as it stands now; undefined where it is unknown or ended long ago. */
  get(agentId: string): AgentEntry | undefined {
    return this.#parts.agentIndex.get(agentId);
  }

  /** How many agents there are, also those that ended a short while ago, and how many of a committed status. */
  get size(): number {
    return this.#parts.agentIndex.size;
  }

  /** @param domain of one failure domain alone */
  countOf(status: AgentStatus, domain?: string): number {
    return this.#parts.agentIndex.countOf(status, domain);
  }

  /** All that live, and those that ended a short while ago. */
  entries(): Iterable<AgentEntry> {
    return this.#parts.agentIndex.entries();
  }

  /** The agents of each set of failure domains that occurs. */
  cells(): Iterable<DomainCell> {
    return this.#parts.agentIndex.cells();
  }

  /** Those of them that have agents of a committed status. */
  cellsOf(status: AgentStatus): Iterable<DomainCell> {
    return this.#parts.agentIndex.cellsOf(status);
  }

  /** How many agents of a pool work or are ready to, and how many are being started. */
  countInPool(poolId: string): { readonly running: number; readonly spawning: number } {
    const count = { running: 0, spawning: 0 };
    for (const agent of this.#parts.agentIndex.entries()) {
      if (agent.poolId !== poolId) continue;
      if (agent.row.status === 'IDLE') count.running++;
      if (agent.row.status === 'SPAWNING') count.spawning++;
    }
    return count;
  }

  /**
   * Lets a process speak for an agent. A repetition by the same process (same nonce) changes its capabilities alone.
   * @throws OmoiError `generation_taken`, `generation_superseded`, `unknown_generation`, `agent_gone`,
   *   `agent_is_managed`, `agent_limit_reached`, `agent_id_reserved`
   */
  async register(request: RegistrationRequest): Promise<Registration> {
    const { database, agentIndex, clock } = this.#parts;
    const giveRoomBack = this.#reserve(request.agentId);
    const fresh = await database
      .transaction((tx) => {
        tx.afterCommit(giveRoomBack);
        return this.#with.registrations.register(tx, request);
      })
      .finally(giveRoomBack);
    const agent = knownAgent(agentIndex, request.agentId);
    agent.heard(clock.monotonicMs());
    this.#with.watch.settle(agent);
    return { agent, fresh };
  }

  /**
   * Registers a generation that Omoi has started in place of its process.
   * @returns false where that has registered by itself, or another generation is current
   */
  standIn(holder: { readonly agentId: string; readonly generation: number }): Promise<boolean> {
    return this.#parts.database.transaction((tx) => this.#with.registrations.standIn(tx, holder));
  }

  /** Room for an agent that memory does not know. @throws OmoiError `agent_limit_reached` */
  #reserve(agentId: string): () => void {
    const { agentIndex, limits } = this.#parts;
    if (agentIndex.get(agentId)) return () => undefined;
    if (agentIndex.size + this.#reservations.count >= limits.maxAgents) {
      throw new OmoiError('agent_limit_reached', `The fleet has maxAgents (${limits.maxAgents}) agents.`, {
        max_agents: limits.maxAgents,
      });
    }
    return this.#reservations.take(1);
  }

  /**
   * An agent leaves: TERMINATED, and what it held is released. Who watches an external process tells how that
   * ended: then it is recorded as an exit, FAILED where it did not end on purpose. Repeating it changes nothing.
   * @throws OmoiError `unknown_agent`, `unknown_generation`, `generation_superseded`
   */
  async deregister(order: Departure): Promise<void> {
    currentAgent(this.#parts.agentIndex, order);
    await this.#depart(order);
  }

  async #depart(order: Departure): Promise<void> {
    const { database, bus } = this.#parts;
    const { generations, work } = this.#with;
    await database.transaction(async (tx) => {
      const agent = await lockKnown(tx, order.agentId);
      if (agent.generation !== order.generation) throw superseded(order, agent.generation);
      if (agent.status === 'TERMINATED') return;
      if (order.exit && agent.managed === 0) {
        const { agentId, generation, traceparent } = order;
        const { expect, ...exit } = order.exit;
        const once = expect === 'once';
        await generations.recordExit(tx, { agentId, generation, traceparent, once, ...exit });
        return;
      }
      // Of its own agents Omoi starts another generation: an operator's quarantine outlives this one.
      const isInQuarantine = agent.managed === 1 && agent.status === 'QUARANTINED';
      if (isInQuarantine && (await hasGenerationEnded(tx, agent))) return;
      // Of whom Omoi has asked to end it knows at whose word; the agent knows only that it was asked.
      const reason = (await reasonOfItsStop(tx, agent)) ?? order.reason;
      const left = isInQuarantine
        ? agent
        : await changeAgent(tx, agent, { status: 'TERMINATED', status_reason: reason });
      await endGeneration(tx, agent, reason);
      await work.releaseLocks(tx, { agentId: agent.agent_id, upToGeneration: agent.generation });
      await work.reassign(tx, {
        agentId: agent.agent_id,
        upToGeneration: agent.generation,
        reason: 'agent_drained',
        loss: null,
        traceparent: order.traceparent,
      });
      await bus.append(tx, {
        event_type: 'fleet.agent.deregistered',
        entity_type: 'agent',
        entity_id: agent.agent_id,
        payload: { ...agentRef(agent), reason: order.reason },
        traceparent: order.traceparent,
      });
      if (!isInQuarantine)
        await tellStatus(tx, this.#parts, { left: agent.status, now: left, traceparent: order.traceparent });
    });
  }

  /**
   * Deregisters an external agent that can't do so itself, also one that ended so long ago that memory has it no more.
   * @throws OmoiError `agent_is_managed`, and as `deregister`
   */
  async deregisterExternal(order: Departure): Promise<void> {
    const { agentIndex, database } = this.#parts;
    const { agentId } = order;
    const known = agentIndex.get(agentId) ?? (await readManaged(database, agentId));
    if (!known) throw unknownAgent(agentId);
    if (known.managed) throw managedByOmoi(agentId);
    await this.#depart(order);
  }

  /**
   * From its next heartbeat on the present generation of an external agent is asked to finish its work, take no other and
   * end. Repeating it changes nothing.
   * @throws OmoiError `unknown_agent`, `agent_is_managed`, `agent_gone`
   */
  async drainExternal(order: DrainOrder): Promise<AgentEntry> {
    const { database, agentIndex, bus } = this.#parts;
    const { agentId, reason, requestedBy, traceparent } = order;
    knownAgent(agentIndex, agentId);
    await database.transaction(async (tx) => {
      const row = await lockKnown(tx, agentId);
      if (row.managed === 1) throw managedByOmoi(agentId);
      if (hasEnded(row.status)) throw agentGone(agentId, row.status);
      if (!(await askToLeave(tx, row))) return;
      await bus.append(tx, {
        event_type: 'fleet.agent.drain_requested',
        entity_type: 'agent',
        entity_id: agentId,
        payload: { ...agentRef(row), reason, requested_by: requestedBy },
        traceparent,
      });
      tx.afterCommit(() => {
        const agent = agentIndex.get(agentId);
        if (agent?.generation === row.generation) agent.leave();
      });
    });
    return knownAgent(agentIndex, agentId);
  }

  /**
   * Takes an agent out of work until it is released. What it has claimed it may finish.
   * @throws OmoiError `unknown_agent`, `transition_not_allowed`
   */
  async quarantine(order: AgentOrder): Promise<AgentEntry> {
    await this.#move(order, () => Promise.resolve({ status: 'QUARANTINED', reason: order.reason }));
    return knownAgent(this.#parts.agentIndex, order.agentId);
  }

  /**
   * Ends a quarantine; the heartbeat ladder judges the agent anew. One whose process has ended meanwhile is what it would have
   * become by that: FAILED or TERMINATED.
   * @throws OmoiError `unknown_agent`, `transition_not_allowed` for one that is not quarantined
   */
  async release(order: AgentOrder): Promise<AgentEntry> {
    await this.#move(order, async (tx, agent) => {
      if (agent.status !== 'QUARANTINED') {
        throw new OmoiError(
          'transition_not_allowed',
          `Agent ${agent.agent_id} is ${agent.status}, not QUARANTINED.`,
          {
            agent_id: agent.agent_id,
            status: agent.status,
          },
        );
      }
      return (
        (await endInQuarantine(tx, agent)) ?? {
          status: agent.self_degraded === 1 ? 'DEGRADED' : 'IDLE',
          reason: order.reason,
        }
      );
    });
    return knownAgent(this.#parts.agentIndex, order.agentId);
  }

  async #move(
    order: AgentOrder,
    target: (tx: StateTransaction, agent: AgentRow) => Promise<Target>,
  ): Promise<void> {
    knownAgent(this.#parts.agentIndex, order.agentId);
    await this.#parts.database.transaction(async (tx) => {
      const agent = await lockKnown(tx, order.agentId);
      const { status, reason } = await target(tx, agent);
      if (status === agent.status) return;
      const moved = await changeAgent(tx, agent, { status, status_reason: reason });
      await tellStatus(tx, this.#parts, { left: agent.status, now: moved, traceparent: order.traceparent });
    });
  }
}

async function hasGenerationEnded(tx: StateTransaction, agent: AgentRow): Promise<boolean> {
  const record = await readGeneration(tx, agent.agent_id, agent.generation);
  return record !== null && record.ended_at_ms !== null;
}

/** What the end of its process has made of an agent that is in quarantine; null where it has not ended. */
async function endInQuarantine(tx: StateTransaction, agent: AgentRow): Promise<Target | null> {
  const record = await readGeneration(tx, agent.agent_id, agent.generation);
  if (!record || record.ended_at_ms === null) return null;
  const { exited_at_ms: exitedAtMs, exit_code: exitCode, exit_signal: signal } = record;
  // Who says goodbye does so before it ends; of one under an earlier Omoi nothing more is kept.
  const saidGoodbye = exitedAtMs === null || record.ended_at_ms < exitedAtMs;
  const asked = (await isFollowed(tx, agent)) ? 'replaced' : saidGoodbye ? (record.goodbye ?? 'left') : null;
  return meaningOfExit({ exitCode, signal, asked, once: false });
}

/** Whether a restart of it is under way. */
async function isFollowed(tx: StateTransaction, agent: AgentRow): Promise<boolean> {
  const unit = await readOrders(tx, agent);
  return unit !== undefined && unit.restart !== null;
}

/** Why Omoi has asked its process to end; null where it has not, or starts none for it. */
async function reasonOfItsStop(tx: StateTransaction, agent: AgentRow): Promise<string | null> {
  if (agent.managed === 0) return null;
  const unit = await readOrders(tx, agent);
  return unit === undefined ? null : reasonOfStop(unit);
}

/** What the process of an agent's newest generation was told to do. */
function readOrders(tx: StateTransaction, { agent_id: agentId, generation }: AgentRow) {
  return tx.db
    .selectFrom('agent_units')
    .select(['restart', 'desired_state', 'stopped_by'])
    .where('agent_id', '=', agentId)
    .where('generation', '=', generation)
    .executeTakeFirst();
}

async function readManaged(
  { reader }: StateDatabase,
  agentId: string,
): Promise<{ readonly managed: boolean } | null> {
  const row = await reader
    .selectFrom('agents')
    .select('managed')
    .where('agent_id', '=', agentId)
    .executeTakeFirst();
  return row ? { managed: row.managed === 1 } : null;
}

async function lockKnown(tx: StateTransaction, agentId: string): Promise<AgentRow> {
  const agent = await lockAgent(tx, agentId);
  if (!agent) throw unknownAgent(agentId);
  return agent;
}
