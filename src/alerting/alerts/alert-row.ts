import { sql } from 'kysely';
import type { StateDatabase, StateTables } from '#storage';

export type AlertRow = StateTables['alerts'];

/** As text in the statement: SQLite takes an index on a part of a table only where it can see that the part fits. */
export const FIRING = sql.lit('firing' as const);

/** In place of a rule's key, of alerts that others have posted: no rule's, which has a slash. */
export const POSTED_RULE_KEY = 'posted';

/** The firing alerts of one rule. */
export function readFiringAlerts(database: StateDatabase, ruleKey: string): Promise<AlertRow[]> {
  return database.reader
    .selectFrom('alerts')
    .selectAll()
    .where('rule_key', '=', ruleKey)
    .where('state', '=', FIRING)
    .execute();
}

/** Those of the alerts that a person has ended. At most 500 ids. */
export async function readEndedByHand(
  database: StateDatabase,
  alertIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await database.reader
    .selectFrom('alerts')
    .select('id')
    .where('id', 'in', alertIds)
    .where('cause', '=', 'manual')
    .execute();
  return new Set(rows.map(({ id }) => id));
}

/** The fingerprints of the alerts of rules that have ended since then. */
export async function readResolvedSince(
  database: StateDatabase,
  sinceMs: number,
): Promise<readonly string[]> {
  const rows = await database.reader
    .selectFrom('alerts')
    .select('fingerprint')
    .distinct()
    .where('resolved_at_ms', '>=', sinceMs)
    .where('rule_key', '!=', POSTED_RULE_KEY)
    .execute();
  return rows.map(({ fingerprint }) => fingerprint);
}
