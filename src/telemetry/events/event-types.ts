import { z } from 'zod';
import { labelsSchema } from '../labels/label-set.ts';
import { RESOLUTION_CAUSES } from './alert-states.ts';
import { ANOMALY_KINDS } from './anomaly-record.ts';
import { ROLL_STATES } from './roll-states.ts';
import { SILENCE_END_CAUSES } from './silence-record.ts';
import { TASK_LOSS_CAUSES, TASK_RELEASE_REASONS } from './task-states.ts';
import { GUARDS, REMEDIATION_OUTCOMES, REMEDIATION_STATES, WATCHDOG_STATES } from './remediation-record.ts';

const labels = labelsSchema;
const nullableText = z.string().nullable();

const remediationRef = {
  remediation_id: z.string(),
  policy: z.string(),
  alert_id: z.string(),
  target: z.string(),
};

const maintenanceRef = { maintenance_id: z.string(), target: z.string(), reason: z.string() };

const silenceRef = {
  silence_id: z.string(),
  /** `{alertname="Down"}`, one for each matcher set. */
  matchers: z.array(z.string()),
  created_by: z.string(),
  comment: z.string(),
  starts_at: z.string(),
  ends_at: z.string(),
};

const agentRef = {
  agent_id: z.string(),
  agent_type: z.string(),
  pool_id: nullableText,
  generation: z.number().int(),
};

const taskRef = {
  task_id: z.string(),
  task_type: z.string(),
  phase_id: z.string(),
};

const notificationRef = {
  notification_id: z.string(),
  receiver: z.string(),
  /** `receiver/type/index` */
  integration: z.string(),
  reason: z.string(),
  group_key: z.string(),
  alert_ids: z.array(z.string()),
  alerts: z.number().int(),
  attempts: z.number().int(),
};

const alertRef = { alert_id: z.string(), rule_id: z.string(), severity: z.string(), labels };

/**
 * The payload of every event type. Only transitions are events: heartbeats and samples are not.
 * Names are `part.entity.what_happened`.
 */
export const EVENT_PAYLOADS = {
  'monitor.anomaly.detected': z.object({
    anomaly_id: z.string(),
    kind: z.enum(ANOMALY_KINDS),
    metric_name: z.string(),
    labels,
    value: z.number(),
    expected: z.number().nullable(),
    score: z.number(),
    detector: z.string(),
  }),
  'monitor.anomaly.closed': z.object({
    anomaly_id: z.string(),
    metric_name: z.string(),
    labels,
    peak_score: z.number(),
    duration_ms: z.number(),
  }),
  'monitor.alert.triggered': z.object({
    alert_id: z.string(),
    rule_id: z.string(),
    severity: z.string(),
    metric_name: nullableText,
    /** Null where it is NaN or infinite, which JSON can't say. */
    current_value: z.number().nullable(),
    threshold: z.number().nullable(),
    labels,
    /** The maintenance of its target that ran when it began; absent without one. */
    maintenance_id: z.string().optional(),
    /** Who has posted it; absent where a rule has raised it. */
    posted_by: z.array(z.string()).optional(),
    /** Since when it fires, as they say; absent where a rule has raised it. */
    starts_at: z.string().optional(),
  }),
  'monitor.alert.acknowledged': z.object({
    ...alertRef,
    acknowledged_by: z.string(),
    note: z.string().optional(),
  }),
  /** Until a time nobody is told that it fires. */
  'monitor.alert.snoozed': z.object({
    ...alertRef,
    snoozed_by: z.string(),
    until: z.string(),
    note: z.string().optional(),
  }),
  /** `unsnoozed_by` is null where its time was over. */
  'monitor.alert.unsnoozed': z.object({ ...alertRef, unsnoozed_by: nullableText }),
  'monitor.alert.commented': z.object({
    ...alertRef,
    comment_id: z.string(),
    commented_by: z.string(),
    text: z.string(),
  }),
  /** `assigned_to` is null where nobody looks after it any more. */
  'monitor.alert.assigned': z.object({ ...alertRef, assigned_to: nullableText, assigned_by: z.string() }),
  'monitor.alert.escalated': z.object({ ...alertRef, to: z.string(), reason: z.string() }),
  'monitor.alert.resolved': z.object({
    ...alertRef,
    cause: z.enum(RESOLUTION_CAUSES),
    duration_ms: z.number(),
  }),
  /** A receiver has taken a message. `alert_ids` names the first 20 of its `alerts`. */
  'notification.delivered': z.object({ ...notificationRef, answer: z.string() }),
  /** A message that will not be tried again. */
  'notification.failed': z.object({ ...notificationRef, failure: z.string(), error: z.string() }),
  /** Nobody has acknowledged in time: others are told, or the same louder. `step` counts from 1 in each round. */
  'notification.escalated': z.object({
    escalation: z.string(),
    step: z.number().int(),
    round: z.number().int(),
    receiver: z.string(),
    severity: nullableText,
    group_key: z.string(),
    alert_ids: z.array(z.string()),
    alerts: z.number().int(),
  }),
  /** A repair has healed what an alert told of before anybody was told: `receivers` would have been. */
  'notification.held_and_healed': z.object({
    alert_id: z.string(),
    severity: z.string(),
    labels,
    policy: z.string(),
    target: z.string(),
    /** `healed by restart in 2.1 s` */
    summary: z.string(),
    receivers: z.array(z.string()),
  }),
  /** Somebody stands in for whoever is on call. `removed_by` is null where the override is new. */
  'notification.on_call.overridden': z.object({
    override_id: z.string(),
    schedule: z.string(),
    person: z.string(),
    starts_at: z.string(),
    ends_at: z.string(),
    comment: z.string(),
    created_by: z.string(),
    removed_by: nullableText,
  }),
  /** `replaces` is the silence whose place it takes. */
  'notification.silence.created': z.object({
    ...silenceRef,
    set_by: z.string(),
    until_resolved: z.boolean(),
    replaces: nullableText,
  }),
  'notification.silence.changed': z.object({
    ...silenceRef,
    set_by: z.string(),
    until_resolved: z.boolean(),
  }),
  /** Its end is as near as its author wanted to be told of. */
  'notification.silence.ending': z.object(silenceRef),
  /** `ended_by` is null where it ended by itself. */
  'notification.silence.expired': z.object({
    ...silenceRef,
    cause: z.enum(SILENCE_END_CAUSES),
    ended_by: nullableText,
    replaced_by: nullableText,
  }),
  'watchdog.remediation.started': z.object({ ...remediationRef, step: z.string() }),
  'watchdog.remediation.changed': z.object({
    ...remediationRef,
    from: z.enum(REMEDIATION_STATES),
    to: z.enum(REMEDIATION_STATES),
    step: nullableText,
  }),
  'watchdog.remediation.completed': z.object({
    ...remediationRef,
    outcome: z.enum(REMEDIATION_OUTCOMES),
    duration_ms: z.number(),
  }),
  'watchdog.remediation.suppressed': z.object({
    policy: z.string(),
    alert_id: z.string(),
    target: z.string(),
    guard: z.enum(GUARDS),
    reason: z.string(),
    until: nullableText,
  }),
  'watchdog.escalated': z.object({
    alert_id: nullableText,
    policy: nullableText,
    target: nullableText,
    guardian: z.string(),
    reason: z.string(),
    /** The end of what the process put out that did not come up. */
    last_output: nullableText.optional(),
  }),
  'watchdog.state.changed': z.object({
    state: z.enum(WATCHDOG_STATES),
    active: z.boolean(),
    reason: z.string(),
  }),
  /** A failure domain has come into a storm, or out of it: `pool:demo`, `host:web-1` …, or `the fleet`. */
  'watchdog.storm.changed': z.object({ domain: z.string(), active: z.boolean(), reason: z.string() }),
  'watchdog.maintenance.started': z.object({
    ...maintenanceRef,
    started_by: z.string(),
    until: z.string(),
  }),
  /** `ended_by` is null where it ended by itself. */
  'watchdog.maintenance.ended': z.object({ ...maintenanceRef, ended_by: nullableText }),
  'fleet.agent.registered': z.object({ ...agentRef, managed: z.boolean() }),
  'fleet.agent.status_changed': z.object({
    ...agentRef,
    from: z.string(),
    to: z.string(),
    reason: z.string(),
  }),
  'fleet.agent.spawned': z.object({ ...agentRef, pid: z.number().int().nullable(), reason: z.string() }),
  'fleet.agent.exited': z.object({
    ...agentRef,
    exit_code: z.number().int().nullable(),
    signal: nullableText,
    expected: z.boolean(),
  }),
  'fleet.agent.heartbeat_missed': z.object({ ...agentRef, missed: z.number().int(), age_ms: z.number() }),
  'fleet.agent.restart_requested': z.object({ ...agentRef, reason: z.string(), requested_by: z.string() }),
  /** An external agent is asked to finish its work and leave. */
  'fleet.agent.drain_requested': z.object({ ...agentRef, reason: z.string(), requested_by: z.string() }),
  'fleet.agent.deregistered': z.object({ ...agentRef, reason: z.string() }),
  'fleet.pool.changed': z.object({
    pool_id: z.string(),
    desired: z.number().int(),
    effective: z.number().int(),
    reason: z.string(),
  }),
  /** Its replicas are brought to a changed definition. */
  'fleet.pool.roll_changed': z.object({
    pool_id: z.string(),
    state: z.enum([...ROLL_STATES, 'completed']),
    reason: z.string(),
  }),
  'fleet.pool.spawn_failed': z.object({ pool_id: z.string(), error: z.string(), retry_in_ms: z.number() }),
  'fleet.task.enqueued': z.object({ ...taskRef, priority: z.number() }),
  'fleet.task.claimed': z.object({ ...taskRef, agent_id: z.string(), generation: z.number().int() }),
  'fleet.task.completed': z.object({
    ...taskRef,
    agent_id: z.string(),
    generation: z.number().int(),
    duration_ms: z.number(),
  }),
  'fleet.task.failed': z.object({
    ...taskRef,
    agent_id: nullableText,
    generation: z.number().int().nullable(),
    error: z.string(),
    will_retry: z.boolean(),
  }),
  'fleet.task.cancelled': z.object({ ...taskRef, cancelled_by: z.string() }),
  'fleet.task.released': z.object({
    ...taskRef,
    agent_id: nullableText,
    generation: z.number().int().nullable(),
    reason: z.enum(TASK_RELEASE_REASONS),
    /** Whether the loss counts as an attempt; events of older servers don't say. */
    counted: z.boolean().optional(),
    /** Why a loss by its holder's own end does not count; events of older servers don't say. */
    excused_by: z.enum(['outage', 'many_at_once']).optional(),
  }),
  /** Others were lost with the task since: it explains why that generation ended, which is held against its agent no more. */
  'fleet.task.blamed': z.object({ ...taskRef, agent_id: z.string(), generation: z.number().int() }),
  /** Its attempts are used up by losses: it waits for a person. */
  'fleet.task.parked': z.object({
    ...taskRef,
    agent_id: z.string(),
    generation: z.number().int(),
    reason: z.enum(TASK_LOSS_CAUSES),
    attempts: z.number().int(),
    max_attempts: z.number().int(),
    /** How the last holder lost it. */
    error: z.string(),
  }),
  /** It is queued again with all its attempts: by a person, or because the losses turned out not to be its own. */
  'fleet.task.retried': z.object({ ...taskRef, from: z.enum(['parked', 'failed']), retried_by: z.string() }),
  'fleet.task.refused': z.object({
    ...taskRef,
    agent_id: z.string(),
    generation: z.number().int(),
    operation: z.string(),
    reason: z.string(),
  }),
} as const;

export type EventType = keyof typeof EVENT_PAYLOADS;
export type EventPayload<Type extends EventType> = z.infer<(typeof EVENT_PAYLOADS)[Type]>;

export const EVENT_TYPES = Object.keys(EVENT_PAYLOADS) as readonly EventType[];

/** An event to append: what happened to which thing, and the trace it happened in. */
export type NewSystemEvent = {
  readonly [Type in EventType]: {
    readonly event_type: Type;
    readonly entity_type: string;
    readonly entity_id: string;
    readonly payload: EventPayload<Type>;
    readonly traceparent: string | null;
  };
}[EventType];

/** An event of the log. `id` grows in commit order; `at` is RFC 3339 in UTC with milliseconds. */
export type SystemEvent = NewSystemEvent & { readonly id: number; readonly at: string };
