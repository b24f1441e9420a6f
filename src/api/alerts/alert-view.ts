import type { Alerting, AlertRow, AlertRule } from '#alerting';
import { parseLabels, toRfc3339, toRfc3339OrNull, traceIdOf } from '#telemetry';
import type { z } from 'zod';
import type { activeAlertAnswer, activeAlertsAnswer, alertRuleAnswer, alertView } from './alert-schemas.ts';
import type { commentView, newestComments } from './handling-schemas.ts';

type ActiveAlert = Awaited<ReturnType<Alerting['pageOfActiveAlerts']>>['alerts'][number];

export function viewOfActiveAlert(alert: ActiveAlert): z.input<typeof activeAlertsAnswer>['active'][number] {
  return {
    active_id: alert.activeId,
    rule_id: alert.ruleId,
    alert_id: alert.alertId,
    state: alert.state,
    labels: alert.labels,
    annotations: alert.annotations,
    active_at: toRfc3339(alert.activeAtMs),
    value: alert.value,
  };
}

export function viewOfAlert(row: AlertRow): z.input<typeof alertView> {
  return {
    id: row.id,
    rule_id: row.rule_id,
    fingerprint: row.fingerprint,
    labels: parseLabels(row.labels),
    annotations: parseLabels(row.annotations),
    severity: row.severity,
    state: row.state,
    value: row.value,
    threshold: row.threshold,
    metric_name: row.metric_name,
    active_at: toRfc3339(row.active_at_ms),
    fired_at: toRfc3339(row.fired_at_ms),
    resolved_at: toRfc3339OrNull(row.resolved_at_ms),
    cause: row.cause,
    acknowledged_by: row.acknowledged_by,
    acknowledged_at: toRfc3339OrNull(row.acknowledged_at_ms),
    acknowledged_note: row.acknowledged_note,
    snoozed_until: row.snoozed_by === null ? null : toRfc3339OrNull(row.snoozed_until_ms),
    snoozed_by: row.snoozed_by,
    snooze_note: row.snoozed_by === null ? null : row.snooze_note,
    assigned_to: row.assigned_to,
    assigned_by: row.assigned_by,
    assigned_at: toRfc3339OrNull(row.assigned_at_ms),
    generator_url: row.generator_url === '' ? null : row.generator_url,
    remediation_id: row.remediation_id,
    maintenance_id: row.maintenance_id,
    evaluation_error: row.evaluation_error,
    trace_id: traceIdOf(row.traceparent),
    updated_at: toRfc3339(row.updated_at_ms),
  };
}

type Comment = Awaited<ReturnType<Alerting['handling']['comment']>>;

export function viewOfComment({
  id,
  commented_by: by,
  text,
  at_ms: atMs,
}: Comment): z.input<typeof commentView> {
  return { id, commented_by: by, text, at: toRfc3339(atMs) };
}

type NewestComments = Awaited<ReturnType<Alerting['handling']['newestComments']>>;

export function viewOfComments({ count, newest }: NewestComments): {
  readonly [Key in keyof typeof newestComments]: z.input<(typeof newestComments)[Key]>;
} {
  return { comments: newest.map(viewOfComment), comment_count: count };
}

/** A label set that is pending or firing, with its rule, and when it fires. */
export function viewOfOneActiveAlert({
  alert,
  rule,
}: NonNullable<ReturnType<Alerting['activeAlert']>>): z.input<typeof activeAlertAnswer> {
  const { state, activeAtMs } = alert;
  return {
    ...viewOfActiveAlert(alert),
    rule: viewOfRuleOfAlert(rule),
    fires_at: state === 'pending' ? toRfc3339(activeAtMs + rule.forMs) : null,
  };
}

export function viewOfAlertRule(rule: AlertRule | null): z.input<typeof alertRuleAnswer>['rule'] {
  return rule && viewOfRuleOfAlert(rule);
}

function viewOfRuleOfAlert(rule: AlertRule): z.input<typeof activeAlertAnswer>['rule'] {
  return {
    rule_key: rule.key,
    rule_id: rule.id,
    file: rule.file,
    expr: rule.expr,
    for_ms: rule.forMs,
    keep_firing_for_ms: rule.keepFiringForMs,
    comparison: rule.comparison,
    threshold: rule.threshold,
    value_query: rule.valueQuery,
  };
}
