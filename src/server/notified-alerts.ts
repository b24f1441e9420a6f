import { sql } from 'kysely';
import type { AlertRow } from '#alerting';
import type { AlertReader, StoredAlert } from '#notification';
import type { StateDatabase } from '#storage';
import type { RemediationArchive } from '#watchdog';
import { copyLabels, fingerprintOf, parseLabels, type Labels } from '#telemetry';

const PAGE_LIMIT = 500;

export interface NotifiedAlertParts {
  readonly database: StateDatabase;
  readonly remediations: Pick<RemediationArchive, 'linesOf'>;
  /** Where people reach Omoi, without a slash at the end. */
  readonly externalUrl: () => string;
  /** What an alert of a rule is told with where it has no label of that name; what was posted has those of its sender. */
  readonly externalLabels?: Labels;
}

/** The alerts as notification needs them. */
export function createNotifiedAlerts({
  database,
  remediations,
  externalUrl,
  externalLabels = {},
}: NotifiedAlertParts): AlertReader {
  const identityOf = identitiesWith(externalLabels);
  const notified = (row: AlertRow): StoredAlert => ({
    alertId: row.id,
    ...identityOf(row),
    annotations: parseLabels(row.annotations),
    startsAtMs: row.posted_claims === null ? row.fired_at_ms : row.active_at_ms,
    endsAtMs: row.resolved_at_ms,
    firedAtMs: row.fired_at_ms,
    updatedAtMs: row.updated_at_ms,
    expiresAtMs: row.posted_until_ms,
    generatorUrl: row.generator_url ?? alertPage(externalUrl(), row.id),
    acknowledgedBy: row.acknowledged_by,
    snoozedUntilMs: row.snoozed_until_ms,
    remediation: row.cause === 'remediated' ? 'the watchdog repaired it' : null,
    traceparent: row.traceparent,
  });
  return {
    async read(alertIds, tx) {
      if (alertIds.length === 0) return [];
      const rows = await (tx?.db ?? database.reader)
        .selectFrom('alerts')
        .selectAll()
        .where('id', 'in', alertIds)
        .execute();
      const lines = await remediations.linesOf(alertIds);
      return rows.map((row) => ({
        ...notified(row),
        remediation: lines.get(row.id) ?? notified(row).remediation,
      }));
    },
    async names(alertIds) {
      if (alertIds.length === 0) return new Map();
      const rows = await database.reader
        .selectFrom('alerts')
        .select(['id', 'rule_id'])
        .where('id', 'in', alertIds)
        .execute();
      return new Map(rows.map(({ id, rule_id: rule }) => [id, rule.slice(rule.indexOf('/') + 1)]));
    },
    async *firing() {
      let after: Pick<AlertRow, 'fired_at_ms' | 'id'> = { fired_at_ms: -1, id: '' };
      for (;;) {
        const rows = await firingPage(database.reader, after).execute();
        const last = rows.at(-1);
        if (!last) return;
        yield rows.map(notified);
        after = last;
      }
    },
  };
}

/** The labels by which alerts are routed, and their fingerprint: what Prometheus sends to Alertmanager. */
function identitiesWith(
  externalLabels: Labels,
): (row: AlertRow) => Pick<StoredAlert, 'labels' | 'fingerprint'> {
  const external = Object.entries(externalLabels).filter(([, value]) => value !== '');
  return (row) => {
    const labels = parseLabels(row.labels);
    const added = row.posted_claims === null ? external.filter(([name]) => labels[name] === undefined) : [];
    if (added.length === 0) return { labels, fingerprint: row.fingerprint };
    const joined = copyLabels({ ...labels, ...Object.fromEntries(added) });
    return { labels: joined, fingerprint: fingerprintOf(joined) };
  };
}

/** Of the alerts that fire, those after one, by the index on the state: a page costs what it holds, however many fire. */
export function firingPage(reader: StateDatabase['reader'], after: Pick<AlertRow, 'fired_at_ms' | 'id'>) {
  return reader
    .selectFrom('alerts')
    .selectAll()
    .where('state', '=', sql.lit('firing'))
    .where(sql<boolean>`(fired_at_ms, id) > (${after.fired_at_ms}, ${after.id})`)
    .orderBy('fired_at_ms')
    .orderBy('id')
    .limit(PAGE_LIMIT);
}

/** The page of an alert in mission control. */
export function alertPage(externalUrl: string, alertId: string): string {
  return `${externalUrl}/alerts/${encodeURIComponent(alertId)}`;
}
