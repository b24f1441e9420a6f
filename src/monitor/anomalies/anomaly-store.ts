import { sql, type Selectable } from 'kysely';
import type { StateDatabase, StateTables } from '#storage';
import { OmoiError, type AnomalyState } from '#telemetry';

export type AnomalyRow = Selectable<StateTables['monitor_anomalies']>;

export interface AnomalyQuery {
  readonly state?: AnomalyState;
  readonly metricName?: string;
  /** Only what was detected before this; wall ms. */
  readonly beforeMs?: number;
  /** At most 1000. */
  readonly limit: number;
}

const maxListed = 1000;

/** The anomalies as people see and handle them. */
export class AnomalyStore {
  readonly #database: StateDatabase;

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** The newest first. */
  list(query: AnomalyQuery): Promise<readonly AnomalyRow[]> {
    let select = this.#database.reader.selectFrom('monitor_anomalies').selectAll();
    // A literal: the index of the open ones is taken only where the database sees that it holds them all.
    if (query.state !== undefined) select = select.where('state', '=', sql.lit(query.state));
    if (query.metricName !== undefined) select = select.where('metric_name', '=', query.metricName);
    if (query.beforeMs !== undefined) select = select.where('detected_at_ms', '<', query.beforeMs);
    return select
      .orderBy('detected_at_ms', 'desc')
      .orderBy('id', 'desc')
      .limit(Math.min(query.limit, maxListed))
      .execute();
  }

  /** @throws OmoiError `unknown_anomaly` */
  async get(id: string): Promise<AnomalyRow> {
    const row = await this.#database.reader
      .selectFrom('monitor_anomalies')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (!row) throw unknownAnomaly(id);
    return row;
  }

  /**
   * A person has seen it; the first one to say so is kept.
   * @throws OmoiError `unknown_anomaly`
   */
  async acknowledge(id: string, by: string): Promise<AnomalyRow> {
    await this.#database.transaction((tx) =>
      tx.db
        .updateTable('monitor_anomalies')
        .set({ acknowledged_by: by, acknowledged_at_ms: Math.floor(tx.nowMs) })
        .where('id', '=', id)
        .where('acknowledged_by', 'is', null)
        .execute(),
    );
    return this.get(id);
  }
}

function unknownAnomaly(id: string): OmoiError {
  return new OmoiError('unknown_anomaly', `There is no anomaly ${JSON.stringify(id)}.`);
}
