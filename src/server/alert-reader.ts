import type { Alerting, AlertRow } from '#alerting';
import { OmoiError, type Labels } from '#telemetry';
import type { AlertReader, AlertFacts } from '#watchdog';

const PAGE_LIMIT = 1000;
/** Which way a value that is compared so gets worse; what is compared otherwise has no such direction. */
const WORSE: Readonly<Record<string, AlertFacts['worse']>> = {
  '>': 'higher',
  '>=': 'higher',
  '<': 'lower',
  '<=': 'lower',
};

/** The alerts as the watchdog needs them. */
export function createAlertReader({ alerts }: Pick<Alerting, 'alerts'>): AlertReader {
  return {
    async get(alertId) {
      try {
        return factsOf(await alerts.get(alertId));
      } catch (thrown) {
        if (thrown instanceof OmoiError && thrown.code === 'unknown_alert') return null;
        throw thrown;
      }
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
    labels: JSON.parse(row.labels) as Labels,
    severity: row.severity,
    state: row.state === 'firing' ? 'firing' : 'resolved',
    cause: row.cause,
    value: Number(row.value),
    worse: WORSE[row.comparison ?? ''] ?? null,
    traceparent: row.traceparent,
  };
}
