import {
  createMatcher,
  isStaleMarker,
  messageOf,
  METRIC_NAME_LABEL,
  STANDARD_METRICS,
  wordsOf,
  type Clock,
  type Labels,
  type Logger,
  type Queryable,
  type SelectedSeries,
  type StandardMetric,
} from '#telemetry';
import type { SeriesAppender } from './series-appender.ts';

/** What is told of the fleet and its agents as it is: what their newest sample says is believed for as long as readers look back. */
const GAUGES: readonly StandardMetric[] = [
  'tasks_queued_total',
  'resource_locks_active',
  'agents_active',
  'agents_by_status',
  'agent_status',
  'agent_clings_to_lost_task',
  'agent_heartbeat_age_seconds',
  'agent_heartbeats_missed',
  'agent_cpu_seconds_total',
  'agent_memory_bytes',
];
/** How far an instant selector looks back, and how far a sample may be ahead after a step of the clock. */
const LOOKBACK_MS = 300_000;

export interface LeftSeriesParts {
  readonly appender: SeriesAppender;
  readonly store: Pick<Queryable, 'select'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted where the monitor stops. */
  readonly signal: AbortSignal;
}

/**
 * Ends the gauges that the last process of this server has left and this one does not keep: an agent that ended while
 * nobody looked, a queue that is empty, a staleness marker that did not reach the disk. Call once all that is kept is
 * open; a unit for each metric. Never throws.
 */
export async function endLeftSeries(parts: LeftSeriesParts): Promise<void> {
  const { appender, store, clock, logger, signal } = parts;
  try {
    for (const metric of GAUGES) {
      const nowMs = clock.wallMs();
      const found = await store.select({
        matchers: [createMatcher(METRIC_NAME_LABEL, '=', metric)],
        startMs: nowMs - LOOKBACK_MS,
        endMs: nowMs + LOOKBACK_MS,
        latestOnly: true,
        mayPause: true,
      });
      if (signal.aborted) return;
      appender.endLeft(
        metric,
        found.filter((series) => isOwn(metric, series.labels) && !hasEnded(series)),
      );
      appender.flush();
    }
  } catch (thrown) {
    logger.warn(
      { error: messageOf(thrown) },
      'Series of agents and queues that are gone not ended: rules see their last values for up to 5 min',
    );
  }
}

/** Whether the collector writes series of such labels; what a scrape or a remote write brings has more. */
function isOwn(metric: StandardMetric, labels: Labels): boolean {
  const names: readonly string[] = STANDARD_METRICS[metric].labels;
  return Object.keys(labels).every((name) => name === METRIC_NAME_LABEL || names.includes(name));
}

function hasEnded({ values }: SelectedSeries): boolean {
  return values.length === 0 || isStaleMarker(wordsOf(values), values.length - 1);
}
