import { createMatcher, METRIC_NAME_LABEL, type Matcher } from '#telemetry';

/** A kind of series to watch for anomalies. */
export interface Watch {
  readonly matchers: readonly Matcher[];
  /** `value`: the series as it is. `increase`: of a counter, what was added in the last 10 s. */
  readonly reading: 'value' | 'increase';
  /** Which side counts: `up` where smaller is always fine. */
  readonly direction: 'both' | 'up';
  /** What one unit of noise is at least, in the reading's unit; null where the series itself has to tell. */
  readonly scaleFloor: number | null;
}

/** A bound that the 95th percentile of a series' last 30 s must not pass, whatever its past was. */
export interface P95Bound {
  readonly matchers: readonly Matcher[];
  readonly p95: number;
}

const metric = (name: string): readonly Matcher[] => [createMatcher(METRIC_NAME_LABEL, '=', name)];

/** What is watched without being asked for. */
export const DEFAULT_WATCHES: readonly Watch[] = [
  {
    matchers: metric('tasks_queued_total'),
    reading: 'value',
    direction: 'both',
    scaleFloor: 1,
  },
  {
    matchers: metric('tasks_failed_total'),
    reading: 'increase',
    direction: 'up',
    scaleFloor: 1,
  },
  {
    matchers: metric('agent_heartbeat_age_seconds'),
    reading: 'value',
    direction: 'up',
    // Beats and ticks drift against each other: up to a second of age is a matter of phase alone.
    scaleFloor: 1,
  },
];

/** A watch over whatever a person selects: nothing is known of its unit. */
export function watchSelector(matchers: readonly Matcher[]): Watch {
  return { matchers, reading: 'value', direction: 'both', scaleFloor: null };
}

/** Series that detectors write themselves; watching them would be watching oneself. */
export const UNWATCHABLE_METRICS: ReadonlySet<string> = new Set(['anomaly_score', 'agent_anomaly_score']);
