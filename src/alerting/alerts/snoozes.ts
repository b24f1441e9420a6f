import { sql } from 'kysely';
import type { EventBus } from '#eventbus';
import { lockRows, type StateDatabase } from '#storage';
import {
  backoffMs,
  messageOf,
  OmoiError,
  SerialQueue,
  type Clock,
  type Logger,
  type Random,
  type Timer,
} from '#telemetry';
import { aboutAlert, alertFacts } from './alert-events.ts';
import { FIRING } from './alert-row.ts';

export const maxSnoozedAlerts = 10_000;
/** Alerts that are told of again in one transaction. */
const maxEndedAtOnce = 100;
/** What has ended is looked for at least so often: the wall clock may be set. */
const maxSleepMs = 60_000;
const RETRY = { firstMs: 1_000, maxMs: 60_000 };

export interface SnoozeParts {
  readonly database: StateDatabase;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Ends snoozes when their time is over, each with its event. They are on disk: a restart forgets none. */
export class Snoozes {
  readonly #parts: SnoozeParts;
  readonly #queue = new SerialQueue();
  /** By alert, wall ms at which it ends. */
  readonly #until = new Map<string, number>();
  #timer: Timer | null = null;
  #wakesAtMs = Infinity;
  #failures = 0;
  #isStopped = false;

  constructor(parts: SnoozeParts) {
    this.#parts = parts;
  }

  /** Takes up those that have not ended. @throws what the database throws */
  async start(): Promise<void> {
    const rows = await this.#parts.database.reader
      .selectFrom('alerts')
      .select(['id', 'snoozed_until_ms'])
      .where('snoozed_by', 'is not', null)
      .where('state', '=', FIRING)
      .execute();
    for (const row of rows) this.#until.set(row.id, row.snoozed_until_ms ?? 0);
    this.#sleep();
  }

  /** Resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#queue.settled();
  }

  /** @throws OmoiError `alert_limit_reached` */
  checkRoom(alertId: string): void {
    if (this.#until.size < maxSnoozedAlerts || this.#until.has(alertId)) return;
    const message = `${maxSnoozedAlerts} alerts are snoozed (maxSnoozedAlerts)`;
    throw new OmoiError('alert_limit_reached', message);
  }

  /** It is snoozed on disk. */
  add(alertId: string, untilMs: number): void {
    this.#until.set(alertId, untilMs);
    if (untilMs < this.#wakesAtMs) this.#sleep();
  }

  delete(alertId: string): void {
    this.#until.delete(alertId);
  }

  #sleep(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isStopped || this.#until.size === 0) {
      this.#wakesAtMs = Infinity;
      return;
    }
    let next = Infinity;
    for (const untilMs of this.#until.values()) next = Math.min(next, untilMs);
    this.#wakesAtMs = next;
    const inMs = Math.max(0, Math.min(maxSleepMs, next - this.#parts.clock.wallMs()));
    this.#wakeIn(inMs);
  }

  #wakeIn(ms: number): void {
    this.#timer = this.#parts.clock.after(ms, () => void this.#queue.run(() => this.#endDue()));
  }

  /** Never rejects: what could not be written is tried again. */
  async #endDue(): Promise<void> {
    const { clock, logger, random } = this.#parts;
    const nowMs = Math.floor(clock.wallMs());
    const due = [...this.#until].flatMap(([alertId, untilMs]) => (untilMs <= nowMs ? [alertId] : []));
    try {
      for (let at = 0; at < due.length && !this.#isStopped; at += maxEndedAtOnce) {
        await this.#end(due.slice(at, at + maxEndedAtOnce), nowMs);
      }
      this.#failures = 0;
      this.#sleep();
    } catch (thrown) {
      logger.warn({ error: messageOf(thrown) }, 'Snoozes of alerts not ended; it is tried again');
      this.#timer?.cancel();
      if (!this.#isStopped) this.#wakeIn(backoffMs(++this.#failures, RETRY, random));
    }
  }

  /** What has been resolved meanwhile, or is snoozed for longer, is left as it is. */
  async #end(alertIds: readonly string[], nowMs: number): Promise<void> {
    const { database, bus } = this.#parts;
    await database.transaction(async (tx) => {
      await lockRows(tx, { table: 'alerts', key: 'id', ids: alertIds });
      const rows = await tx.db
        .updateTable('alerts')
        .set({ snoozed_by: null, updated_at_ms: nowMs })
        .where('id', 'in', alertIds)
        .where('state', '=', sql.lit('firing'))
        .where('snoozed_by', 'is not', null)
        .where('snoozed_until_ms', '<=', nowMs)
        .returning(['id', 'rule_id', 'severity', 'labels', 'traceparent'])
        .execute();
      await bus.append(
        tx,
        ...rows
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map((row) => ({
            event_type: 'monitor.alert.unsnoozed' as const,
            ...aboutAlert(row),
            payload: { ...alertFacts(row), unsnoozed_by: null },
          })),
      );
      tx.afterCommit(() => {
        for (const alertId of alertIds) {
          if ((this.#until.get(alertId) ?? Infinity) <= nowMs) this.#until.delete(alertId);
        }
      });
    });
  }
}
