import { sql } from 'kysely';
import { parsePostings, type Alerting, type AlertRow } from '#alerting';
import { lockRows, PreparedQuery, type StateDatabase } from '#storage';
import { allSettled, parseLabels } from '#telemetry';
import type { AlertFacts, AlertReader } from '#watchdog';

const PAGE_LIMIT = 1000;
/** Which way a value that is compared so gets worse; what is compared otherwise has no such direction. */
const WORSE: Readonly<Record<string, AlertFacts['worse']>> = {
  '>': 'higher',
  '>=': 'higher',
  '<': 'lower',
  '<=': 'lower',
};

const ONE_FIRING = new PreparedQuery<{ alertId: string }, AlertRow>((db, { alertId }) =>
  db
    .selectFrom('alerts')
    .selectAll()
    .where('id', '=', alertId)
    .where('state', '=', sql.lit('firing'))
    .forUpdate(),
);

/** The alerts as the watchdog needs them. */
export function createAlertReader(
  { alerts }: { readonly alerts: Pick<Alerting['alerts'], 'list'> },
  database: StateDatabase,
): AlertReader {
  return {
    async get(alertId, tx) {
      const found = (tx?.db ?? database.reader).selectFrom('alerts').selectAll().where('id', '=', alertId);
      const row = await (tx?.dialect === 'postgres' ? found.forUpdate() : found).executeTakeFirst();
      return row ? factsOf(row) : null;
    },
    async firingAmong(tx, alertIds) {
      await lockRows(tx, { table: 'alerts', key: 'id', ids: alertIds });
      const rows = await allSettled(alertIds.map((alertId) => ONE_FIRING.first(tx, { alertId })));
      return rows.flatMap((row) => (row ? [factsOf(row)] : []));
    },
    async firing() {
      const firing: AlertFacts[] = [];
      let cursor: string | null = null;
      do {
        const filter = { state: 'firing', matchers: [], limit: PAGE_LIMIT } as const;
        const page = await alerts.list(cursor === null ? filter : { ...filter, cursor });
        firing.push(...page.alerts.map(factsOf));
        cursor = page.nextCursor;
      } while (cursor !== null);
      return firing;
    },
  };
}

function factsOf(row: AlertRow): AlertFacts {
  return {
    alertId: row.id,
    ruleId: row.rule_id,
    // Written as a label set by alerting alone.
    labels: parseLabels(row.labels),
    severity: row.severity,
    state: row.state === 'firing' ? 'firing' : 'resolved',
    cause: row.cause,
    value: Number(row.value),
    worse: WORSE[row.comparison ?? ''] ?? null,
    maintained: row.maintenance_id !== null,
    postedBy:
      row.posted_claims === null ? null : parsePostings(row.posted_claims).map(({ sender }) => sender),
    traceparent: row.traceparent,
  };
}
