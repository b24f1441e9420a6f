import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { EventPayload, EventType } from '#telemetry';
import type { Ledger } from './ledger.ts';

/** An event as the log holds it. */
export interface LoggedEvent {
  readonly id: number;
  readonly type: EventType;
  readonly entityId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** On the world's monotonic clock. */
  readonly atMs: number;
  readonly writtenAtMs: number;
}

export function payloadOf<Type extends EventType>(event: LoggedEvent, type: Type): EventPayload<Type> | null {
  // The bus validates payloads against their type's schema before it writes them.
  return event.type === type ? (event.payload as EventPayload<Type>) : null;
}

export interface AgentStand {
  readonly status: string;
  readonly generation: number;
  readonly sinceMs: number;
  /** The event that says so. */
  readonly eventId: number;
}

export interface TaskStand {
  state: string;
  completions: number;
  holder: { readonly agentId: string; readonly generation: number } | null;
  /** `agent/generation` of all that have claimed it. */
  readonly holders: Set<string>;
  /** `agent/generation` of those whose loss of it counted as an attempt. */
  readonly losers: Set<string>;
  /** `agent/generation` of those that it was taken from without being counted: those lost with many others are among them. */
  readonly uncounted: Set<string>;
}

/** That a remediation was planned, of which no event tells. */
export interface Plan {
  readonly id: string;
  /** On the world's monotonic clock. */
  readonly atMs: number;
}

export interface RemediationStand {
  state: string;
  outcome: string | null;
  /** `agent:coders-1` */
  target: string;
  policy: string;
  /** When each of its steps began. */
  readonly beganAtMs: number[];
  endedAtMs: number | null;
}

export interface AlertStand {
  readonly ruleId: string;
  readonly labels: Readonly<Record<string, string>>;
  triggered: number;
  resolved: number;
  resolvedAtMs: number | null;
  cause: string | null;
}

/** A maintenance, by the events that tell of it. */
export interface MaintenanceStand {
  readonly id: string;
  readonly target: string;
  readonly startedId: number;
  /** On the world's monotonic clock. */
  readonly startedAtMs: number;
  readonly lengthMs: number;
  endedId: number | null;
  endedAtMs: number | null;
}

export interface OrderedGeneration {
  readonly generation: number;
  readonly atMs: number;
  readonly eventId: number;
  readonly byWatchdog: boolean;
}

export interface PoolSize {
  readonly effective: number;
  readonly eventId: number;
  readonly atMs: number;
}

/** The event log retold from its start: what should be, if every change has its event and every event its change. */
export class Chronicle {
  readonly agents = new Map<string, AgentStand>();
  /** Every status of every agent, oldest first. */
  readonly statuses = new Map<string, AgentStand[]>();
  readonly tasks = new Map<string, TaskStand>();
  readonly remediations = new Map<string, RemediationStand>();
  /** When each was planned, on the world's monotonic clock. */
  readonly plannedAtMs = new Map<string, number>();
  readonly alerts = new Map<string, AlertStand>();
  readonly openAnomalies = new Set<string>();
  /** `agent/generation` that somebody asked to be replaced. */
  readonly restartsRequested = new Map<string, string>();
  /** Every size that a pool should have had, oldest first. */
  readonly poolSizes = new Map<string, PoolSize[]>();
  /** `agent/generation` whose process ended, and the event that says so. */
  readonly exits = new Map<string, number>();
  /** `agent/generation` that ended as Omoi had asked. */
  readonly expectedExits = new Set<string>();
  /** The generations of each agent that somebody has asked for, oldest first. */
  readonly #ordered = new Map<string, OrderedGeneration[]>();
  /** Alerts that were handed to a guardian. */
  readonly escalatedAlerts = new Set<string>();
  /** Since when the watchdog is paused; null where it is not. */
  pausedSinceMs: number | null = null;
  resumedAtMs = Number.NEGATIVE_INFINITY;
  readonly maintenances: MaintenanceStand[] = [];
  readonly events: LoggedEvent[] = [];
  /** The events of the last step. */
  fresh: readonly LoggedEvent[] = [];

  take(events: readonly LoggedEvent[], plans: readonly Plan[]): void {
    this.fresh = events;
    for (const { id, atMs } of plans) this.plannedAtMs.set(id, atMs);
    for (const event of events) {
      this.events.push(event);
      this.#fold(event);
    }
  }

  get lastId(): number {
    return this.events.at(-1)?.id ?? 0;
  }

  /** What status the agent had at a time; null before it was known. */
  statusAt(agentId: string, atMs: number): AgentStand | null {
    return this.statuses.get(agentId)?.findLast(({ sinceMs }) => sinceMs <= atMs) ?? null;
  }

  /** What status the agent had when something began: what it has led to may have happened in the same millisecond. */
  statusBefore(agentId: string, { id }: LoggedEvent): AgentStand | null {
    return this.statuses.get(agentId)?.findLast(({ eventId }) => eventId < id) ?? null;
  }

  /**
   * The last generation of an agent that was asked for, where that was by somebody but the watchdog.
   * @param before an event, by its id
   */
  startedByOthers(agentId: string, before = Number.POSITIVE_INFINITY): OrderedGeneration | null {
    const last = this.#ordered.get(agentId)?.findLast(({ eventId }) => eventId < before);
    return last && !last.byWatchdog ? last : null;
  }

  /** Until when an agent, or its pool, is or was under maintenance at most, ms; −∞ where it never was. */
  maintainedUntilMs(agentId: string, nowMs: number, ledger: Ledger): number {
    const targets = new Set([`agent:${agentId}`, `pool:${agentId.replace(/-\d+$/, '')}`]);
    return this.maintenances
      .filter(({ target }) => targets.has(target))
      .map(({ endedAtMs, startedAtMs, lengthMs }) => {
        const takenUpMs = ledger.takenUpMs(startedAtMs, nowMs);
        return endedAtMs ?? (takenUpMs ?? startedAtMs) + lengthMs;
      })
      .reduce((latest, untilMs) => Math.max(latest, untilMs), -Infinity);
  }

  /** The statuses that the agent had at any time of a stretch. */
  statusesDuring(agentId: string, fromMs: number, untilMs: number): readonly string[] {
    const stands = this.statuses.get(agentId) ?? [];
    return stands.flatMap(({ status, sinceMs }, at) => {
      const untilNextMs = stands[at + 1]?.sinceMs ?? Number.POSITIVE_INFINITY;
      return sinceMs <= untilMs && untilNextMs >= fromMs ? [status] : [];
    });
  }

  #fold(event: LoggedEvent): void {
    if (event.type.startsWith('fleet.task.')) this.#foldTask(event);
    else if (event.type.startsWith('watchdog.remediation.')) this.#foldRemediation(event);
    else if (event.type.startsWith('monitor.alert.')) this.#foldAlert(event);
    else if (event.type.startsWith('watchdog.maintenance.')) this.#foldMaintenance(event);
    else if (event.type.startsWith('watchdog.')) this.#foldWatchdog(event);
    else if (event.type === 'monitor.anomaly.detected') this.openAnomalies.add(event.entityId);
    else if (event.type === 'monitor.anomaly.closed') this.openAnomalies.delete(event.entityId);
    else this.#foldAgent(event);
  }

  #foldMaintenance(event: LoggedEvent): void {
    const begun = payloadOf(event, 'watchdog.maintenance.started');
    if (begun) {
      const { maintenance_id: id, target, until } = begun;
      const { id: startedId, atMs: startedAtMs } = event;
      const lengthMs = Date.parse(until) - event.writtenAtMs;
      this.maintenances.push({
        id,
        target,
        startedId,
        startedAtMs,
        lengthMs,
        endedId: null,
        endedAtMs: null,
      });
    }
    const ended = payloadOf(event, 'watchdog.maintenance.ended');
    const known = this.maintenances.find(({ id }) => id === ended?.maintenance_id);
    if (known) Object.assign(known, { endedId: event.id, endedAtMs: event.atMs });
  }

  #foldAgent(event: LoggedEvent): void {
    const changed = payloadOf(event, 'fleet.agent.status_changed');
    if (changed) this.#stands(changed, changed.to, event);
    const registered = payloadOf(event, 'fleet.agent.registered');
    const known = registered && this.agents.get(registered.agent_id);
    if (known && known.generation !== registered.generation) this.#stands(registered, known.status, event);
    const requested = payloadOf(event, 'fleet.agent.restart_requested');
    if (requested) {
      const key = `${requested.agent_id}/${requested.generation}`;
      this.restartsRequested.set(key, requested.requested_by);
      const { agent_id: agentId, generation } = requested;
      const ordered = {
        generation: generation + 1,
        atMs: event.atMs,
        eventId: event.id,
        byWatchdog: requested.requested_by.startsWith('watchdog'),
      };
      const known = this.#ordered.get(agentId);
      if (known) known.push(ordered);
      else this.#ordered.set(agentId, [ordered]);
    }
    const exited = payloadOf(event, 'fleet.agent.exited');
    if (exited) this.exits.set(`${exited.agent_id}/${exited.generation}`, event.id);
    if (exited?.expected) this.expectedExits.add(`${exited.agent_id}/${exited.generation}`);
    const resized = payloadOf(event, 'fleet.pool.changed');
    if (resized) {
      const sizes = this.poolSizes.get(resized.pool_id) ?? [];
      sizes.push({ effective: resized.effective, eventId: event.id, atMs: event.atMs });
      this.poolSizes.set(resized.pool_id, sizes);
    }
  }

  #stands(
    agent: { readonly agent_id: string; readonly generation: number },
    status: string,
    { id: eventId, atMs: sinceMs }: LoggedEvent,
  ): void {
    const stand = { status, generation: agent.generation, sinceMs, eventId };
    this.agents.set(agent.agent_id, stand);
    const known = this.statuses.get(agent.agent_id);
    if (known) known.push(stand);
    else this.statuses.set(agent.agent_id, [stand]);
  }

  #foldTask(event: LoggedEvent): void {
    const enqueued = payloadOf(event, 'fleet.task.enqueued');
    if (enqueued) {
      const stand = { state: 'queued', completions: 0, holder: null };
      this.tasks.set(enqueued.task_id, {
        ...stand,
        holders: new Set(),
        losers: new Set(),
        uncounted: new Set(),
      });
    }
    const task = this.tasks.get(event.entityId);
    if (!task) return;
    const claimed = payloadOf(event, 'fleet.task.claimed');
    if (claimed) {
      task.state = 'claimed';
      task.holder = { agentId: claimed.agent_id, generation: claimed.generation };
      task.holders.add(`${claimed.agent_id}/${claimed.generation}`);
    }
    if (event.type === 'fleet.task.completed') {
      task.state = 'completed';
      task.completions++;
    }
    const failed = payloadOf(event, 'fleet.task.failed');
    if (failed) task.state = failed.will_retry ? 'queued' : 'failed';
    const released = payloadOf(event, 'fleet.task.released');
    if (released) task.state = 'queued';
    if (released && released.reason !== 'time_limit')
      task[released.counted ? 'losers' : 'uncounted'].add(`${released.agent_id}/${released.generation}`);
    if (event.type === 'fleet.task.parked') task.state = 'parked';
    if (event.type === 'fleet.task.retried') task.state = 'queued';
    if (event.type === 'fleet.task.cancelled') task.state = 'cancelled';
  }

  #foldRemediation(event: LoggedEvent): void {
    if (event.type === 'watchdog.remediation.suppressed') return;
    const { target, policy } = event.payload;
    const stand = this.remediations.get(event.entityId) ?? {
      state: 'planned',
      outcome: null,
      target: String(target),
      policy: String(policy),
      beganAtMs: [],
      endedAtMs: null,
    };
    this.remediations.set(event.entityId, stand);
    if (isBeginning(event)) stand.beganAtMs.push(event.atMs);
    const changed = payloadOf(event, 'watchdog.remediation.changed');
    if (event.type === 'watchdog.remediation.started') stand.state = 'executing';
    if (changed) stand.state = changed.to;
    const completed = payloadOf(event, 'watchdog.remediation.completed');
    if (!completed) return;
    // That one relapsed is told when its alert returns: it had ended before.
    const endedAtMs = completed.outcome === 'relapsed' ? stand.endedAtMs : event.atMs;
    Object.assign(stand, { state: 'ended', outcome: completed.outcome, endedAtMs });
  }

  #foldWatchdog(event: LoggedEvent): void {
    const escalated = payloadOf(event, 'watchdog.escalated');
    if (escalated?.alert_id) this.escalatedAlerts.add(escalated.alert_id);
    const changed = payloadOf(event, 'watchdog.state.changed');
    if (changed?.state !== 'paused') return;
    this.pausedSinceMs = changed.active ? event.atMs : null;
    if (!changed.active) this.resumedAtMs = event.atMs;
  }

  #foldAlert(event: LoggedEvent): void {
    const triggered = payloadOf(event, 'monitor.alert.triggered');
    if (triggered) {
      const known = this.alerts.get(event.entityId);
      if (known) known.triggered++;
      else {
        const { rule_id: ruleId, labels } = triggered;
        const stand = { ruleId, labels, triggered: 1, resolved: 0, resolvedAtMs: null, cause: null };
        this.alerts.set(event.entityId, stand);
      }
    }
    const resolved = payloadOf(event, 'monitor.alert.resolved');
    const alert = this.alerts.get(event.entityId);
    if (!resolved || !alert) return;
    Object.assign(alert, { resolved: alert.resolved + 1, resolvedAtMs: event.atMs, cause: resolved.cause });
  }
}

/** Whether the watchdog began to act. */
export function isBeginning(event: LoggedEvent): boolean {
  return (
    event.type === 'watchdog.remediation.started' ||
    payloadOf(event, 'watchdog.remediation.changed')?.to === 'executing'
  );
}

type Row = Readonly<Record<string, string | number | null>>;

/** Reads the state as somebody outside the server does: committed rows, whether a server runs or not. */
export class Archive {
  readonly #database: DatabaseSync;
  /** By their text: the same few are asked after every step. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  rows(sql: string, ...parameters: number[]): readonly Row[] {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    // Columns are texts and integers alone.
    return statement.all(...parameters) as unknown as readonly Row[];
  }

  count(sql: string, ...parameters: number[]): number {
    return Number(this.rows(sql, ...parameters)[0]?.['count'] ?? 0);
  }

  /** @param wallOffsetMs of the wall clock against the monotonic one, while these events were written */
  eventsAfter(id: number, wallOffsetMs: number): readonly LoggedEvent[] {
    return this.rows('SELECT * FROM events WHERE id > ? ORDER BY id', id).map((row) => ({
      id: Number(row['id']),
      // Written by the bus, from the catalogue of types.
      type: String(row['event_type']) as EventType,
      entityId: String(row['entity_id']),
      payload: JSON.parse(String(row['payload'])) as Readonly<Record<string, unknown>>,
      atMs: Number(row['at_ms']) - wallOffsetMs,
      writtenAtMs: Number(row['at_ms']),
    }));
  }

  /** @param count how many were read before */
  plansAfter(count: number, wallOffsetMs: number): readonly Plan[] {
    return this.rows(
      'SELECT id, planned_at_ms FROM remediations ORDER BY rowid LIMIT -1 OFFSET ?',
      count,
    ).map((row) => ({ id: String(row['id']), atMs: Number(row['planned_at_ms']) - wallOffsetMs }));
  }

  close(): void {
    this.#database.close();
  }
}
