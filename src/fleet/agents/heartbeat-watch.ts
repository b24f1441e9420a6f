import { messageOf } from '#telemetry';
import type { AgentEntry } from './agent-entry.ts';
import { agentRef, changeAgent, lockAgent, statusEvent } from './agent-rows.ts';
import { hasEnded } from './agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import { decideLadderStep, MISSED_UNTIL_WARNING, type LadderStep } from './heartbeat-ladder.ts';

const ROWS_PER_WRITE = 200;

/** Moves agents on the heartbeat ladder, and writes now and then what their heartbeats said. */
export class HeartbeatWatch {
  readonly #parts: FleetParts;
  #flushing = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  /** Judges every agent's silence. */
  tick(): void {
    let started = 0;
    for (const entry of this.#parts.agentIndex.entries()) {
      if (started === this.#parts.limits.maxTransitionsPerTick) return;
      if (this.settle(entry)) started++;
    }
  }

  /** Starts the transition that an agent's beats or its silence ask for; false where it stands right. */
  settle(entry: AgentEntry): boolean {
    if (entry.moving || hasEnded(entry.row.status)) return false;
    const missed = entry.heartbeatsMissed;
    const step = decideLadderStep({
      status: entry.row.status,
      missed,
      beatSince: entry.beatSinceMove,
      selfDegraded: entry.selfDegraded,
    });
    const warns = missed >= MISSED_UNTIL_WARNING && !entry.warned;
    if (!step && !warns) return false;
    entry.moving = true;
    void this.#take(entry, step, warns ? missed : 0);
    return true;
  }

  /** Writes what heartbeats said since the last time, in a few large statements. */
  async flush(): Promise<void> {
    const { agentIndex, database } = this.#parts;
    if (this.#flushing) return;
    const entries = [...agentIndex.entries()].filter((entry) => entry.unwritten);
    if (entries.length === 0) return;
    this.#flushing = true;
    for (const entry of entries) entry.unwritten = false;
    try {
      await database.transaction(async (tx) => {
        for (let at = 0; at < entries.length; at += ROWS_PER_WRITE) {
          const rows = entries.slice(at, at + ROWS_PER_WRITE).map((entry) => ({
            agent_id: entry.agentId,
            last_heartbeat_at_ms: entry.lastHeartbeatAtMs,
            work_seen_at_ms: entry.workSeenAtMs,
            running: entry.status === 'RUNNING' ? 1 : 0,
          }));
          await tx.db
            .insertInto('agent_beats')
            .values(rows)
            .onConflict((conflict) =>
              conflict.column('agent_id').doUpdateSet((set) => ({
                last_heartbeat_at_ms: set.ref('excluded.last_heartbeat_at_ms'),
                work_seen_at_ms: set.ref('excluded.work_seen_at_ms'),
                running: set.ref('excluded.running'),
              })),
            )
            .execute();
        }
      });
    } catch (thrown) {
      for (const entry of entries) entry.unwritten = true;
      this.#parts.logger.warn({ error: messageOf(thrown) }, 'Heartbeats could not be written; trying again.');
    } finally {
      this.#flushing = false;
    }
  }

  async #take(entry: AgentEntry, step: LadderStep | null, missed: number): Promise<void> {
    try {
      const moved = await this.#commit(entry, step, missed);
      entry.moving = false;
      // A beat that arrived while the step was committed may already take it back.
      if (moved) this.settle(entry);
    } catch (thrown) {
      // The next tick tries again: a database that is away must not be asked in a loop.
      entry.moving = false;
      const fields = { agent_id: entry.agentId, error: messageOf(thrown) };
      this.#parts.logger.error(fields, 'An agent’s step on the heartbeat ladder could not be committed.');
    }
  }

  /** False where somebody else (a restart, an operator, an exit) changed the agent first. */
  async #commit(entry: AgentEntry, step: LadderStep | null, missed: number): Promise<boolean> {
    const { database, bus, agentIndex, activity } = this.#parts;
    const { beats, silenceMs } = entry;
    const before = entry.row;
    return database.transaction(async (tx) => {
      const agent = await lockAgent(tx, before.agent_id);
      if (!agent || agent.generation !== before.generation || agent.status !== before.status) return false;
      const selfDegraded = entry.selfDegraded ? 1 : 0;
      const moved = step
        ? await changeAgent(tx, agent, {
            status: step.to,
            status_reason: step.reason === 'reported' ? (entry.complaint ?? step.reason) : step.reason,
            self_degraded: selfDegraded,
          })
        : agent;
      if (missed > 0) {
        await bus.append(tx, {
          event_type: 'fleet.agent.heartbeat_missed',
          entity_type: 'agent',
          entity_id: agent.agent_id,
          payload: { ...agentRef(agent), missed, age_ms: Math.round(silenceMs) },
          traceparent: null,
        });
      }
      if (step) await bus.append(tx, statusEvent(moved, agent.status, null));
      tx.afterCommit(() => {
        const current = agentIndex.apply(moved, null);
        if (step) current.moved(beats);
        if (missed > 0) current.warned = current.beats === beats;
        activity.tell({ kind: 'agent', agentId: moved.agent_id, traceparent: null });
      });
      return true;
    });
  }
}
