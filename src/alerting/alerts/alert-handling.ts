import type { EventBus } from '#eventbus';
import type { StateDatabase, StateTables, StateTransaction } from '#storage';
import { createId, formatDuration, OmoiError, toRfc3339, type Clock, type Random } from '#telemetry';
import { aboutAlert, alertFacts } from './alert-events.ts';
import { lockAlert, lockFiringAlert, unknownAlert } from './alert-lookup.ts';
import type { AlertRow } from './alert-row.ts';
import type { Snoozes } from './snoozes.ts';

export type AlertComment = StateTables['alert_comments'];

/** People are told again after so long at the latest. */
export const maxSnoozeMs = 30 * 86_400_000;
export const maxCommentsPerAlert = 200;
/** So many of them are shown beside the alert, the newest; all are listed by themselves. */
export const maxCommentsShown = 20;

export interface AlertHandlingParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly snoozes: Snoozes;
}

export interface SnoozeOrder {
  /** Wall ms. */
  readonly untilMs: number;
  readonly by: string;
  readonly note: string | null;
}

/** What people do about alerts while they fire, each with its event. Whoever ends one goes to the `AlertStore`. */
export class AlertHandling {
  readonly #parts: AlertHandlingParts;

  constructor(parts: AlertHandlingParts) {
    this.#parts = parts;
  }

  /**
   * A person has seen the alert. The first one to say so is kept, with the note.
   * @throws OmoiError `unknown_alert`, `alert_resolved`
   */
  acknowledge(alertId: string, by: string, note: string | null = null): Promise<AlertRow> {
    return this.#change(alertId, async (tx, row) => {
      if (row.acknowledged_by !== null) return;
      const nowMs = this.#nowMs();
      await updateAlert(tx, alertId, {
        acknowledged_by: by,
        acknowledged_at_ms: nowMs,
        acknowledged_note: note,
        updated_at_ms: nowMs,
      });
      await this.#parts.bus.append(tx, {
        event_type: 'monitor.alert.acknowledged',
        ...aboutAlert(row),
        payload: { ...alertFacts(row), acknowledged_by: by, ...(note !== null && { note }) },
      });
    });
  }

  /**
   * Nobody is told that it fires before that time; if it still does then, people are. A later order takes the place of an
   * earlier one.
   * @throws OmoiError `unknown_alert`, `alert_resolved`, `invalid_request`, `alert_limit_reached`
   */
  async snooze(alertId: string, { untilMs, by, note }: SnoozeOrder): Promise<AlertRow> {
    const nowMs = this.#nowMs();
    if (untilMs <= nowMs)
      throw new OmoiError(
        'invalid_request',
        `${toRfc3339(untilMs)} is past: an alert is snoozed until a time to come`,
      );
    if (untilMs > nowMs + maxSnoozeMs) {
      const message = `An alert is snoozed for ${formatDuration(maxSnoozeMs)} at most; silence it for longer`;
      throw new OmoiError('invalid_request', message);
    }
    return this.#change(alertId, async (tx, row) => {
      const { snoozes, bus } = this.#parts;
      snoozes.checkRoom(alertId);
      await updateAlert(tx, alertId, {
        snoozed_until_ms: untilMs,
        snoozed_by: by,
        snooze_note: note,
        updated_at_ms: nowMs,
      });
      await bus.append(tx, {
        event_type: 'monitor.alert.snoozed',
        ...aboutAlert(row),
        payload: {
          ...alertFacts(row),
          snoozed_by: by,
          until: toRfc3339(untilMs),
          ...(note !== null && { note }),
        },
      });
      tx.afterCommit(() => snoozes.add(alertId, untilMs));
    });
  }

  /** People are told of it as of others; nothing happens where it is not snoozed. @throws OmoiError `unknown_alert`, `alert_resolved` */
  unsnooze(alertId: string, by: string): Promise<AlertRow> {
    return this.#change(alertId, async (tx, row) => {
      if (row.snoozed_by === null) return;
      const { snoozes, bus } = this.#parts;
      const nowMs = this.#nowMs();
      await updateAlert(tx, alertId, { snoozed_until_ms: nowMs, snoozed_by: null, updated_at_ms: nowMs });
      await bus.append(tx, {
        event_type: 'monitor.alert.unsnoozed',
        ...aboutAlert(row),
        payload: { ...alertFacts(row), unsnoozed_by: by },
      });
      tx.afterCommit(() => snoozes.delete(alertId));
    });
  }

  /** Says who looks after it. @param to null: nobody any more @throws OmoiError `unknown_alert`, `alert_resolved` */
  assign(alertId: string, to: string | null, by: string): Promise<AlertRow> {
    return this.#change(alertId, async (tx, row) => {
      if (row.assigned_to === to) return;
      const nowMs = this.#nowMs();
      await updateAlert(tx, alertId, {
        assigned_to: to,
        assigned_by: to === null ? null : by,
        assigned_at_ms: to === null ? null : nowMs,
        updated_at_ms: nowMs,
      });
      await this.#parts.bus.append(tx, {
        event_type: 'monitor.alert.assigned',
        ...aboutAlert(row),
        payload: { ...alertFacts(row), assigned_to: to, assigned_by: by },
      });
    });
  }

  /** Of one that is over, too: what was found out afterwards. @throws OmoiError `unknown_alert`, `alert_limit_reached` */
  comment(alertId: string, text: string, by: string): Promise<AlertComment> {
    const { database, bus, random } = this.#parts;
    return database.transaction(async (tx) => {
      const row = await lockAlert(tx, alertId);
      const { count } = await tx.db
        .selectFrom('alert_comments')
        .select((of) => of.fn.countAll().as('count'))
        .where('alert_id', '=', alertId)
        .executeTakeFirstOrThrow();
      if (Number(count) >= maxCommentsPerAlert) {
        const message = `Alert ${alertId} has ${maxCommentsPerAlert} comments (maxCommentsPerAlert)`;
        throw new OmoiError('alert_limit_reached', message);
      }
      const nowMs = this.#nowMs();
      const id = createId('cmt', nowMs, random);
      const comment = { id, alert_id: alertId, commented_by: by, text, at_ms: nowMs };
      await tx.db.insertInto('alert_comments').values(comment).execute();
      await bus.append(tx, {
        event_type: 'monitor.alert.commented',
        ...aboutAlert(row),
        payload: { ...alertFacts(row), comment_id: id, commented_by: by, text },
      });
      return comment;
    });
  }

  /** The newest in their order, and how many there are. None for an alert that is not known. */
  async newestComments(
    alertId: string,
  ): Promise<{ readonly count: number; readonly newest: readonly AlertComment[] }> {
    const { reader } = this.#parts.database;
    const newest = await reader
      .selectFrom('alert_comments')
      .selectAll()
      .where('alert_id', '=', alertId)
      .orderBy('id', 'desc')
      .limit(maxCommentsShown)
      .execute();
    if (newest.length < maxCommentsShown) return { count: newest.length, newest: newest.reverse() };
    const { count } = await reader
      .selectFrom('alert_comments')
      .select((of) => of.fn.countAll().as('count'))
      .where('alert_id', '=', alertId)
      .executeTakeFirstOrThrow();
    return { count: Number(count), newest: newest.reverse() };
  }

  /** In their order. @throws OmoiError `unknown_alert` */
  async comments(alertId: string): Promise<readonly AlertComment[]> {
    const { reader } = this.#parts.database;
    const rows = await reader
      .selectFrom('alert_comments')
      .selectAll()
      .where('alert_id', '=', alertId)
      .orderBy('id')
      .execute();
    if (rows.length > 0) return rows;
    const alert = await reader.selectFrom('alerts').select('id').where('id', '=', alertId).executeTakeFirst();
    if (!alert) throw unknownAlert(alertId);
    return [];
  }

  #nowMs(): number {
    return Math.floor(this.#parts.clock.wallMs());
  }

  /** @returns the alert as it is then */
  #change(
    alertId: string,
    change: (tx: StateTransaction, row: AlertRow) => Promise<void>,
  ): Promise<AlertRow> {
    return this.#parts.database.transaction(async (tx) => {
      await change(tx, await lockFiringAlert(tx, alertId));
      return tx.db.selectFrom('alerts').selectAll().where('id', '=', alertId).executeTakeFirstOrThrow();
    });
  }
}

async function updateAlert(
  tx: StateTransaction,
  alertId: string,
  values: Partial<StateTables['alerts']>,
): Promise<void> {
  await tx.db.updateTable('alerts').set(values).where('id', '=', alertId).execute();
}
