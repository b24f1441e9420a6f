import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import {
  createId,
  formatDuration,
  leftMs,
  momentOf,
  OmoiError,
  SerialQueue,
  toRfc3339,
  type Clock,
  type Labels,
  type Moment,
  type PersistedDuration,
  type Random,
} from '#telemetry';
import type { Selectable } from 'kysely';
import type { FleetActuator } from '../ports.ts';
import {
  contains,
  maintenanceTargetText,
  resolveMaintenanceTarget,
  type FleetPlace,
  type MaintenanceTarget,
} from './maintenance-target.ts';

/** Within its time nothing is done to its target: nobody is surprised by a repair of what he works on. */
export interface MaintenanceWindow extends PersistedDuration {
  readonly id: string;
  readonly target: MaintenanceTarget;
  readonly reason: string;
  /** The person or token. */
  readonly startedBy: string;
}

/** A window that runs, as it stands at a moment. */
export interface RunningMaintenance {
  readonly window: MaintenanceWindow;
  readonly leftMs: number;
}

export interface MaintenanceOrder {
  /** `pool:demo`, `host:db-1`, `agent:demo-1`; without the kind where only one of them is called that. */
  readonly target: string;
  readonly lengthMs: number;
  readonly reason: string;
  readonly by: string;
}

export interface MaintenanceLimits {
  /** How many may run at once. */
  readonly maxWindows: number;
  readonly maxLengthMs: number;
}

export const DEFAULT_MAINTENANCE_LIMITS: MaintenanceLimits = { maxWindows: 200, maxLengthMs: 7 * 86_400_000 };

export interface MaintenanceParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly fleet: Pick<FleetActuator, 'agent' | 'hasPool' | 'hasHost'>;
  readonly limits: MaintenanceLimits;
  /** A window has ended: what it held back may go on. */
  readonly onEnded: () => void;
}

/**
 * The windows of maintenance: kept over a restart, each beginning and end an event. They end by themselves, on the boot
 * clock: a step of the wall clock makes none longer or shorter.
 */
export class MaintenanceWindows {
  readonly #parts: MaintenanceParts;
  readonly #running = new Map<string, MaintenanceWindow>();
  readonly #changes = new SerialQueue();

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  /** Takes up those that ran when the last process ended. */
  async start(): Promise<void> {
    const rows = await this.#parts.database.reader
      .selectFrom('maintenance_windows')
      .selectAll()
      .where('ended_at_ms', 'is', null)
      .orderBy('id')
      .execute();
    for (const window of rows.map(windowOf)) this.#running.set(window.id, window);
  }

  /** Those that run, in the order in which they began. */
  list(): readonly RunningMaintenance[] {
    const now = momentOf(this.#parts.clock);
    return [...this.#running.values()]
      .map((window) => ({ window, leftMs: leftMs(window, now) }))
      .filter((running) => running.leftMs > 0);
  }

  /** @throws OmoiError `unknown_target`, `invalid_request`, `too_many_maintenances` */
  async begin(order: MaintenanceOrder): Promise<RunningMaintenance> {
    const { fleet, limits, clock, random } = this.#parts;
    if (!(order.lengthMs > 0 && order.lengthMs <= limits.maxLengthMs)) {
      const longest = formatDuration(limits.maxLengthMs);
      throw new OmoiError('invalid_request', `duration_ms: a maintenance lasts at most ${longest}.`);
    }
    const target = resolveMaintenanceTarget(order.target, fleet);
    return this.#changes.run(async () => {
      if (this.#running.size >= limits.maxWindows) {
        const message = `${limits.maxWindows} maintenances run (maxWindows).`;
        throw new OmoiError('too_many_maintenances', message);
      }
      const id = createId('mnt', clock.wallMs(), random);
      const window = await this.#parts.database.transaction((tx) =>
        this.#insert(tx, { ...order, id, target }),
      );
      return { window, leftMs: leftMs(window, momentOf(clock)) };
    });
  }

  /**
   * Ends one before its time. Ending one that has ended changes nothing.
   * @throws OmoiError `unknown_maintenance`
   */
  async end(id: string, by: string): Promise<void> {
    const window = this.#running.get(id);
    if (window) return this.#end(window, by);
    const known = await this.#parts.database.reader
      .selectFrom('maintenance_windows')
      .select('id')
      .where('id', '=', id)
      .executeTakeFirst();
    if (!known) throw new OmoiError('unknown_maintenance', `There is no maintenance ${id}.`);
  }

  /** Records those that have ended by themselves. @throws what the database throws */
  async endDue(): Promise<void> {
    const now = momentOf(this.#parts.clock);
    for (const window of this.#running.values()) if (leftMs(window, now) === 0) await this.#end(window, null);
  }

  /** Of those that cover a place the one that lasts longest; null where none does. */
  covering(place: FleetPlace, now: Moment): RunningMaintenance | null {
    let longest: RunningMaintenance | null = null;
    for (const window of this.#running.values()) {
      if (!contains(window.target, place)) continue;
      const left = leftMs(window, now);
      if (left > (longest?.leftMs ?? 0)) longest = { window, leftMs: left };
    }
    return longest;
  }

  /** The maintenance in which what these labels are about is, by its `agent_id`, `pool_id` or `host`; null without one. */
  ofLabels(labels: Labels): string | null {
    if (this.#running.size === 0) return null;
    const { agent_id: agentId = null, pool_id: poolId = null, host = null } = labels;
    return this.over({ agentId, poolId, host })?.window.id ?? null;
  }

  /** The maintenance that covers a place now, by what the fleet knows of its agent before what is said of it. */
  over({ agentId, poolId, host }: FleetPlace): RunningMaintenance | null {
    const { fleet, clock } = this.#parts;
    const agent = agentId === null ? null : fleet.agent(agentId);
    const place = { agentId, poolId: agent?.poolId ?? poolId, host: agent?.host ?? host };
    return this.covering(place, momentOf(clock));
  }

  async #insert(
    tx: StateTransaction,
    order: Omit<MaintenanceOrder, 'target'> & { readonly id: string; readonly target: MaintenanceTarget },
  ): Promise<MaintenanceWindow> {
    const { clock, bus } = this.#parts;
    const now = momentOf(clock, tx.nowMs);
    const { id, target, lengthMs, reason, by } = order;
    const window = { id, target, reason, startedBy: by, start: now, lengthMs };
    await tx.db.insertInto('maintenance_windows').values(rowOf(window, now)).execute();
    await bus.append(tx, {
      event_type: 'watchdog.maintenance.started',
      entity_type: 'maintenance',
      entity_id: id,
      payload: { ...refOf(window), started_by: by, until: toRfc3339(now.wallMs + lengthMs) },
      traceparent: null,
    });
    // It holds from here on: whoever decides behind this transaction may share its commit.
    this.#running.set(id, window);
    tx.afterRollback(() => this.#running.delete(id));
    return window;
  }

  /** @param by null where its time is over */
  #end(window: MaintenanceWindow, by: string | null): Promise<void> {
    const { database, bus, onEnded } = this.#parts;
    return this.#changes.run(() =>
      database.transaction(async (tx) => {
        const ended = await tx.db
          .updateTable('maintenance_windows')
          .set({ ended_at_ms: Math.floor(tx.nowMs), ended_by: by })
          .where('id', '=', window.id)
          .where('ended_at_ms', 'is', null)
          .returning('id')
          .execute();
        if (ended.length > 0) {
          await bus.append(tx, {
            event_type: 'watchdog.maintenance.ended',
            entity_type: 'maintenance',
            entity_id: window.id,
            payload: { ...refOf(window), ended_by: by },
            traceparent: null,
          });
        }
        tx.afterCommit(() => {
          if (this.#running.delete(window.id)) onEnded();
        });
      }),
    );
  }
}

function refOf({ id, target, reason }: MaintenanceWindow) {
  return { maintenance_id: id, target: maintenanceTargetText(target), reason };
}

function rowOf(window: MaintenanceWindow, { wallMs, bootMs, bootId }: Moment) {
  return {
    id: window.id,
    target_kind: window.target.kind,
    target_id: window.target.id,
    reason: window.reason,
    started_by: window.startedBy,
    started_at_ms: Math.floor(wallMs),
    boot_ms: Math.floor(bootMs),
    boot_id: bootId,
    length_ms: Math.ceil(window.lengthMs),
    ended_at_ms: null,
    ended_by: null,
  };
}

function windowOf(row: Selectable<StateTables['maintenance_windows']>): MaintenanceWindow {
  return {
    id: row.id,
    target: { kind: row.target_kind, id: row.target_id },
    reason: row.reason,
    startedBy: row.started_by,
    start: { wallMs: row.started_at_ms, bootMs: row.boot_ms, bootId: row.boot_id },
    lengthMs: row.length_ms,
  };
}
