import type { Alerting, AlertRow } from '#alerting';
import { OmoiError, type Labels } from '#telemetry';
import type { AlertBook, AlertFacts } from '#watchdog';

const PAGE_LIMIT = 1000;

/** The alerts as the watchdog needs them. */
export function createAlertReader({ alerts }: Pick<Alerting, 'alerts'>): AlertBook {
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
    traceparent: row.traceparent,
  };
}
