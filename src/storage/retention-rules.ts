import { sql } from 'kysely';
import type { RetentionRule } from './retention.ts';
import type { StateTables, TelemetryTables } from './tables.ts';

const DAY_MS = 86_400_000;

/**
 * A consumer touches its cursor every hour while it runs. One that was not touched for this long belongs to a
 * consumer that is gone, and no longer keeps events.
 */
export const deadCursorMs = 14 * DAY_MS;

/** A silence is to be looked up, and taken up again, for so long after its end: Alertmanager's `--data.retention`. */
export const silencesKeepMs = 120 * 3_600_000;

/** How long what has ended is kept, in ms. What goes on is kept, however old. */
export interface StateKeep {
  readonly eventsMs: number;
  readonly alertsMs: number;
  readonly anomaliesMs: number;
  readonly remediationsMs: number;
  readonly tasksMs: number;
  /** Entries of the audit log, and tokens after they were revoked. */
  readonly auditMs: number;
}

/** The one list of what the state forgets: no part deletes for age by itself. */
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
    // A consumer that fails again and again goes on behind what stopped it, once that event is gone: its cursor stays.
    {
      table: 'event_cursors',
      key: 'consumer',
      timeColumn: 'updated_at_ms',
      keepMs: deadCursorMs + keep.eventsMs,
    },
    {
      table: 'tasks',
      key: 'task_id',
      timeColumn: 'finished_at_ms',
      keepMs: keep.tasksMs,
      withChildren: { table: 'task_handoffs', column: 'task_id' },
    },
    {
      table: 'alerts',
      key: 'id',
      timeColumn: 'resolved_at_ms',
      keepMs: keep.alertsMs,
      withChildren: { table: 'alert_comments', column: 'alert_id' },
    },
    {
      table: 'alert_rules',
      key: 'rule_key',
      timeColumn: 'removed_at_ms',
      keepMs: keep.alertsMs,
      // What still fires or is remembered is ended by the rule's key when the server starts.
      only: () => sql<boolean>`not exists (
        select 1 from alerts where alerts.rule_key = oldest.rule_key and alerts.state = ${sql.lit('firing')}
      ) and not exists (select 1 from alert_rule_state as saved where saved.rule_key = oldest.rule_key)`,
    },
    { table: 'notifications', key: 'id', timeColumn: 'finished_at_ms', keepMs: keep.alertsMs },
    { table: 'notification_decisions', key: 'id', timeColumn: 'at_ms', keepMs: keep.alertsMs },
    { table: 'monitor_anomalies', key: 'id', timeColumn: 'closed_at_ms', keepMs: keep.anomaliesMs },
    // Its actions and suppressions go with it: their foreign keys cascade.
    { table: 'remediations', key: 'id', timeColumn: 'ended_at_ms', keepMs: keep.remediationsMs },
    { table: 'maintenance_windows', key: 'id', timeColumn: 'ended_at_ms', keepMs: keep.remediationsMs },
    { table: 'silences', key: 'id', timeColumn: 'ended_at_ms', keepMs: silencesKeepMs },
    { table: 'audit_log', key: 'id', timeColumn: 'at_ms', keepMs: keep.auditMs },
    { table: 'access_sessions', key: 'secret_hash', timeColumn: 'expires_at_ms', keepMs: 0 },
    { table: 'login_links', key: 'code_hash', timeColumn: 'expires_at_ms', keepMs: 0 },
    // Revoking a token has taken its sessions and links, so that none points at it.
    { table: 'access_tokens', key: 'id', timeColumn: 'revoked_at_ms', keepMs: keep.auditMs },
  ];
}

/** Spans, by their start; logs go by the day, in `observability`, and samples in `tsdb`. */
export function telemetryRetention(keep: {
  readonly spansMs: number;
}): readonly RetentionRule<TelemetryTables>[] {
  return [{ table: 'trace_spans', key: 'rowid', timeColumn: 'start_us', unit: 'us', keepMs: keep.spansMs }];
}
