import type { StateTransaction } from '#storage';
import { OmoiError, type AgentStatus, type ExitExpectation, type ProcessActivity } from '#telemetry';
import { Admission } from './admission.ts';
import type { AgentEntry, AgentRow } from './agent-entry.ts';
import {
  agentRef,
  changeAgent,
  forgetOldGenerations,
  lockAgent,
  readGeneration,
  statusEvent,
} from './agent-rows.ts';
import { hasEnded } from './agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import {
  StoredGenerations,
  type EndedGeneration,
  type GenerationExit,
  type GenerationStore,
  type GenerationOpening,
  type WorkRelease,
} from './generation-store.ts';
import type { HeartbeatWatch } from './heartbeat-watch.ts';
import type { Holder } from '../leases/lease-registry.ts';
import {
  decideRegistration,
  hashNonce,
  type RegistrationDecision,
  type RegistrationRequest,
} from './registration.ts';

/** What a registered agent needs to know. */
export interface Registration {
  readonly agent: AgentEntry;
  /** False where the same process had registered before. */
  readonly fresh: boolean;
}

export interface Heartbeat extends Holder {
  /** Grows by one with every beat of a generation. */
  readonly sequence: number;
  /** Whether the agent says that it is not well, and why. */
  readonly degraded: boolean;
  readonly reason: string | null;
  /** How many pieces of work are in flight: evidence against a later silence, never a judgement. */
  readonly inFlight: number;
  readonly nonce: string | null;
  /** What the processes do that it beats for; null or left out: it beats for itself. */
  readonly activity?: ProcessActivity | null;
}

export interface HeartbeatAck {
  /** The highest sequence number seen; an older or repeated one changed nothing. */
  readonly acknowledged: number;
  readonly generation: number;
  readonly desired: 'run' | 'drain';
}

/** An order of a person or program about one agent. */
export interface AgentOrder {
  readonly agentId: string;
  readonly reason: string;
  readonly traceparent: string | null;
}

/** The end of a process, and whether it was to run once or for ever. */
interface SeenExit extends Pick<GenerationExit, 'exitCode' | 'signal' | 'asked'> {
  readonly expect: ExitExpectation;
}

export interface Departure extends AgentOrder {
  readonly generation: number;
  /** How the process ended, where somebody saw it; of managed agents only the runtime is believed. */
  readonly exit: SeenExit | null;
}

/** Who is in the fleet, in which generation and status. */
export class AgentRegistry implements GenerationStore {
  readonly #parts: FleetParts;
  readonly #admission: Admission;
  readonly #work: WorkRelease;
  readonly #log: GenerationStore;
  readonly #watch: HeartbeatWatch;

  constructor(parts: FleetParts, work: WorkRelease, watch: HeartbeatWatch) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
    this.#work = work;
    this.#log = new StoredGenerations(parts, work);
    this.#watch = watch;
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

  /** The failure domains that have agents: `pool:demo`, `external:laptops`. */
  domains(): Iterable<string> {
    return this.#parts.agentIndex.domains();
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

  openGeneration(tx: StateTransaction, opening: GenerationOpening): Promise<number> {
    return this.#log.openGeneration(tx, opening);
  }

  recordExit(tx: StateTransaction, exit: GenerationExit): Promise<void> {
    return this.#log.recordExit(tx, exit);
  }

  writeOff(tx: StateTransaction, ended: EndedGeneration): Promise<void> {
    return this.#log.writeOff(tx, ended);
  }

  /**
   * Lets a process speak for an agent. A repetition by the same process (same nonce) changes nothing.
   * @throws OmoiError `generation_taken`, `generation_superseded`, `unknown_generation`, `agent_gone`,
   *   `agent_is_managed`, `agent_limit_reached`, `agent_id_reserved`
   */
  async register(request: RegistrationRequest): Promise<Registration> {
    const { database, agentIndex, limits, clock } = this.#parts;
    if (!agentIndex.get(request.agentId) && agentIndex.size >= limits.maxAgents) {
      throw new OmoiError('agent_limit_reached', `The fleet has maxAgents (${limits.maxAgents}) agents.`, {
        max_agents: limits.maxAgents,
      });
    }
    const fresh = await database.transaction((tx) => this.#register(tx, request));
    const agent = this.#require(request.agentId);
    agent.heard(clock.monotonicMs());
    this.#watch.settle(agent);
    return { agent, fresh };
  }

  /**
   * Takes a heartbeat; nothing is committed but the transitions that it causes, and those later.
   * @throws OmoiError `unknown_agent`, `unknown_generation`, `generation_superseded`, `generation_taken` (another
   *   nonce), `agent_gone`
   */
  heartbeat(beat: Heartbeat): HeartbeatAck {
    const agent = this.#require(beat.agentId);
    assertCurrent(agent, beat.generation);
    if (beat.nonce !== null && hashNonce(beat.nonce) !== agent.nonceHash) {
      throw new OmoiError(
        'generation_taken',
        `Generation ${beat.generation} of agent ${beat.agentId} belongs to a process with another nonce.`,
        { agent_id: beat.agentId, current_generation: agent.generation },
      );
    }
    if (hasEnded(agent.row.status)) {
      throw new OmoiError('agent_gone', `Agent ${beat.agentId} is ${agent.row.status}.`, {
        agent_id: beat.agentId,
        status: agent.row.status,
      });
    }
    if (beat.sequence > agent.lastSequence) {
      agent.lastSequence = beat.sequence;
      this.#takeNews(agent, beat);
      this.#heard(agent);
    }
    return { acknowledged: agent.lastSequence, generation: agent.generation, desired: agent.desired };
  }

  /**
   * Takes a request of an agent about its tasks for a heartbeat that says nothing new.
   * @returns false where it counts for nothing: another generation runs, or none
   */
  seen({ agentId, generation }: Holder): boolean {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation !== generation || hasEnded(agent.row.status)) return false;
    this.#heard(agent);
    return true;
  }

  /** The managed agents that have missed a heartbeat: what their processes do is worth knowing. */
  silent(): Holder[] {
    const { silent } = this.#parts.agentIndex;
    for (const entry of silent) {
      if (entry.heartbeatsMissed === 0 || hasEnded(entry.row.status)) silent.delete(entry);
    }
    return [...silent].map(({ agentId, generation }) => ({ agentId, generation }));
  }

  /** What the processes of a silent agent were seen to do. */
  showed({ agentId, generation }: Holder, activity: ProcessActivity): void {
    const { agentIndex, clock } = this.#parts;
    const agent = agentIndex.get(agentId);
    // It may have been heard, or followed by another generation, while its processes were looked at.
    if (agent?.generation !== generation || !agentIndex.silent.has(agent) || agent.heartbeatsMissed === 0)
      return;
    agent.showed(activity, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });
    this.#watch.settle(agent);
  }

  /** What the next heartbeats answer: `drain` asks the agent to finish its task, take no other and leave. */
  setDesired(holder: Holder, desired: 'run' | 'drain'): void {
    const agent = this.#parts.agentIndex.get(holder.agentId);
    if (agent?.generation === holder.generation) agent.desired = desired;
  }

  /**
   * An agent leaves: TERMINATED, and what it held is released. Who watches an external process tells how that
   * ended: then it is recorded as an exit, FAILED where it did not end on purpose. Repeating it changes nothing.
   * @throws OmoiError `unknown_agent`, `unknown_generation`, `generation_superseded`
   */
  async deregister(order: Departure): Promise<void> {
    const { database, bus } = this.#parts;
    assertCurrent(this.#require(order.agentId), order.generation);
    await database.transaction(async (tx) => {
      const agent = await this.#lock(tx, order.agentId);
      if (agent.generation !== order.generation) throw superseded(agent, order.generation);
      if (agent.status === 'TERMINATED') return;
      if (order.exit && agent.managed === 0) {
        const { agentId, generation, traceparent } = order;
        const { expect, ...exit } = order.exit;
        const once = expect === 'once';
        await this.#log.recordExit(tx, { agentId, generation, traceparent, once, ...exit });
        return;
      }
      const left = await changeAgent(tx, agent, { status: 'TERMINATED', status_reason: order.reason });
      await this.#endGeneration(tx, agent);
      await this.#work.releaseLocks(tx, { agentId: agent.agent_id, upToGeneration: agent.generation });
      await this.#work.reassign(tx, {
        agentId: agent.agent_id,
        upToGeneration: agent.generation,
        reason: 'agent_drained',
        traceparent: order.traceparent,
      });
      await bus.append(tx, {
        event_type: 'fleet.agent.deregistered',
        entity_type: 'agent',
        entity_id: agent.agent_id,
        payload: { ...agentRef(agent), reason: order.reason },
        traceparent: order.traceparent,
      });
      await this.#tellStatus(tx, { left: agent.status, now: left, traceparent: order.traceparent });
    });
  }

  /**
   * Deregisters an external agent that can't do so itself.
   * @throws OmoiError `agent_is_managed`, and as `deregister`
   */
  async deregisterExternal(order: Departure): Promise<void> {
    if (this.#require(order.agentId).managed) {
      throw new OmoiError('agent_is_managed', `Agent ${order.agentId} is started and stopped by Omoi.`, {
        agent_id: order.agentId,
      });
    }
    await this.deregister(order);
  }

  /**
   * Takes an agent out of work until it is released. What it has claimed it may finish.
   * @throws OmoiError `unknown_agent`, `transition_not_allowed`
   */
  async quarantine(order: AgentOrder): Promise<AgentEntry> {
    await this.#move(order, () => 'QUARANTINED');
    return this.#require(order.agentId);
  }

  /**
   * Ends a quarantine; the heartbeat ladder judges the agent anew.
   * @throws OmoiError `unknown_agent`, `transition_not_allowed` for one that is not quarantined
   */
  async release(order: AgentOrder): Promise<AgentEntry> {
    await this.#move(order, (agent) => {
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
      return agent.self_degraded === 1 ? 'DEGRADED' : 'IDLE';
    });
    return this.#require(order.agentId);
  }

  async #move(order: AgentOrder, target: (agent: AgentRow) => AgentStatus): Promise<void> {
    this.#require(order.agentId);
    await this.#parts.database.transaction(async (tx) => {
      const agent = await this.#lock(tx, order.agentId);
      const to = target(agent);
      if (to === agent.status) return;
      const moved = await changeAgent(tx, agent, { status: to, status_reason: order.reason });
      await this.#tellStatus(tx, { left: agent.status, now: moved, traceparent: order.traceparent });
    });
  }

  async #register(tx: StateTransaction, request: RegistrationRequest): Promise<boolean> {
    for (;;) {
      const agent = await lockAgent(tx, request.agentId);
      const current = agent && (await readGeneration(tx, request.agentId, agent.generation));
      const decision = decideRegistration(request, agent, current);
      switch (decision.kind) {
        case 'refused':
          throw decision.error;
        case 'repeated':
          return false;
        case 'first': {
          await this.#admission.admit(tx, request);
          const inserted = await this.#insertExternal(tx, request);
          // Somebody else's first registration of the same id was committed meanwhile: decide again, against it.
          if (!inserted) continue;
          return true;
        }
        case 'takes_up':
        case 'next_generation':
          // Who left does not count; coming back counts again.
          if (agent && agent.managed === 0 && hasEnded(agent.status))
            await this.#admission.admitAgain(tx, request);
          if (agent) await this.#takeOver(tx, { request, agent, decision });
          return true;
      }
    }
  }

  async #insertExternal(tx: StateTransaction, request: RegistrationRequest): Promise<boolean> {
    const agent: AgentRow = {
      ...describe(request),
      agent_id: request.agentId,
      managed: 0,
      status: 'IDLE',
      status_reason: 'registered',
      status_since_ms: tx.nowMs,
      self_degraded: 0,
      generation: 1,
      registered_at_ms: tx.nowMs,
      registered_by: request.registeredBy?.tokenId ?? null,
    };
    const result = await tx.db
      .insertInto('agents')
      .values(agent)
      .onConflict((conflict) => conflict.column('agent_id').doNothing())
      .executeTakeFirst();
    if (result.numInsertedOrUpdatedRows !== 1n) return false;
    await this.#insertGeneration(tx, agent, { request, reason: 'first_registration' });
    await this.#tellRegistered(tx, agent, { request, from: 'NONE' });
    return true;
  }

  async #takeOver(
    tx: StateTransaction,
    taking: {
      readonly request: RegistrationRequest;
      readonly agent: AgentRow;
      readonly decision: RegistrationDecision & { readonly kind: 'takes_up' | 'next_generation' };
    },
  ): Promise<void> {
    const { request, agent, decision } = taking;
    const { traceparent } = request;
    const { agent_type, pool_id, phase_id, ...said } = describe(request);
    // Where a managed agent belongs is its pool's to say; an operator's quarantine outlives a restart.
    const registered_by = request.registeredBy?.tokenId ?? null;
    const placed = agent.managed === 1 ? {} : { agent_type, pool_id, phase_id, registered_by };
    const registered = await changeAgent(tx, agent, {
      ...said,
      ...placed,
      ...(agent.status === 'QUARANTINED' ? {} : { status: 'IDLE', status_reason: 'registered' }),
      self_degraded: 0,
      generation: decision.kind === 'takes_up' ? agent.generation : decision.generation,
      registered_at_ms: tx.nowMs,
    });
    if (decision.kind === 'takes_up') {
      await tx.db
        .updateTable('agent_generations')
        .set({ state: 'registered', registered_at_ms: tx.nowMs })
        .where('agent_id', '=', agent.agent_id)
        .where('generation', '=', agent.generation)
        .execute();
    } else {
      await this.#endGeneration(tx, agent);
      await this.#insertGeneration(tx, registered, { request, reason: 'registered_anew' });
      await this.#work.reassign(tx, {
        agentId: agent.agent_id,
        upToGeneration: agent.generation,
        reason: 'reassigned',
        traceparent,
      });
    }
    await this.#tellRegistered(tx, registered, { request, from: agent.status });
    if (decision.kind === 'next_generation') {
      const restarted = { agentId: agent.agent_id, reason: 'registered_anew', traceparent };
      tx.afterCommit(() => this.#parts.activity.tell({ kind: 'agent_restarted', ...restarted }));
    }
  }

  async #insertGeneration(
    tx: StateTransaction,
    agent: AgentRow,
    origin: { readonly request: RegistrationRequest; readonly reason: string },
  ): Promise<void> {
    await tx.db
      .insertInto('agent_generations')
      .values({
        agent_id: agent.agent_id,
        generation: agent.generation,
        nonce_hash: hashNonce(origin.request.nonce),
        state: 'registered',
        reason: origin.reason,
        requested_by: agent.agent_id,
        traceparent: origin.request.traceparent,
        opened_at_ms: tx.nowMs,
        registered_at_ms: tx.nowMs,
      })
      .execute();
    await forgetOldGenerations(tx, agent);
  }

  async #endGeneration(tx: StateTransaction, agent: AgentRow): Promise<void> {
    await tx.db
      .updateTable('agent_generations')
      .set({ state: 'ended', ended_at_ms: tx.nowMs })
      .where('agent_id', '=', agent.agent_id)
      .where('generation', '=', agent.generation)
      .where('ended_at_ms', 'is', null)
      .execute();
  }

  async #tellRegistered(
    tx: StateTransaction,
    agent: AgentRow,
    news: { readonly request: RegistrationRequest; readonly from: AgentStatus | 'NONE' },
  ): Promise<void> {
    const { bus, agentIndex, activity, clock } = this.#parts;
    const { traceparent } = news.request;
    await bus.append(tx, {
      event_type: 'fleet.agent.registered',
      entity_type: 'agent',
      entity_id: agent.agent_id,
      payload: { ...agentRef(agent), managed: agent.managed === 1 },
      traceparent,
    });
    if (news.from !== agent.status) await bus.append(tx, statusEvent(agent, news.from, traceparent));
    const nonceHash = hashNonce(news.request.nonce);
    tx.afterCommit(() => {
      // Told as one: the time that the process took to start is no silence of the agent's.
      agentIndex.apply(agent, nonceHash).heard(clock.monotonicMs());
      activity.tell({ kind: 'agents', traceparent });
    });
  }

  async #tellStatus(
    tx: StateTransaction,
    change: { readonly left: AgentStatus; readonly now: AgentRow; readonly traceparent: string | null },
  ): Promise<void> {
    const { bus, agentIndex, activity } = this.#parts;
    await bus.append(tx, statusEvent(change.now, change.left, change.traceparent));
    tx.afterCommit(() => {
      agentIndex.apply(change.now, null);
      activity.tell({ kind: 'agent', agentId: change.now.agent_id, traceparent: change.traceparent });
    });
  }

  #heard(agent: AgentEntry): void {
    const { clock } = this.#parts;
    agent.lastHeartbeatAtMs = clock.wallMs();
    agent.heard(clock.monotonicMs());
    agent.unwritten = true;
    this.#watch.settle(agent);
  }

  #takeNews(agent: AgentEntry, beat: Heartbeat): void {
    const before = agent.status;
    agent.says({ running: beat.inFlight > 0, degraded: beat.degraded, reason: beat.reason });
    agent.inFlight = beat.inFlight;
    agent.told(beat.activity ?? null, this.#parts.clock.monotonicMs());
    if (beat.inFlight > 0) this.#parts.agentIndex.workSeen(beat);
    if (agent.status === before) return;
    this.#parts.activity.tell({ kind: 'agent', agentId: agent.agentId, traceparent: null });
  }

  async #lock(tx: StateTransaction, agentId: string): Promise<AgentRow> {
    const agent = await lockAgent(tx, agentId);
    if (!agent) throw unknownAgent(agentId);
    return agent;
  }

  #require(agentId: string): AgentEntry {
    const agent = this.#parts.agentIndex.get(agentId);
    if (!agent) throw unknownAgent(agentId);
    return agent;
  }
}

function describe(
  request: RegistrationRequest,
): Pick<
  AgentRow,
  | 'agent_type'
  | 'pool_id'
  | 'phase_id'
  | 'labels'
  | 'capabilities'
  | 'heartbeat_interval_ms'
  | 'heartbeat_ttl_ms'
> {
  return {
    agent_type: request.agentType,
    pool_id: request.poolId,
    phase_id: request.phaseId,
    labels: JSON.stringify(request.labels),
    capabilities: JSON.stringify(request.capabilities),
    heartbeat_interval_ms: request.heartbeatIntervalMs,
    heartbeat_ttl_ms: request.heartbeatTtlMs,
  };
}

/** @throws OmoiError where the generation is not the agent's current one */
export function assertCurrent(agent: AgentEntry, generation: number): void {
  if (generation === agent.generation) return;
  if (generation < agent.generation) throw superseded(agent.row, generation);
  throw new OmoiError(
    'unknown_generation',
    `Agent ${agent.agentId} is at generation ${agent.generation}; generation ${generation} does not exist.`,
    { agent_id: agent.agentId, current_generation: agent.generation },
  );
}

function superseded(agent: AgentRow, generation: number): OmoiError {
  return new OmoiError(
    'generation_superseded',
    `Generation ${generation} of agent ${agent.agent_id} was followed by generation ${agent.generation}.`,
    { agent_id: agent.agent_id, current_generation: agent.generation },
  );
}

export function unknownAgent(agentId: string): OmoiError {
  return new OmoiError('unknown_agent', `Agent ${agentId} is unknown.`, { agent_id: agentId });
}
