import type { TelemetryDatabase } from '#storage';
import { SampleBatch, SelfMetrics, silentLogger, type Clock } from '#telemetry';
import { createTsdb } from '#tsdb';

const SERIES_PER_COMMIT = 5000;
const METRICS = 20;
/** Every third commit the disk gets time: what waits for it is limited. */
const COMMITS_PER_PAUSE = 3;

export interface PastSeries {
  readonly directory: string;
  readonly database: TelemetryDatabase;
  readonly count: number;
  /** The clock of the time when the series were there: some hours ago. */
  readonly clock: Clock;
}

/**
 * Series of short-lived containers, one sample each, in the snapshot of a store that was stopped hours ago. The
 * server that starts on it has all of them in its head, finds them dead in its first round of upkeep, and has to be
 * rid of them: they come and go in the process that is measured.
 */
export async function writePastSeries({ directory, database, count, clock }: PastSeries): Promise<void> {
  const tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
    directory,
    telemetryDatabase: database,
    limits: { maxSeries: 3_000_000, maxPendingLogBytes: 1024 * 1024 * 1024 },
  });
  for (let from = 0, commits = 1; from < count; from += SERIES_PER_COMMIT, commits++) {
    const batch = new SampleBatch();
    for (let series = from; series < Math.min(count, from + SERIES_PER_COMMIT); series++) {
      batch.add(tsdb.series(labelsOf(series)), clock.wallMs(), series % 1000);
    }
    tsdb.commit(batch, {
      source: 'remote_write',
      traceparent: null,
      receivedAtMs: clock.wallMs(),
      receivedMonotonicMs: clock.monotonicMs(),
    });
    if (commits % COMMITS_PER_PAUSE === 0) await new Promise(setImmediate);
  }
  await tsdb.stop();
}

function labelsOf(series: number): Readonly<Record<string, string>> {
  return {
    __name__: `container_metric_${series % METRICS}`,
    namespace: `namespace-${series % 50}`,
    pod: `job-${Math.floor(series / METRICS).toString(36)}`,
    container: 'main',
    node: `node-${series % 40}`,
  };
}
