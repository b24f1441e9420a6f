import type { StateTransaction } from '#storage';
import type { AgentStatus } from '#telemetry';
import { Admission } from './admission.ts';
import type { AgentRow } from './agent-entry.ts';
import {
  agentRef,
  changeAgent,
  endGeneration,
  forgetOldGenerations,
  lockAgent,
  readGeneration,
  statusEvent,
} from './agent-rows.ts';
import { hasEnded } from './agent-status.ts';
import { providerIn, withProvider } from './failure-domain.ts';
import type { FleetParts } from '../fleet-parts.ts';
import type { Holder } from '../leases/lease-registry.ts';
import type { WorkRelease } from './generation-store.ts';
import {
  decideRegistration,
  hashNonce,
  type RegistrationDecision,
  type RegistrationRequest,
} from './registration.ts';

/** How processes get into the registry's tables: as new agents, or as the next generation of known ones. */
export class AgentRegistrations {
  readonly #parts: FleetParts;
  readonly #admission: Admission;
  readonly #work: WorkRelease;

  constructor(parts: FleetParts, work: WorkRelease) {
    this.#parts = parts;
    this.#admission = new Admission(parts);
    this.#work = work;
  }

  /**
   * Registers an agent's process, or leaves it where the same process has registered before: then it returns false, and of what
   * is said only other capabilities are taken.
   * @throws OmoiError `generation_taken`, `generation_superseded`, `unknown_generation`, `agent_gone`,
   *   `agent_is_managed`, `agent_limit_reached` (of the token), `agent_id_reserved`
   */
  async register(tx: StateTransaction, request: RegistrationRequest): Promise<boolean> {
    for (;;) {
      const agent = await lockAgent(tx, request.agentId);
      const current = agent && (await readGeneration(tx, request.agentId, agent.generation));
      const decision = decideRegistration(request, agent, current);
      switch (decision.kind) {
        case 'refused':
          throw decision.error;
        case 'repeated':
          if (agent) await this.#takeCapabilities(tx, agent, request);
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

  /**
   * Registers a generation that Omoi has started in place of its process, which does not do it by itself.
   * @returns false where it has, or another generation is current
   */
  async standIn(tx: StateTransaction, { agentId, generation }: Holder): Promise<boolean> {
    const agent = await lockAgent(tx, agentId);
    const current = agent && (await readGeneration(tx, agentId, generation));
    if (agent?.generation !== generation || current?.state !== 'opened') return false;
    const request: RegistrationRequest = {
      agentId,
      agentType: agent.agent_type,
      poolId: agent.pool_id,
      phaseId: agent.phase_id,
      generation,
      nonce: '',
      newGeneration: false,
      labels: {},
      capabilities: [],
      heartbeatIntervalMs: agent.heartbeat_interval_ms,
      heartbeatTtlMs: agent.heartbeat_ttl_ms,
      traceparent: current.traceparent,
      heartbeat: 'process',
    };
    const { nonce_hash: nonceHash } = current;
    await this.#takeOver(tx, { request, agent, decision: { kind: 'takes_up' }, nonceHash });
    return true;
  }

  async #insertExternal(tx: StateTransaction, request: RegistrationRequest): Promise<boolean> {
    const agent: AgentRow = {
      ...describe(request),
      agent_id: request.agentId,
      start_within_ms: null,
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
    const nonceHash = hashNonce(request.nonce);
    await this.#tellRegistered(tx, agent, { request, nonceHash, from: 'NONE' });
    return true;
  }

  /** What a process says last counts; one that says none of what it can do may only be asking whether it is still known. */
  async #takeCapabilities(
    tx: StateTransaction,
    agent: AgentRow,
    { capabilities: said, traceparent }: RegistrationRequest,
  ): Promise<void> {
    const capabilities = JSON.stringify(said);
    if (said.length === 0 || capabilities === agent.capabilities) return;
    const { agentIndex, activity } = this.#parts;
    const changed = await changeAgent(tx, agent, { capabilities });
    const change = agentIndex.nextChange();
    tx.afterCommit(() => {
      agentIndex.apply(changed, null, change);
      activity.tell({ kind: 'agents', traceparent });
    });
  }

  async #takeOver(
    tx: StateTransaction,
    taking: {
      readonly request: RegistrationRequest;
      readonly agent: AgentRow;
      readonly decision: RegistrationDecision & { readonly kind: 'takes_up' | 'next_generation' };
      /** Of a process that does not tell its nonce. */
      readonly nonceHash?: string;
    },
  ): Promise<void> {
    const { request, agent, decision, nonceHash = hashNonce(request.nonce) } = taking;
    const heartbeat = request.heartbeat ?? 'sdk';
    const { traceparent } = request;
    const { agent_type, pool_id, phase_id, ...said } = describe(request);
    // Who provides for a managed agent is its pool's to say, where that says it.
    const provider = agent.managed === 1 ? providerIn(agent.labels) : null;
    if (provider !== null) said.labels = withProvider(said.labels, provider);
    // Where a managed agent belongs is its pool's to say; an operator's quarantine outlives a restart.
    const registered_by = request.registeredBy?.tokenId ?? null;
    const placed = agent.managed === 1 ? {} : { agent_type, pool_id, phase_id, registered_by };
    const registered = await changeAgent(tx, agent, {
      ...said,
      ...placed,
      ...(agent.status === 'QUARANTINED'
        ? {}
        : { status: 'IDLE', status_reason: heartbeat === 'sdk' ? 'registered' : 'process_watched' }),
      self_degraded: 0,
      generation: decision.kind === 'takes_up' ? agent.generation : decision.generation,
      registered_at_ms: tx.nowMs,
    });
    if (decision.kind === 'takes_up') {
      await tx.db
        .updateTable('agent_generations')
        .set({ state: 'registered', registered_at_ms: tx.nowMs, heartbeat })
        .where('agent_id', '=', agent.agent_id)
        .where('generation', '=', agent.generation)
        .execute();
    } else {
      await endGeneration(tx, agent, null);
      await this.#insertGeneration(tx, registered, { request, reason: 'registered_anew' });
      await this.#work.reassign(tx, {
        agentId: agent.agent_id,
        upToGeneration: agent.generation,
        reason: 'reassigned',
        // It did not say that it leaves: the process before ended or hung with what it held.
        loss: { cause: 'holder_ended', detail: 'was followed by another process that registered as it' },
        traceparent,
      });
    }
    await this.#tellRegistered(tx, registered, { request, nonceHash, from: agent.status });
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

  async #tellRegistered(
    tx: StateTransaction,
    agent: AgentRow,
    news: {
      readonly request: RegistrationRequest;
      readonly nonceHash: string;
      readonly from: AgentStatus | 'NONE';
    },
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
    const { nonceHash } = news;
    const change = agentIndex.nextChange();
    tx.afterCommit(() => {
      // Told as one: the time that the process took to start is no silence of the agent's.
      agentIndex.apply(agent, nonceHash, change).heard(clock.monotonicMs());
      activity.tell({ kind: 'agents', traceparent });
    });
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
