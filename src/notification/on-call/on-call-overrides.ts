import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import { createId, OmoiError, toRfc3339, type Clock, type Random } from '#telemetry';

/** Somebody stands in for whoever a schedule has on call. Times: wall ms. */
export interface OnCallOverride {
  readonly id: string;
  readonly schedule: string;
  readonly person: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly comment: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
}

export interface OverrideOrder extends Pick<OnCallOverride, 'schedule' | 'person' | 'endsAtMs' | 'comment'> {
  /** Null: now. */
  readonly startsAtMs: number | null;
  readonly by: string;
}

/** So many that have not ended may be there. */
export const maxOnCallOverrides = 1_000;
export const maxOverrideMs = 366 * 86_400_000;
/** Ended ones are kept for so long, for those who ask who was on call. */
const keepEndedMs = 90 * 86_400_000;

export interface OverrideParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
}

/** The overrides of all schedules. The one owner of the rows. */
export class OnCallOverrides {
  readonly #parts: OverrideParts;
  readonly #overrides = new Map<string, OnCallOverride>();

  constructor(parts: OverrideParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const rows = await this.#parts.database.reader.selectFrom('on_call_overrides').selectAll().execute();
    for (const row of rows) this.#overrides.set(row.id, overrideOf(row));
  }

  /** Those of a schedule that have not ended by then, the next one first. */
  list(schedule: string, wallMs: number): readonly OnCallOverride[] {
    return [...this.#overrides.values()]
      .filter((one) => one.schedule === schedule && one.endsAtMs > wallMs)
      .toSorted((a, b) => a.startsAtMs - b.startsAtMs || (a.id < b.id ? -1 : 1));
  }

  /** The one that counts, of those that may: of several the newest. */
  at(
    schedule: string,
    wallMs: number,
    mayCount: (override: OnCallOverride) => boolean,
  ): OnCallOverride | null {
    let newest: OnCallOverride | null = null;
    for (const one of this.#overrides.values()) {
      if (one.schedule !== schedule || one.startsAtMs > wallMs || one.endsAtMs <= wallMs) continue;
      if (!mayCount(one)) continue;
      if (newest === null || one.id > newest.id) newest = one;
    }
    return newest;
  }

  /** Whether schedule and person are there is the caller's matter. @throws OmoiError `invalid_override` */
  async add(order: OverrideOrder): Promise<OnCallOverride> {
    const { database, clock, random } = this.#parts;
    const nowMs = Math.floor(clock.wallMs());
    const startsAtMs = Math.floor(order.startsAtMs ?? nowMs);
    const endsAtMs = Math.floor(order.endsAtMs);
    if (endsAtMs <= startsAtMs) throw refusal('it ends before it begins');
    if (endsAtMs <= nowMs) throw refusal('it is over already');
    if (endsAtMs - startsAtMs > maxOverrideMs) throw refusal('it lasts longer than 366 days');
    const running = [...this.#overrides.values()].filter((one) => one.endsAtMs > nowMs);
    if (running.length >= maxOnCallOverrides) {
      throw refusal(`${maxOnCallOverrides} overrides are there already: remove some`);
    }
    const override: OnCallOverride = {
      id: createId('ovr', nowMs, random),
      schedule: order.schedule,
      person: order.person,
      startsAtMs,
      endsAtMs,
      comment: order.comment,
      createdBy: order.by,
      createdAtMs: nowMs,
    };
    await database.transaction(async (tx) => {
      await this.#forgetEnded(tx, nowMs);
      await tx.db.insertInto('on_call_overrides').values(rowOf(override)).execute();
      await this.#tell(tx, override, null);
      tx.afterCommit(() => this.#overrides.set(override.id, override));
    });
    return override;
  }

  /** @throws OmoiError `unknown_on_call` */
  async remove(id: string, by: string): Promise<OnCallOverride> {
    const override = this.#overrides.get(id);
    if (!override) throw new OmoiError('unknown_on_call', `there is no override ${id}`);
    await this.#parts.database.transaction(async (tx) => {
      await tx.db.deleteFrom('on_call_overrides').where('id', '=', id).execute();
      await this.#tell(tx, override, by);
      tx.afterCommit(() => this.#overrides.delete(id));
    });
    return override;
  }

  async #forgetEnded(tx: StateTransaction, nowMs: number): Promise<void> {
    const beforeMs = nowMs - keepEndedMs;
    await tx.db.deleteFrom('on_call_overrides').where('ends_at_ms', '<', beforeMs).execute();
    tx.afterCommit(() => {
      for (const { id, endsAtMs } of this.#overrides.values()) {
        if (endsAtMs < beforeMs) this.#overrides.delete(id);
      }
    });
  }

  #tell(tx: StateTransaction, override: OnCallOverride, removedBy: string | null): Promise<void> {
    return this.#parts.bus.append(tx, {
      event_type: 'notification.on_call.overridden',
      entity_type: 'on_call',
      entity_id: override.schedule,
      payload: {
        override_id: override.id,
        schedule: override.schedule,
        person: override.person,
        starts_at: toRfc3339(override.startsAtMs),
        ends_at: toRfc3339(override.endsAtMs),
        comment: override.comment,
        created_by: override.createdBy,
        removed_by: removedBy,
      },
      traceparent: null,
    });
  }
}

function refusal(problem: string): OmoiError {
  return new OmoiError('invalid_override', `the override cannot be: ${problem}`);
}

type Row = StateTables['on_call_overrides'];

function rowOf(override: OnCallOverride): Row {
  return {
    id: override.id,
    schedule: override.schedule,
    person: override.person,
    starts_at_ms: override.startsAtMs,
    ends_at_ms: override.endsAtMs,
    comment: override.comment,
    created_by: override.createdBy,
    created_at_ms: override.createdAtMs,
  };
}

function overrideOf(row: Row): OnCallOverride {
  return {
    id: row.id,
    schedule: row.schedule,
    person: row.person,
    startsAtMs: row.starts_at_ms,
    endsAtMs: row.ends_at_ms,
    comment: row.comment,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
  };
}
