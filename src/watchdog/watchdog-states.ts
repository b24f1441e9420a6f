import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import { KeyedSerialQueue, type WatchdogStateName } from '#telemetry';

export interface WatchdogState {
  readonly reason: string;
  readonly by: string;
  readonly sinceMs: number;
}

interface StateChange {
  readonly active: boolean;
  readonly reason: string;
  readonly by: string;
}

/** Whether the watchdog is paused, in a storm, or distrusts itself: kept over a restart, each change an event. */
export class WatchdogStates {
  readonly #database: StateDatabase;
  readonly #bus: EventBus;
  readonly #active = new Map<WatchdogStateName, WatchdogState>();
  readonly #changes = new KeyedSerialQueue<WatchdogStateName>();

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
      this.#active.set(row.state, { reason: row.reason, by: row.changed_by, sinceMs: row.changed_at_ms });
    }
  }

  get(name: WatchdogStateName): WatchdogState | null {
    return this.#active.get(name) ?? null;
  }

  /**
   * Makes a state active or ends it. The row decides whether that is a change: however many ask for it while the
   * database is slow, and over restarts, it is told once. A storm that begins is told to the operators, too.
   */
  set(name: WatchdogStateName, change: StateChange): Promise<void> {
    return this.#changes.run(name, async () => {
      if (this.#active.has(name) === change.active) return;
      await this.#database.transaction(async (tx) => {
        if (await compareAndSet(tx, name, change)) await this.#tell(tx, name, change);
        tx.afterCommit(() => {
          const { reason, by } = change;
          if (change.active) this.#active.set(name, { reason, by, sinceMs: tx.nowMs });
          else this.#active.delete(name);
        });
      });
    });
  }

  async #tell(tx: StateTransaction, name: WatchdogStateName, { active, reason }: StateChange): Promise<void> {
    const about = { entity_type: 'watchdog', entity_id: name, traceparent: null } as const;
    await this.#bus.append(tx, {
      ...about,
      event_type: 'watchdog.state.changed',
      payload: { state: name, active, reason },
    });
    if (name !== 'storm' || !active) return;
    await this.#bus.append(tx, {
      ...about,
      event_type: 'watchdog.escalated',
      payload: { alert_id: null, policy: null, target: null, guardian: 'operators', reason },
    });
  }
}

/** Writes a state where the row says otherwise; false where it says so already. */
async function compareAndSet(
  tx: StateTransaction,
  name: WatchdogStateName,
  change: StateChange,
): Promise<boolean> {
  const row = {
    active: change.active ? 1 : 0,
    reason: change.reason,
    changed_by: change.by,
    changed_at_ms: tx.nowMs,
  };
  const changed = await tx.db
    .updateTable('watchdog_states')
    .set(row)
    .where('state', '=', name)
    .where('active', '!=', row.active)
    .returning('state')
    .execute();
  if (changed.length > 0) return true;
  const added = await tx.db
    .insertInto('watchdog_states')
    .values({ state: name, ...row })
    .onConflict((conflict) => conflict.column('state').doNothing())
    .returning('state')
    .execute();
  // A state without a row is not active.
  return added.length > 0 && change.active;
}
