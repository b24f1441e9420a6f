import { sql } from 'kysely';
import type { RetentionRule } from './retention.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

const DAY_MS = 86_400_000;

/**
 * A consumer touches its cursor every hour while it runs. One that was not touched for this long belongs to a
 * consumer that is gone, and no longer keeps events.
 */
export const deadCursorMs = 14 * DAY_MS;

/** How long the state keeps what has ended. What goes on is kept, however old. */
export const STATE_RETENTION: readonly RetentionRule<StateTables>[] = [
  {
    table: 'events',
    key: 'id',
    timeColumn: 'at_ms',
    keepMs: 30 * DAY_MS,
    // Never past a live consumer's cursor.
    only: (nowMs) => sql<boolean>`id <= coalesce((
      select min(last_event_id) from event_cursors where updated_at_ms >= ${nowMs - deadCursorMs}
    ), ${Number.MAX_SAFE_INTEGER})`,
  },
  { table: 'tasks', key: 'task_id', timeColumn: 'finished_at_ms', keepMs: 30 * DAY_MS },
  { table: 'alerts', key: 'id', timeColumn: 'resolved_at_ms', keepMs: 90 * DAY_MS },
  { table: 'audit_log', key: 'id', timeColumn: 'at_ms', keepMs: 365 * DAY_MS },
];

/** How long spans are kept; logs go by the day, in `observability`. */
export const TELEMETRY_RETENTION: readonly RetentionRule<TelemetryTables>[] = [
  { table: 'trace_spans', key: 'span_id', timeColumn: 'end_us', unit: 'us', keepMs: 7 * DAY_MS },
];
