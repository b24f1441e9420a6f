import { sql } from 'kysely';
import { lockRows, type StateTransaction } from '#storage';
import type { Labels } from '#telemetry';
import { formatSampleValue } from '../sample-value.ts';

/** What changes on a firing alert's row while it fires. */
export interface AlertRefresh {
  readonly value: number;
  /** Null: as they were. */
  readonly annotations: Labels | null;
  readonly evaluationError: string | null;
}

/** As it stands in the row. */
interface RefreshedRow {
  readonly alertId: string;
  readonly value: string;
  readonly annotations: string | null;
  readonly evaluationError: string | null;
}

/** The newest value, annotations and error of one rule's firing alerts, as far as their rows don't have them yet. */
export class AlertRefreshes {
  readonly #waiting = new Map<string, RefreshedRow>();
  readonly #written = new Map<string, RefreshedRow>();

  get isChanged(): boolean {
    return this.#waiting.size > 0;
  }

  note(alertId: string, refresh: AlertRefresh): void {
    const before = this.#waiting.get(alertId) ?? this.#written.get(alertId);
    const row: RefreshedRow = {
      alertId,
      value: formatSampleValue(refresh.value),
      annotations:
        refresh.annotations === null ? (before?.annotations ?? null) : JSON.stringify(refresh.annotations),
      evaluationError: refresh.evaluationError,
    };
    const isSame =
      before?.value === row.value &&
      before.annotations === row.annotations &&
      before.evaluationError === row.evaluationError;
    if (!isSame) this.#waiting.set(alertId, row);
  }

  /** Those that wait longest. Call `written` when they are on disk. */
  next(limit: number): readonly RefreshedRow[] {
    return [...this.#waiting.values()].slice(0, limit);
  }

  written(rows: readonly RefreshedRow[]): void {
    for (const row of rows) {
      this.#written.set(row.alertId, row);
      this.#waiting.delete(row.alertId);
    }
  }

  /** The alert has ended. */
  forget(alertId: string): void {
    this.#waiting.delete(alertId);
    this.#written.delete(alertId);
  }
}

/** Writes them in one statement, of four parameters a row. Alerts that have ended keep what they had. */
export async function refreshAlerts(tx: StateTransaction, rows: readonly RefreshedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await lockRows(tx, { table: 'alerts', key: 'id', ids: rows.map((row) => row.alertId) });
  const values = sql.join(
    rows.map(
      (row) =>
        sql`(${row.alertId}, ${row.value}, cast(${row.annotations} as text), cast(${row.evaluationError} as text))`,
    ),
  );
  // Both databases call the columns of a bare list of values column1, column2 …
  await sql`update alerts set
      value = fresh.column2,
      annotations = coalesce(fresh.column3, annotations),
      evaluation_error = fresh.column4,
      updated_at_ms = ${Math.floor(tx.nowMs)}
    from (values ${values}) as fresh
    where alerts.id = fresh.column1 and alerts.state = 'firing'`.execute(tx.db);
}
