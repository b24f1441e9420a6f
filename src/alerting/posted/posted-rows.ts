import { sql } from 'kysely';
import { lockRows, type StateDatabase, type StateTransaction } from '#storage';
import { FIRING, POSTED_RULE_KEY, type AlertRow } from '../alerts/alert-row.ts';

/** What is newly said of an alert that somebody has posted before. */
export interface PostedRefresh {
  readonly alertId: string;
  /** As a row holds them. */
  readonly postings: string;
  /** Null where nobody holds it any more. */
  readonly untilMs: number | null;
  readonly activeAtMs: number;
  /** JSON; null: as they were. */
  readonly annotations: string | null;
  /** Null: as it was. */
  readonly generatorUrl: string | null;
}

/** Writes them in one statement, of six parameters a row. What has ended, unless a person has ended it, stays as it is. */
export async function refreshPosted(tx: StateTransaction, rows: readonly PostedRefresh[]): Promise<void> {
  if (rows.length === 0) return;
  await lockRows(tx, { table: 'alerts', key: 'id', ids: rows.map(({ alertId }) => alertId) });
  const values = sql.join(
    rows.map(
      (row) =>
        sql`(${row.alertId}, ${row.postings}, cast(${row.untilMs} as bigint), cast(${row.activeAtMs} as bigint), cast(${row.annotations} as text), cast(${row.generatorUrl} as text))`,
    ),
  );
  // Both databases call the columns of a bare list of values column1, column2 …
  await sql`update alerts set
      posted_claims = fresh.column2,
      posted_until_ms = fresh.column3,
      active_at_ms = fresh.column4,
      annotations = coalesce(fresh.column5, annotations),
      generator_url = coalesce(fresh.column6, generator_url),
      updated_at_ms = ${Math.floor(tx.nowMs)}
    from (values ${values}) as fresh
    where alerts.id = fresh.column1 and (alerts.state = 'firing' or alerts.cause = 'manual')`.execute(tx.db);
}

/** The posted alerts that fire, and those that a person has ended while others go on to post them. */
export async function readPosted(database: StateDatabase, nowMs: number): Promise<readonly AlertRow[]> {
  const firing = await database.reader
    .selectFrom('alerts')
    .selectAll()
    .where('rule_key', '=', POSTED_RULE_KEY)
    .where('state', '=', FIRING)
    .execute();
  const dismissed = await database.reader
    .selectFrom('alerts')
    .selectAll()
    .where('posted_until_ms', '>', nowMs)
    .where('cause', '=', 'manual')
    .orderBy('resolved_at_ms')
    .execute();
  // Of one label set the one that fires stands over the one that was ended.
  return [...dismissed, ...firing];
}

/** Which of the label sets fire by a rule of Omoi's own. @param fingerprints at most 500 */
export async function firingByRules(
  database: StateDatabase,
  fingerprints: readonly string[],
): Promise<ReadonlySet<string>> {
  if (fingerprints.length === 0) return new Set();
  const rows = await database.reader
    .selectFrom('alerts')
    .select('fingerprint')
    .where('state', '=', FIRING)
    .where('fingerprint', 'in', fingerprints)
    .where('rule_key', '!=', POSTED_RULE_KEY)
    .execute();
  return new Set(rows.map(({ fingerprint }) => fingerprint));
}
