import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTransaction } from '#storage';
import { KeyedSerialQueue, type NewSystemEvent, type WatchdogStateName } from '#telemetry';
import type { Storm } from './guards/storm.ts';

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

/** The storms that are on, and what is said of those that are over. */
interface StormChange {
  readonly storms: readonly Storm[];
  readonly ended: string;
  readonly by: string;
}

/** So many failure domains in a storm are kept over a restart, and told one by one. */
const MAX_STORMS_KEPT = 100;

/** Whether the watchdog is paused, in a storm, or distrusts itself: kept over a restart, each change an event. */
export class WatchdogStates {
  readonly #database: StateDatabase;
  readonly #bus: EventBus;
  readonly #active = new Map<WatchdogStateName, WatchdogState>();
  readonly #changes = new KeyedSerialQueue<WatchdogStateName>();
  #storms: readonly Storm[] = [];

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
      if (row.state === 'storm') this.#storms = stormsOf(row.storms);
    }
  }

  get(name: WatchdogStateName): WatchdogState | null {
    return this.#active.get(name) ?? null;
  }

  /** The storms that are on record; none where a server before 052 recorded one. */
  storms(): readonly Storm[] {
    return this.#storms;
  }

  /**
   * Makes a state active or ends it. The row decides whether that is a change: however many ask for it while the
   * database is slow, and over restarts, it is told once.
   */
  set(name: Exclude<WatchdogStateName, 'storm'>, change: StateChange): Promise<void> {
    return this.#changes.run(name, async () => {
      if (this.#active.has(name) === change.active) return;
      await this.#database.transaction(async (tx) => {
        if (await compareAndSet(tx, name, change)) await this.#bus.append(tx, changedEvent(name, change));
        tx.afterCommit(() => this.#follow(name, change, tx.nowMs));
      });
    });
  }

  /** Pauses, or gives a pause that holds already another reason and name: each is an event, and `sinceMs` stays. */
  pause(given: Pick<WatchdogState, 'reason' | 'by'>): Promise<void> {
    const change = { active: true, ...given };
    return this.#changes.run('paused', () =>
      this.#database.transaction(async (tx) => {
        const hasBegun = await compareAndSet(tx, 'paused', change);
        if (hasBegun || (await sayAnew(tx, 'paused', change)))
          await this.#bus.append(tx, changedEvent('paused', change));
        const row = await tx.db
          .selectFrom('watchdog_states')
          .select('changed_at_ms')
          .where('state', '=', 'paused')
          .executeTakeFirstOrThrow();
        tx.afterCommit(() => this.#follow('paused', change, row.changed_at_ms));
      }),
    );
  }

  /**
   * Records which failure domains are in a storm. Each that comes into it or out of it is an event; the first one, and the
   * end of the last one, are a change of the state, and its beginning is told to the operators.
   */
  setStorms(change: StormChange): Promise<void> {
    return this.#changes.run('storm', async () => {
      const storms = change.storms.slice(0, MAX_STORMS_KEPT);
      const [first] = storms;
      const reason = first ? `${first.domain}: ${first.reason}` : change.ended;
      const state = { active: first !== undefined, reason, by: change.by };
      await this.#database.transaction(async (tx) => {
        const hasChanged = await compareAndSet(tx, 'storm', state);
        const before = await holdStorms(tx);
        await tx.db
          .updateTable('watchdog_states')
          .set({ storms: JSON.stringify(storms) })
          .where('state', '=', 'storm')
          .execute();
        await this.#bus.append(
          tx,
          ...(hasChanged && state.active ? [changedEvent('storm', state), escalatedEvent(reason)] : []),
          ...stormEvents(before, storms, change.ended),
          ...(hasChanged && !state.active ? [changedEvent('storm', state)] : []),
        );
        tx.afterCommit(() => {
          if (state.active !== this.#active.has('storm')) this.#follow('storm', state, tx.nowMs);
          this.#storms = storms;
        });
      });
    });
  }

  #follow(name: WatchdogStateName, { active, reason, by }: StateChange, sinceMs: number): void {
    if (active) this.#active.set(name, { reason, by, sinceMs });
    else this.#active.delete(name);
  }
}

function changedEvent(name: WatchdogStateName, { active, reason }: StateChange): NewSystemEvent {
  return {
    event_type: 'watchdog.state.changed',
    entity_type: 'watchdog',
    entity_id: name,
    payload: { state: name, active, reason },
    traceparent: null,
  };
}

function escalatedEvent(reason: string): NewSystemEvent {
  return {
    event_type: 'watchdog.escalated',
    entity_type: 'watchdog',
    entity_id: 'storm',
    payload: { alert_id: null, policy: null, target: null, guardian: 'operators', reason },
    traceparent: null,
  };
}

/** What has come into a storm, and what is out of it. */
function stormEvents(
  before: readonly Storm[],
  now: readonly Storm[],
  ended: string,
): readonly NewSystemEvent[] {
  const told = (domain: string, active: boolean, reason: string): NewSystemEvent => ({
    event_type: 'watchdog.storm.changed',
    entity_type: 'watchdog',
    entity_id: domain,
    payload: { domain, active, reason },
    traceparent: null,
  });
  const isAmong = (storms: readonly Storm[], { domain }: Storm): boolean =>
    storms.some((storm) => storm.domain === domain);
  return [
    ...before.filter((storm) => !isAmong(now, storm)).map(({ domain }) => told(domain, false, ended)),
    ...now.filter((storm) => !isAmong(before, storm)).map(({ domain, reason }) => told(domain, true, reason)),
  ];
}

/** The storms on record, of a row that no other process changes before this transaction's end. */
async function holdStorms(tx: StateTransaction): Promise<readonly Storm[]> {
  const row = await tx.db
    .selectFrom('watchdog_states')
    .select('storms')
    .where('state', '=', 'storm')
    .forUpdate()
    .executeTakeFirst();
  return stormsOf(row?.storms ?? null);
}

function stormsOf(text: string | null): readonly Storm[] {
  // Written by `setStorms`, and by nobody else.
  return text === null ? [] : (JSON.parse(text) as readonly Storm[]);
}

/** Writes why a state that is active is so, and by whom; false where that is on record. */
async function sayAnew(
  tx: StateTransaction,
  name: WatchdogStateName,
  { reason, by }: StateChange,
): Promise<boolean> {
  const changed = await tx.db
    .updateTable('watchdog_states')
    .set({ reason, changed_by: by })
    .where('state', '=', name)
    .where('active', '=', 1)
    .where((where) => where.or([where('reason', '!=', reason), where('changed_by', '!=', by)]))
    .returning('state')
    .execute();
  return changed.length > 0;
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
