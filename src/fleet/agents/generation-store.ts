import type { StateTransaction } from '#storage';
import { OmoiError, type AgentType, type TaskLossCause } from '#telemetry';
import type { AgentRow } from './agent-entry.ts';
import {
  agentRef,
  changeAgent,
  forgetOldGenerations,
  forgetOldOutputs,
  lockAgent,
  readGeneration,
  statusEvent,
} from './agent-rows.ts';
import { hasEnded, isGivenUp } from './agent-status.ts';
import { withProvider } from './failure-domain.ts';
import type { FleetParts } from '../fleet-parts.ts';
import { meaningOfExit, type ExitFacts } from './exit-meaning.ts';
import { hashNonce } from './registration.ts';
import { tellStatus } from './status-change.ts';

/** A generation of a managed agent that shall run from now on. */
export interface GenerationOpening {
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly poolId: string | null;
  readonly phaseId: string | null;
  /** How it beats until it registers and says so itself; null where the usual pace holds. */
  readonly heartbeatIntervalMs: number | null;
  readonly heartbeatTtlMs: number | null;
  /** From its start to its registration; null for the usual time. */
  readonly startWithinMs: number | null;
  /** Who provides what it works with, as its pool says; null where that says nobody. */
  readonly provider: string | null;
  /** The secret that the process proves itself with when it registers; only its hash is kept. */
  readonly nonce: string;
  /** `pool_scaled_up`, `restart_requested`, … */
  readonly reason: string;
  /** The person, token or policy that asked. */
  readonly requestedBy: string;
  readonly traceparent: string | null;
}

/** How a generation's process ended. */
export interface GenerationExit extends ExitFacts {
  readonly agentId: string;
  readonly generation: number;
  /** Whether somebody watched it end, though perhaps not how; by default where it is known how. */
  readonly watched?: boolean;
  /** What it put out last, where who watched it says so. */
  readonly lastOutput?: string | null;
  /** Whether another generation may follow: then an operator's quarantine outlives the process. By default none does. */
  readonly isFollowed?: boolean;
  readonly traceparent: string | null;
}

/** What the runtimes and pools write into the registry, inside transactions of their own. */
export interface GenerationStore {
  /**
   * Creates the agent in SPAWNING as generation 1, or moves it to n+1, and gives back to the queue what the older
   * generations had claimed. An external agent that has ended leaves its id: from then on it is Omoi's. Returns the generation
   * that shall run.
   * @throws OmoiError `transition_not_allowed` for a quarantined agent, `agent_not_managed` for an external one that has not
   *   ended
   */
  openGeneration(tx: StateTransaction, opening: GenerationOpening): Promise<number>;
  /**
   * Records an exit once (repeating it changes nothing): the current generation's agent becomes FAILED or
   * TERMINATED, or stays QUARANTINED, and what it held is released; of an older generation only its own record changes.
   * @throws OmoiError `unknown_generation`
   */
  recordExit(tx: StateTransaction, exit: GenerationExit): Promise<void>;
  /** The process of a generation runs: one that FAILED because it could not be started is being started after all. */
  started(tx: StateTransaction, started: StartedGeneration): Promise<void>;
  /**
   * Gives an opened generation another secret, where no process has registered as it: one that another server may have
   * started with the former one is refused from now on. @returns whether it was given
   */
  renewNonce(
    tx: StateTransaction,
    generation: { readonly agentId: string; readonly generation: number; readonly nonce: string },
  ): Promise<boolean>;
  /**
   * Nobody wants an agent any more whose process has ended: where it is FAILED or QUARANTINED it becomes TERMINATED, for
   * what nobody wants needs no repair. Repeating it changes nothing.
   */
  writeOff(tx: StateTransaction, ended: EndedGeneration): Promise<void>;
}

export interface StartedGeneration {
  readonly agentId: string;
  readonly generation: number;
  readonly traceparent: string | null;
}

/** A generation without a process. */
export interface EndedGeneration extends StartedGeneration {
  /** Why it is not wanted. */
  readonly reason: string;
}

/** Which agent's work goes back to the queue, and why. */
export interface ReleaseOrder {
  readonly agentId: string;
  readonly upToGeneration: number;
  readonly reason: 'reassigned' | 'agent_drained';
  /** null where the holder was asked to leave, or somebody else took its work. */
  readonly loss: HolderLoss | null;
  readonly traceparent: string | null;
}

/** The holder ended or hung by itself: its loss of a task may count as one of the task's attempts. */
export interface HolderLoss {
  readonly cause: TaskLossCause;
  /** What was seen, for people. */
  readonly detail: string;
}

/** What has to be let go when a generation ends or is followed by another. */
export interface WorkRelease {
  /** Tasks go back to the queue: their fence is the generation. Returns how many. */
  reassign(tx: StateTransaction, order: ReleaseOrder): Promise<number>;
  /** Locks end only with their holder's process: a lock guards what Omoi can't fence. */
  releaseLocks(tx: StateTransaction, holder: { agentId: string; upToGeneration: number }): Promise<number>;
}

/**
 * Why a generation was started, for a label: of a series there is one for each, so that it has few values. What a person
 * wrote, and which alert a policy acted on, is in the generation's record.
 */
function restartReason({ reason, requestedBy }: Pick<GenerationOpening, 'reason' | 'requestedBy'>): string {
  if (requestedBy === 'omoi') return reason;
  return requestedBy.startsWith('watchdog:') ? 'watchdog' : 'asked';
}

/** The generation log over the tables. On PostgreSQL rows are locked in the order agents, locks, tasks, events. */
export class StoredGenerations implements GenerationStore {
  readonly #parts: FleetParts;
  readonly #work: WorkRelease;

  constructor(parts: FleetParts, work: WorkRelease) {
    this.#parts = parts;
    this.#work = work;
  }

  async openGeneration(tx: StateTransaction, opening: GenerationOpening): Promise<number> {
    const { bus, agentIndex, activity } = this.#parts;
    const known = await lockAgent(tx, opening.agentId);
    if (known && known.managed === 0 && !hasEnded(known.status)) {
      throw new OmoiError(
        'agent_not_managed',
        `Agent ${opening.agentId} was started by somebody else, so Omoi can't start a generation of it.`,
        { agent_id: opening.agentId },
      );
    }
    const nonceHash = hashNonce(opening.nonce);
    const agent = known
      ? await changeAgent(tx, known, {
          agent_type: opening.agentType,
          pool_id: opening.poolId,
          phase_id: opening.phaseId,
          generation: known.generation + 1,
          status: 'SPAWNING',
          status_reason: opening.reason,
          self_degraded: 0,
          // What somebody else has said of a process of theirs is not true of Omoi's own.
          ...(known.managed === 1
            ? { labels: withProvider(known.labels, opening.provider), ...awaitedPace(opening, known) }
            : ownFrom(opening)),
        })
      : await insertSpawning(tx, opening);
    await tx.db
      .insertInto('agent_generations')
      .values({
        agent_id: agent.agent_id,
        generation: agent.generation,
        nonce_hash: nonceHash,
        state: 'opened',
        reason: opening.reason,
        requested_by: opening.requestedBy,
        traceparent: opening.traceparent,
        opened_at_ms: tx.nowMs,
      })
      .execute();
    if (known) {
      await forgetOldGenerations(tx, agent);
      await this.#work.reassign(tx, {
        agentId: agent.agent_id,
        upToGeneration: known.generation,
        reason: 'reassigned',
        // Who was given up is replaced for what it did; who was well is replaced because somebody asked for it.
        loss: isGivenUp(known.status)
          ? { cause: 'holder_hung', detail: `was ${known.status} (${known.status_reason})` }
          : null,
        traceparent: opening.traceparent,
      });
    }
    await bus.append(tx, statusEvent(agent, known?.status ?? 'NONE', opening.traceparent));
    const { traceparent } = opening;
    const reason = restartReason(opening);
    const change = agentIndex.nextChange();
    tx.afterCommit(() => {
      agentIndex.apply(agent, nonceHash, change);
      activity.tell({ kind: 'agents', traceparent });
      if (known) activity.tell({ kind: 'agent_restarted', agentId: agent.agent_id, reason, traceparent });
    });
    return agent.generation;
  }

  async recordExit(tx: StateTransaction, exit: GenerationExit): Promise<void> {
    const { agentId, generation, traceparent } = exit;
    const { bus } = this.#parts;
    const agent = await lockAgent(tx, agentId);
    const record = agent && (await readGeneration(tx, agentId, generation));
    if (!agent || !record) {
      throw new OmoiError('unknown_generation', `Agent ${agentId} never had a generation ${generation}.`, {
        agent_id: agentId,
        generation,
      });
    }
    const isCurrent = agent.generation === generation;
    if (record.exited_at_ms !== null) return;
    await tx.db
      .updateTable('agent_generations')
      .set({
        state: 'ended',
        ended_at_ms: record.ended_at_ms ?? tx.nowMs,
        exited_at_ms: tx.nowMs,
        exit_code: exit.exitCode,
        exit_signal: exit.signal,
        last_output: exit.lastOutput ?? null,
      })
      .where('agent_id', '=', agentId)
      .where('generation', '=', generation)
      .execute();
    if (exit.lastOutput) await forgetOldOutputs(tx, { agentId, generation });
    const { status, reason } = meaningOfExit(exit);
    // Who has said goodbye left on purpose, however its process ended, and where nobody could see how.
    const expected = status === 'TERMINATED' || record.ended_at_ms !== null;
    const staysOut = agent.status === 'QUARANTINED' && exit.isFollowed === true;
    // One that FAILED without an end on record could not be started.
    const ends = isCurrent && agent.status !== 'TERMINATED' && !staysOut;
    const ended = ends ? await changeAgent(tx, agent, { status, status_reason: reason }) : agent;
    await this.#work.releaseLocks(tx, { agentId, upToGeneration: generation });
    await this.#work.reassign(tx, {
      agentId,
      upToGeneration: generation,
      reason: expected ? 'agent_drained' : 'reassigned',
      loss: lossBy(exit, { expected, before: isCurrent ? agent : null }),
      traceparent,
    });
    await bus.append(tx, {
      event_type: 'fleet.agent.exited',
      entity_type: 'agent',
      entity_id: agentId,
      payload: {
        ...agentRef(agent),
        generation,
        exit_code: exit.exitCode,
        signal: exit.signal,
        expected,
      },
      traceparent,
    });
    if (ends) await tellStatus(tx, this.#parts, { left: agent.status, now: ended, traceparent });
  }

  async started(
    tx: StateTransaction,
    { agentId, generation, traceparent }: StartedGeneration,
  ): Promise<void> {
    const agent = await lockAgent(tx, agentId);
    if (agent?.generation !== generation || agent.status !== 'FAILED') return;
    const record = await readGeneration(tx, agentId, generation);
    if (record?.state !== 'opened') return;
    const now = await changeAgent(tx, agent, { status: 'SPAWNING', status_reason: record.reason });
    await tellStatus(tx, this.#parts, { left: agent.status, now, traceparent });
  }

  async renewNonce(
    tx: StateTransaction,
    {
      agentId,
      generation,
      nonce,
    }: { readonly agentId: string; readonly generation: number; readonly nonce: string },
  ): Promise<boolean> {
    await lockAgent(tx, agentId);
    const nonceHash = hashNonce(nonce);
    const renewed = await tx.db
      .updateTable('agent_generations')
      .set({ nonce_hash: nonceHash })
      .where('agent_id', '=', agentId)
      .where('generation', '=', generation)
      .where('state', '=', 'opened')
      .returning('generation')
      .execute();
    if (renewed.length === 0) return false;
    tx.afterCommit(() => {
      const entry = this.#parts.agentIndex.get(agentId);
      if (entry?.generation === generation) entry.nonceHash = nonceHash;
    });
    return true;
  }

  async writeOff(tx: StateTransaction, ended: EndedGeneration): Promise<void> {
    const { agentId, generation, reason, traceparent } = ended;
    const agent = await lockAgent(tx, agentId);
    if (agent?.generation !== generation) return;
    if (agent.status !== 'FAILED' && agent.status !== 'QUARANTINED') return;
    const now = await changeAgent(tx, agent, { status: 'TERMINATED', status_reason: reason });
    await tellStatus(tx, this.#parts, { left: agent.status, now, traceparent });
  }
}

/** What a generation is judged by until it registers: as its pool says, else as the one before has beaten. */
function awaitedPace(
  { heartbeatIntervalMs, heartbeatTtlMs, startWithinMs }: GenerationOpening,
  known: AgentRow | null,
): Pick<AgentRow, 'heartbeat_interval_ms' | 'heartbeat_ttl_ms' | 'start_within_ms'> {
  const isSaid = heartbeatIntervalMs !== null || heartbeatTtlMs !== null;
  return {
    heartbeat_interval_ms: isSaid ? heartbeatIntervalMs : (known?.heartbeat_interval_ms ?? null),
    heartbeat_ttl_ms: isSaid ? heartbeatTtlMs : (known?.heartbeat_ttl_ms ?? null),
    start_within_ms: startWithinMs,
  };
}

/** What is known of an agent that Omoi starts for the first time. */
function ownFrom(opening: GenerationOpening) {
  return {
    managed: 1,
    labels: withProvider('{}', opening.provider),
    capabilities: '[]',
    ...awaitedPace(opening, null),
    registered_by: null,
  };
}

async function insertSpawning(tx: StateTransaction, opening: GenerationOpening): Promise<AgentRow> {
  const agent: AgentRow = {
    agent_id: opening.agentId,
    agent_type: opening.agentType,
    pool_id: opening.poolId,
    phase_id: opening.phaseId,
    status: 'SPAWNING',
    status_reason: opening.reason,
    status_since_ms: tx.nowMs,
    self_degraded: 0,
    generation: 1,
    registered_at_ms: tx.nowMs,
    ...ownFrom(opening),
  };
  await tx.db.insertInto('agents').values(agent).execute();
  return agent;
}

/** An end that nobody watched says nothing about why: a server or a machine was away. */
function lossBy(
  exit: GenerationExit,
  { expected, before }: { readonly expected: boolean; readonly before: AgentRow | null },
): HolderLoss | null {
  if (expected) {
    // Who was asked to end because it hung has hung by itself.
    if (!before || !isGivenUp(before.status)) return null;
    return { cause: 'holder_hung', detail: `was ${before.status} (${before.status_reason})` };
  }
  const { exitCode, signal, watched = exitCode !== null || signal !== null } = exit;
  if (!watched) return null;
  if (signal !== null) return { cause: 'holder_ended', detail: `was ended by ${signal}` };
  const detail = exitCode === null ? 'ended (its exit code is not known)' : `exited with code ${exitCode}`;
  return { cause: 'holder_ended', detail };
}
