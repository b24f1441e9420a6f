import type { createLogStore } from '#observability';
import {
  Retention,
  retentionJobs,
  stateRetention,
  telemetryRetention,
  type StateDatabase,
  type TelemetryDatabase,
} from '#storage';
import type { Clock, Logger, SelfMetrics } from '#telemetry';
import type { Config } from './config/schema.ts';

interface RetentionParts {
  /** How long what has ended is kept, in ms. */
  readonly keep: Config['retention'];
  readonly state: StateDatabase;
  readonly telemetry: TelemetryDatabase;
  readonly logs: ReturnType<typeof createLogStore>;
  readonly clock: Clock;
  readonly metrics: SelfMetrics;
  readonly logger: Logger;
}

/** Commits took as long as the rows in them with fewer; those who write spans wait for one such transaction. */
const EXPIRED_SPANS_PER_TRANSACTION = 1000;

/** Starts to forget what is too old, in both databases. */
export function startRetention({ keep, state, telemetry, logs, ...parts }: RetentionParts): Retention {
  const { clock } = parts;
  return new Retention({
    ...parts,
    jobs: [
      ...retentionJobs(
        state,
        stateRetention({
          eventsMs: keep.events,
          alertsMs: keep.alerts,
          anomaliesMs: keep.anomalies,
          remediationsMs: keep.remediations,
          tasksMs: keep.tasks,
          auditMs: keep.audit,
        }),
        { clock },
      ),
      ...retentionJobs(telemetry, telemetryRetention({ spansMs: keep.spans }), {
        clock,
        maxRows: EXPIRED_SPANS_PER_TRANSACTION,
      }),
      logs.retention(keep.logs),
    ],
  });
}
