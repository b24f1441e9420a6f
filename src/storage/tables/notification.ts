import type { Generated } from 'kysely';

export interface NotificationTables {
  /** The alerts with which notification is not done: they fire, or somebody still has to hear that they are over. */
  notification_alerts: {
    alert_id: string;
  };
  /** Of these, those that a group has kept back while they fired. */
  notification_kept_back: {
    alert_id: string;
    group_id: string;
  };
  /** How many messages each integration with a rate limit has had in its newest window. */
  notification_rate_windows: {
    /** `receiver/type/index` */
    integration: string;
    began_at_ms: number;
    sent: number;
  };
  /** Alerts of which nobody was told at once, because the watchdog repairs what they tell of. */
  notification_holds: {
    alert_id: string;
    policy: string;
    /** `agent:w-1` */
    target: string;
    severity: string;
    /** JSON object. */
    labels: string;
    /** JSON list: the receivers that would have been told. */
    receivers: string;
    /** Wall ms until which somebody waits for the verdict. */
    until_ms: number;
    state: 'held' | 'healed' | 'released';
    /** JSON list: the actions that were begun. */
    steps: string;
    /** Why it is held, or what came of it. */
    reason: string;
  };
  /** Which address each integration reaches, or has reached until a reload or a start took it away. */
  notification_addresses: {
    /** `receiver/type/index` */
    integration: string;
    /** A digest of its type and its settings. */
    address: string;
    /** Wall ms since which it is known to be in force no more; null where it is. */
    gone_at_ms: number | null;
  };
  /** What nobody but this server may know. */
  notification_secrets: {
    name: string;
    value: string;
    created_at_ms: number;
  };
  /** Alerts that nobody has acknowledged yet, on their way up a ladder. */
  notification_escalations: {
    alert_id: string;
    escalation: string;
    /** The group by which people were told first. */
    group_id: string;
    group_key: string;
    /** JSON objects. */
    group_labels: string;
    route_labels: string;
    /** Of its route: who is told where a step names nobody. */
    receiver: string;
    began_at_ms: number;
    /** The next one, from 0. */
    step: number;
    /** How often all steps have been gone through. */
    round: number;
    /** Wall ms of the next step; null once there is none. */
    due_at_ms: number | null;
  };
  /** Who stands in for whoever a schedule has on call. */
  on_call_overrides: {
    id: string;
    schedule: string;
    person: string;
    starts_at_ms: number;
    ends_at_ms: number;
    comment: string;
    created_by: string;
    created_at_ms: number;
  };
  /** What each integration was told of an aggregation group last. */
  notification_log: {
    group_id: string;
    /** `receiver/type/index` */
    integration: string;
    /** Fingerprints one behind the other, 16 hex digits each: of what it knows to fire. */
    firing: string;
    /** Likewise of what it knows to be over. */
    resolved: string;
    notified_at_ms: number;
    /** What the integration remembers for its next message, JSON; null where nothing. */
    memory: string | null;
    /** Under what it was told, as in `notifications`; null where an older version has not kept it. */
    group_key: string | null;
    /** JSON objects. */
    group_labels: string | null;
    route_labels: string | null;
  };
  /** Each message to one integration: written before it is sent. */
  notifications: {
    id: string;
    group_id: string;
    /** `{}/{team="web"}:{alertname="Down"}` */
    group_key: string;
    receiver: string;
    /** `receiver/type/index` */
    integration: string;
    reason: string;
    state: 'pending' | 'delivered' | 'failed' | 'superseded';
    /** JSON list of `[alert id, resolved at in wall ms or null]`: what the message tells of. */
    alerts: string;
    /** How many alerts of the group it leaves out. */
    truncated: number;
    /** JSON objects. */
    group_labels: string;
    route_labels: string;
    note: string | null;
    /** That to which an escalation has raised its alerts; null where none has. */
    severity: string | null;
    /** What the integration knows once it is delivered; as in `notification_log`. */
    firing: string;
    resolved: string;
    attempts: number;
    created_at_ms: number;
    next_attempt_at_ms: number;
    finished_at_ms: number | null;
    /** What the receiver said last, or why there was no answer. */
    answer: string | null;
    /** Which kind of failure the last try was; null where there was none. */
    failure: string | null;
    traceparent: string | null;
    /** Wall ms until which its receiver's rate limit has held it; null where it went at once. */
    held_until_ms: number | null;
    /** The digest that tells of it in its place; null where it is told of by itself. */
    digest_id: string | null;
    /** JSON list: the recipients of a mail that have it, while others could not be given it yet; null where there are none. */
    taken_by: string | null;
  };
  /** What was decided about telling of an alert, and why. */
  notification_decisions: {
    id: Generated<number>;
    alert_id: string;
    at_ms: number;
    stage: string;
    decision: string;
    /** Null where it concerns none in particular. */
    receiver: string | null;
    notification_id: string | null;
    /** One sentence. */
    reason: string;
  };
}
