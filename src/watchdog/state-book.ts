import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';

export type WatchdogStateName = 'paused' | 'storm' | 'self_suspicion';

export interface WatchdogState {
  readonly reason: string;
  readonly by: string;
  readonly sinceMs: number;
}

/** Whether the watchdog is paused, in a storm, or distrusts itself: kept over a restart, each change an event. */
export class StateBook {
  readonly #database: StateDatabase;
  readonly #bus: EventBus;
  readonly #active = new Map<WatchdogStateName, WatchdogState>();

  constructor(database: StateDatabase, bus: EventBus) {
    this.#database = database;
    this.#bus = bus;
  }

  async start(): Promise<void> {
    const rows = await this.#database.reader
      .selectFrom('watchdog_states')
      .selectAll()
      .where('active', '=', 1)
      .execute();
    for (const row of rows) {
      const name = row.state as WatchdogStateName;
      this.#active.set(name, { reason: row.reason, by: row.changed_by, sinceMs: row.changed_at_ms });
    }
  }

  get(name: WatchdogStateName): WatchdogState | null {
    return this.#active.get(name) ?? null;
  }

  /** Makes a state active or ends it; what is so already is left alone. */
  async set(name: WatchdogStateName, change: { active: boolean; reason: string; by: string }): Promise<void> {
    if (this.#active.has(name) === change.active) return;
    await this.#database.transaction(async (tx) => {
      await this.#write(tx, name, change);
      await this.#bus.append(tx, {
        event_type: 'watchdog.state.changed',
        entity_type: 'watchdog',
        entity_id: name,
        payload: { state: name, active: change.active, reason: change.reason },
        traceparent: null,
      });
      if (name === 'storm' && change.active) {
        await this.#bus.append(tx, {
          event_type: 'watchdog.escalated',
          entity_type: 'watchdog',
          entity_id: name,
          payload: {
            alert_id: null,
            policy: null,
            target: null,
            guardian: 'operators',
            reason: change.reason,
          },
          traceparent: null,
        });
      }
      tx.afterCommit(() => {
        if (change.active)
          this.#active.set(name, { reason: change.reason, by: change.by, sinceMs: tx.nowMs });
        else this.#active.delete(name);
      });
    });
  }

  async #write(
    tx: StateTransaction,
    name: WatchdogStateName,
    change: { active: boolean; reason: string; by: string },
  ): Promise<void> {
    const row = {
      active: change.active ? 1 : 0,
      reason: change.reason,
      changed_by: change.by,
      changed_at_ms: tx.nowMs,
    };
    await tx.db
      .insertInto('watchdog_states')
      .values({ state: name, ...row })
      .onConflict((conflict) => conflict.column('state').doUpdateSet(row))
      .execute();
  }
}
