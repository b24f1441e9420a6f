import { sql } from 'kysely';
import type { RetentionRule } from './retention.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

const DAY_MS = 86_400_000;

/**
 * A consumer touches its cursor every hour while it runs. One that was not touched for this long belongs to a
 * consumer that is gone, and no longer keeps events.
 */
export const deadCursorMs = 14 * DAY_MS;

const ofNoRemediation = sql<boolean>`remediation_id not in (select id from remediations)`;

/** How long what has ended is kept, in ms. What goes on is kept, however old. */
export interface StateKeep {
  readonly eventsMs: number;
  readonly alertsMs: number;
  readonly anomaliesMs: number;
  readonly remediationsMs: number;
  readonly tasksMs: number;
}

export function stateRetention(keep: StateKeep): readonly RetentionRule<StateTables>[] {
  return [
    {
      table: 'events',
      key: 'id',
      timeColumn: 'at_ms',
      keepMs: keep.eventsMs,
      // Never past a live consumer's cursor.
      only: (nowMs) => sql<boolean>`id <= coalesce((
        select min(last_event_id) from event_cursors where updated_at_ms >= ${nowMs - deadCursorMs}
      ), ${Number.MAX_SAFE_INTEGER})`,
    },
    { table: 'tasks', key: 'task_id', timeColumn: 'finished_at_ms', keepMs: keep.tasksMs },
    { table: 'task_handoffs', key: 'handoff_id', timeColumn: 'at_ms', keepMs: keep.tasksMs },
    { table: 'alerts', key: 'id', timeColumn: 'resolved_at_ms', keepMs: keep.alertsMs },
    { table: 'monitor_anomalies', key: 'id', timeColumn: 'closed_at_ms', keepMs: keep.anomaliesMs },
    {
      table: 'remediations',
      key: 'id',
      timeColumn: 'updated_at_ms',
      keepMs: keep.remediationsMs,
      only: () => sql<boolean>`state in ('completed', 'escalated', 'cancelled')`,
    },
    // What belonged to a remediation goes after it.
    {
      table: 'watchdog_actions',
      key: 'id',
      timeColumn: 'intended_at_ms',
      keepMs: keep.remediationsMs,
      only: () => ofNoRemediation,
    },
    {
      table: 'watchdog_suppressions',
      key: 'remediation_id',
      timeColumn: 'last_at_ms',
      keepMs: keep.remediationsMs,
      only: () => ofNoRemediation,
    },
  ];
}

/** Spans; logs go by the day, in `observability`. */
export function telemetryRetention(keep: {
  readonly spansMs: number;
}): readonly RetentionRule<TelemetryTables>[] {
  return [{ table: 'trace_spans', key: 'span_id', timeColumn: 'end_us', unit: 'us', keepMs: keep.spansMs }];
}
