import type { NewEpisode } from './episode-writer.ts';

/** An episode of a rule that says nothing but its name. */
export function newEpisode(alertId: string, fingerprint = alertId): NewEpisode {
  return {
    alertId,
    ruleId: 'fleet/Silent',
    ruleKey: 'fleet/Silent',
    fingerprint,
    labels: { alertname: 'Silent' },
    sourceLabels: {},
    annotations: {},
    severity: 'error',
    value: 1,
    metricName: null,
    threshold: null,
    comparison: null,
    activeAtMs: 0,
    firedAtMs: 0,
    traceparent: null,
  };
}
