import { OmoiError, type ProcessActivity, type ProcessUsage } from '#telemetry';
import type { AgentEntry } from './agent-entry.ts';
import { agentGone, currentAgent } from './agent-refusals.ts';
import { hasEnded } from './agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import type { HeartbeatWatch } from './heartbeat-watch.ts';
import type { Holder } from '../leases/lease-registry.ts';
import { hashNonce } from './registration.ts';

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
  /** What they use; null or left out: that is not known. */
  readonly usage?: ProcessUsage | null;
}

export interface HeartbeatAck {
  /** The highest sequence number seen; an older or repeated one changed nothing. */
  readonly acknowledged: number;
  readonly generation: number;
  readonly desired: 'run' | 'drain';
}

/** What agents say and show of themselves: it is taken in memory, and judged there. */
export class HeartbeatIntake {
  readonly #parts: FleetParts;
  readonly #watch: HeartbeatWatch;

  constructor(parts: FleetParts, watch: HeartbeatWatch) {
    this.#parts = parts;
    this.#watch = watch;
  }

  /**
   * Takes a heartbeat; nothing is committed but the transitions that it causes, and those later.
   * @throws OmoiError `unknown_agent`, `unknown_generation`, `generation_superseded`, `generation_taken` (another
   *   nonce), `agent_gone`
   */
  take(beat: Heartbeat): HeartbeatAck {
    const agent = currentAgent(this.#parts.agentIndex, beat);
    if (beat.nonce !== null && hashNonce(beat.nonce) !== agent.nonceHash) {
      throw new OmoiError(
        'generation_taken',
        `Generation ${beat.generation} of agent ${beat.agentId} belongs to a process with another nonce.`,
        { agent_id: beat.agentId, current_generation: agent.generation },
      );
    }
    if (hasEnded(agent.row.status)) throw agentGone(beat.agentId, agent.row.status);
    if (beat.sequence > agent.lastSequence) {
      // Where beats before it were lost on their way, its host did not hold it up.
      if (beat.sequence === agent.lastSequence + 1)
        agent.comesNow(this.#parts.clock.monotonicMs(), 'heartbeat');
      agent.lastSequence = beat.sequence;
      agent.speaks = true;
      this.#takeNews(agent, beat);
      this.#heard(agent);
    }
    return { acknowledged: agent.lastSequence, generation: agent.generation, desired: agent.desired };
  }

  /** Takes what the processes of a registered agent do for a heartbeat of its: it sends none by itself. */
  beatFor({ agentId, generation }: Holder, activity: ProcessActivity): void {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation !== generation || hasEnded(agent.row.status)) return;
    const inFlight = activity === 'active' ? 1 : 0;
    this.#takeNews(agent, { agentId, generation, inFlight, activity, degraded: false, reason: null });
    this.#heard(agent);
  }

  /**
   * Takes a request of an agent about its tasks for a heartbeat that says nothing new.
   * @returns false where it counts for nothing: another generation runs, or none
   */
  seen({ agentId, generation }: Holder): boolean {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation !== generation || hasEnded(agent.row.status)) return false;
    agent.comesNow(this.#parts.clock.monotonicMs(), 'request');
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

  /** What the processes of a generation were seen to use. */
  used({ agentId, generation }: Holder, usage: ProcessUsage): void {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation === generation) agent.uses(usage, this.#parts.clock.monotonicMs());
  }

  /** The process of a generation runs: its time to register begins. */
  started({ agentId, generation }: Holder): void {
    const { agentIndex, clock } = this.#parts;
    const agent = agentIndex.get(agentId);
    if (agent?.generation !== generation) return;
    agent.started(clock.monotonicMs());
    agentIndex.judgedAt.set(agent, clock.monotonicMs());
  }

  /** The process of a generation could not be started: if it is not in time, that is no silence. */
  couldNotStart({ agentId, generation }: Holder, error: string): void {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation === generation) agent.startError = error;
  }

  /** A generation waits for its turn to be started: its time to register has not begun. */
  awaitsStart({ agentId, generation }: Holder): void {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation === generation) agent.awaitsStart(this.#parts.clock.monotonicMs());
  }

  /**
   * The next heartbeats ask the agent to finish its task, take no other and end.
   * @param leaves whether no generation follows
   */
  drain({ agentId, generation }: Holder, { leaves }: { readonly leaves: boolean }): void {
    const agent = this.#parts.agentIndex.get(agentId);
    if (agent?.generation !== generation) return;
    agent.desired = 'drain';
    agent.leaves = leaves;
  }

  #heard(agent: AgentEntry): void {
    const { clock } = this.#parts;
    agent.lastHeartbeatAtMs = clock.wallMs();
    agent.heard(clock.monotonicMs());
    agent.unwritten = true;
    this.#watch.settle(agent);
  }

  #takeNews(agent: AgentEntry, beat: Omit<Heartbeat, 'sequence' | 'nonce'>): void {
    const before = agent.status;
    agent.says({ running: beat.inFlight > 0, degraded: beat.degraded, reason: beat.reason });
    agent.worksOn(beat.inFlight);
    agent.told(beat.activity ?? null, this.#parts.clock.monotonicMs());
    if (beat.usage) agent.uses(beat.usage, this.#parts.clock.monotonicMs());
    if (beat.inFlight > 0) this.#parts.agentIndex.workSeen(beat);
    if (agent.status === before) return;
    this.#parts.activity.tell({ kind: 'agent', agentId: agent.agentId, traceparent: null });
  }
}
