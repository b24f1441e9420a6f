import { sql, type Selectable } from 'kysely';
import type { StateDatabase, StateTables } from '#storage';
import { OmoiError, type AnomalyState } from '#telemetry';

export type AnomalyRow = Selectable<StateTables['monitor_anomalies']>;

type AnomalyPlace = Pick<AnomalyRow, 'detected_at_ms' | 'id'>;

export interface AnomalyQuery {
  readonly state?: AnomalyState;
  readonly metricName?: string;
  /** Only what was detected before this; wall ms. */
  readonly beforeMs?: number;
  /** The last one of the page before, whether it is still there or not. */
  readonly after?: AnomalyPlace;
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

  /** The newest first; of one time, in the order of their ids. */
  list({ after, ...query }: AnomalyQuery): Promise<readonly AnomalyRow[]> {
    return anomaliesQuery(this.#database.reader, query, after ?? null).execute();
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

/** A walk along one index from where the page begins: what is open has indexes of its own, and nearly all is closed. */
export function anomaliesQuery(
  db: StateDatabase['reader'],
  { state, metricName, beforeMs, limit }: Omit<AnomalyQuery, 'after'>,
  after: AnomalyPlace | null,
) {
  let select = db.selectFrom('monitor_anomalies').selectAll();
  // A literal: the indexes of the open ones are taken only where the database sees that they hold them all.
  if (state !== undefined) select = select.where('state', '=', sql.lit(state));
  if (metricName !== undefined) select = select.where('metric_name', '=', metricName);
  if (beforeMs !== undefined) select = select.where('detected_at_ms', '<', beforeMs);
  if (after) {
    select = select.where(sql<boolean>`(detected_at_ms, id) < (${after.detected_at_ms}, ${after.id})`);
  }
  return select.orderBy('detected_at_ms', 'desc').orderBy('id', 'desc').limit(Math.min(limit, maxListed));
}

function unknownAnomaly(id: string): OmoiError {
  return new OmoiError('unknown_anomaly', `There is no anomaly ${JSON.stringify(id)}.`);
}
