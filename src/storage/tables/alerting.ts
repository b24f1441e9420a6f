import type { AlertState, ResolutionCause } from '#telemetry';

export interface AlertingTables {
  /** One row for each firing episode of a rule for one label set, from the first firing to resolved. */
  alerts: {
    id: string;
    /** `group/alert` */
    rule_id: string;
    /** The rule's key in `alert_rules`. */
    rule_key: string;
    /** FNV-1a 64 of the labels, 16 hex digits, as Alertmanager computes it. */
    fingerprint: string;
    /** JSON object. */
    labels: string;
    /** JSON object. */
    annotations: string;
    /** The labels of the result element before the rule's own were added; JSON object. */
    source_labels: string;
    severity: string;
    state: AlertState;
    /** As Prometheus writes values: JSON has no NaN and no infinity. */
    value: string;
    threshold: number | null;
    /** The operator of the rule's comparison, as if its metric stood on the left (`<`); null where it has none. */
    comparison: string | null;
    metric_name: string | null;
    active_at_ms: number;
    fired_at_ms: number;
    resolved_at_ms: number | null;
    cause: ResolutionCause | null;
    acknowledged_by: string | null;
    acknowledged_at_ms: number | null;
    /** The newest remediation for it. */
    remediation_id: string | null;
    /** 1 once that remediation has acted and has not failed. */
    remediation_acted: number;
    /** The maintenance of its target that ran when it began to fire; null where none did. */
    maintenance_id: string | null;
    /** Why the rule can't be evaluated at the moment. */
    evaluation_error: string | null;
    traceparent: string | null;
    updated_at_ms: number;
    /** Of one that others have posted: who says that it fires, since when and until when; JSON. Null of one of a rule. */
    posted_claims: string | null;
    /** When the last of these ends; null without one. */
    posted_until_ms: number | null;
    /** The page of what raised it, as its sender said. */
    generator_url: string | null;
    /** Why, or what is being done about it. */
    acknowledged_note: string | null;
    /** Until when people are not told that it fires, or were not; null where it never was snoozed. */
    snoozed_until_ms: number | null;
    /** Null where it is not snoozed, or not any more. */
    snoozed_by: string | null;
    snooze_note: string | null;
    /** Who looks after it; null where nobody is named. */
    assigned_to: string | null;
    assigned_by: string | null;
    assigned_at_ms: number | null;
  };
  /** What people say about an alert. */
  alert_comments: {
    id: string;
    alert_id: string;
    commented_by: string;
    text: string;
    at_ms: number;
  };
  /** The rules that were loaded last; what is no longer in the files has `removed_at_ms`. */
  alert_rules: {
    /** Given once, and kept while the rule is recognized: `rule_id`, with more behind it where that was taken. */
    rule_key: string;
    rule_id: string;
    kind: 'alerting' | 'recording';
    file: string;
    group_name: string;
    name: string;
    expr: string;
    /** Everything that decides what the rule does; equal hash means unchanged. */
    hash: string;
    /** The rule's labels as they are written, `{name="template", …}`; null in rows of before this column. */
    labels: string | null;
    loaded_at_ms: number;
    removed_at_ms: number | null;
    /** When the rows of `alert_rule_state` were last known to be still so; null: never. */
    confirmed_at_ms: number | null;
  };
  /** What an alerting rule has in mind besides firing episodes, so that `for` and `keep_firing_for` survive. */
  alert_rule_state: {
    rule_key: string;
    fingerprint: string;
    state: 'pending' | 'keep_firing' | 'dismissed';
    labels: string;
    source_labels: string;
    /** As Prometheus writes values. */
    value: string;
    active_at_ms: number;
    /** Since when the condition has not held; null while it holds. */
    missed_since_ms: number | null;
    /** When the row was written. */
    evaluated_at_ms: number;
    traceparent: string | null;
  };
}
