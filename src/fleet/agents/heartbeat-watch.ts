import { SharedTransactions, type StateTransaction } from '#storage';
import { messageOf, type NewSystemEvent } from '#telemetry';
import type { AgentEntry, AgentRow } from './agent-entry.ts';
import { agentRef, lockAgents, moveAgent, statusEvent } from './agent-rows.ts';
import { hasEnded } from './agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import { decideLadderStep, MISSED_UNTIL_WARNING, type LadderStep } from './heartbeat-ladder.ts';

const ROWS_PER_WRITE = 200;

/** What is to be committed about one agent, as it stood when that was decided. */
interface Step {
  readonly entry: AgentEntry;
  readonly before: AgentRow;
  readonly step: LadderStep | null;
  /** Missed heartbeats that are worth an event; 0 where none are. */
  readonly missed: number;
  readonly beats: number;
  readonly silenceMs: number;
}

/** Moves agents on the heartbeat ladder, and writes now and then what their heartbeats said. */
export class HeartbeatWatch {
  readonly #parts: FleetParts;
  /** Many that fall silent at once share transactions, so that their number holds up nobody else. */
  readonly #steps: SharedTransactions<Step, boolean>;
  #flushing = false;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#steps = new SharedTransactions(parts.database, (tx, steps) => this.#commitEach(tx, steps));
  }

  /** Judges the silence of the agents that may have missed one more heartbeat, or that have changed. */
  tick(): void {
    const { agentIndex, clock, limits } = this.#parts;
    let started = 0;
    for (const entry of agentIndex.judgedAt.take(clock.monotonicMs())) {
      // One that is moving is judged again when that is done.
      if (this.settle(entry)) started++;
      else if (!entry.moving) this.#judgeLater(entry);
      if (started === limits.maxTransitionsPerTick) return;
    }
  }

  /** Starts the transition that an agent's beats or its silence ask for; false where it stands right. */
  settle(entry: AgentEntry): boolean {
    if (entry.moving || hasEnded(entry.row.status)) return false;
    const missed = entry.heartbeatsMissed;
    // Its processes are looked at from now on: when the silence has become long, it is known what they do.
    if (missed >= MISSED_UNTIL_WARNING && entry.managed) this.#parts.agentIndex.silent.add(entry);
    const step = decideLadderStep({
      status: entry.row.status,
      missed,
      beatSince: entry.beatSinceMove,
      selfDegraded: entry.selfDegraded,
      clings: entry.clingsTo !== null,
      evidence: entry.evidence,
      evidenceTold: entry.evidenceTold,
      couldNotStart: entry.startError !== null,
    });
    // Who was taken out of service owes no beats.
    const warns = missed >= MISSED_UNTIL_WARNING && !entry.warned && entry.row.status !== 'QUARANTINED';
    if (!step && !warns) return false;
    entry.moving = true;
    void this.#take(entry, step, warns ? missed : 0);
    return true;
  }

  /** Writes what heartbeats said since the last time, in small transactions, so that others get in between. */
  async flush(): Promise<void> {
    if (this.#flushing) return;
    this.#flushing = true;
    const entries = [...this.#parts.agentIndex.entries()].filter((entry) => entry.unwritten);
    let written = 0;
    try {
      for (; written < entries.length; written += ROWS_PER_WRITE) {
        await this.#write(entries.slice(written, written + ROWS_PER_WRITE));
      }
    } catch (thrown) {
      this.#parts.logger.warn(
        { agents: entries.length - written, error: messageOf(thrown) },
        'Heartbeats could not be written; trying again.',
      );
    } finally {
      this.#flushing = false;
    }
  }

  async #write(entries: readonly AgentEntry[]): Promise<void> {
    for (const entry of entries) entry.unwritten = false;
    const rows = entries.map((entry) => ({
      agent_id: entry.agentId,
      last_heartbeat_at_ms: entry.lastHeartbeatAtMs,
      work_seen_at_ms: entry.workSeenAtMs,
      running: entry.status === 'RUNNING' ? 1 : 0,
    }));
    try {
      await this.#parts.database.transaction(async (tx) => {
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
      });
    } catch (thrown) {
      for (const entry of entries) entry.unwritten = true;
      throw thrown;
    }
  }

  async #take(entry: AgentEntry, step: LadderStep | null, missed: number): Promise<void> {
    const { beats, silenceMs, row } = entry;
    try {
      const moved = await this.#steps.ask({ entry, step, missed, beats, silenceMs, before: row });
      entry.moving = false;
      // A beat that arrived while the step was committed may already take it back.
      if (moved) this.settle(entry);
    } catch (thrown) {
      entry.moving = false;
      const fields = { agent_id: entry.agentId, error: messageOf(thrown) };
      this.#parts.logger.error(
        fields,
        'Agent status not updated from its heartbeats; tried again with the next tick.',
      );
    }
    // Also where it failed: with the next tick, since a database that is away must not be asked in a loop.
    const { agentIndex, clock } = this.#parts;
    if (agentIndex.get(entry.agentId) === entry) agentIndex.judgedAt.set(entry, clock.monotonicMs());
  }

  #judgeLater(entry: AgentEntry): void {
    if (hasEnded(entry.row.status)) return;
    const { agentIndex, clock } = this.#parts;
    agentIndex.judgedAt.set(entry, clock.monotonicMs() + entry.untilNextMissMs);
  }

  /** False for one that somebody else (a restart, an operator, an exit) changed first. */
  async #commitEach(tx: StateTransaction, steps: readonly Step[]): Promise<boolean[]> {
    const { bus, agentIndex, activity } = this.#parts;
    // In one order, so that transactions that overlap (on PostgreSQL) can't wait for each other.
    const agentIds = steps.map(({ before }) => before.agent_id).sort();
    const rows = new Map<string, AgentRow>();
    for (const row of await lockAgents(tx, agentIds)) if (row) rows.set(row.agent_id, row);
    const committed = steps.flatMap((step) => {
      const agent = rows.get(step.before.agent_id);
      const stands = agent?.generation === step.before.generation && agent.status === step.before.status;
      return agent && stands ? [{ step, agent }] : [];
    });
    const moved = await Promise.all(committed.map(({ step, agent }) => write(tx, agent, step)));
    const events = committed.flatMap(({ step, agent }, at) => eventsOf(step, agent, moved[at] ?? agent));
    await bus.append(tx, ...events);
    const change = agentIndex.nextChange();
    tx.afterCommit(() => {
      for (const [at, { step, agent }] of committed.entries()) {
        const current = agentIndex.apply(moved[at] ?? agent, null, change);
        if (step.step) current.moved(step.beats);
        if (step.missed > 0) current.warned = current.beats === step.beats;
        activity.tell({ kind: 'agent', agentId: agent.agent_id, traceparent: null });
      }
    });
    const done = new Set(committed.map(({ step }) => step));
    return steps.map((step) => done.has(step));
  }
}

async function write(tx: StateTransaction, agent: AgentRow, { entry, step }: Step): Promise<AgentRow> {
  if (!step) return agent;
  return moveAgent(tx, agent, {
    status: step.to,
    status_reason: reasonOf(step, entry),
    self_degraded: entry.selfDegraded ? 1 : 0,
  });
}

function reasonOf({ reason }: LadderStep, { degradedReason, startError }: AgentEntry): string {
  if (reason === 'reported') return degradedReason ?? reason;
  return reason === 'not_started' && startError !== null ? `not started: ${startError}` : reason;
}

function eventsOf({ step, missed, silenceMs }: Step, agent: AgentRow, moved: AgentRow): NewSystemEvent[] {
  const events: NewSystemEvent[] = [];
  if (missed > 0) {
    events.push({
      event_type: 'fleet.agent.heartbeat_missed',
      entity_type: 'agent',
      entity_id: agent.agent_id,
      payload: { ...agentRef(agent), missed, age_ms: Math.round(silenceMs) },
      traceparent: null,
    });
  }
  if (step) events.push(statusEvent(moved, agent.status, null));
  return events;
}
