import type { DeadlineColumns } from '../deadline-columns.ts';
import type {
  ActionResult,
  Guard,
  MaintenanceKind,
  RemediationOutcome,
  RemediationState,
  TargetKind,
  WatchdogStateName,
} from '#telemetry';

export interface WatchdogTables {
  /** One row for each policy, alert and target. */
  remediations: {
    id: string;
    policy: string;
    alert_id: string;
    rule_id: string;
    target_kind: TargetKind;
    target_id: string;
    /** The pool that is the target or contains it: what excludes other remediations. */
    pool_id: string | null;
    state: RemediationState;
    /** JSON: the policy's steps and guardian as they were when the remediation was planned. */
    plan: string;
    /** Index into the plan's steps. */
    step: number;
    outcome: RemediationOutcome | null;
    /** The newest generation of the agent that the remediation has seen; null for a pool. */
    generation: number | null;
    /** When a generation came up that the remediation had not asked for; null where none did. */
    generation_since_ms: number | null;
    /** The alert's value when the step began: what "worsened" is measured against. */
    value_before: number | null;
    planned_at_ms: number;
    step_started_at_ms: number | null;
    verify_until_ms: number | null;
    ended_at_ms: number | null;
    approved_by: string | null;
    reason: string | null;
    /** Its own span's; its alert's until its first transition. */
    traceparent: string | null;
    /**
     * How often the lineage (policy and target) has tried, this remediation's attempts included; 0 before its first, and
     * where a task explains the agent's end.
     */
    attempts: number;
    /** Its place among those of its lineage that acted, in their order; 0 before its first step. */
    lineage_order: number;
    /** 1 where the agent was certainly ill when the step began: it has a rate of its own, and no place of its policy. */
    certain: number;
    /** What was known of target and alert when the step began, in words. */
    evidence: string | null;
    /** The end of what a process put out that did not come up. */
    last_output: string | null;
    /** Planned: nothing more is tried, and the guardian has it with this outcome once no guard holds that back; null else. */
    given_up_as: RemediationOutcome | null;
    updated_at_ms: number;
    /** `updated_at_ms` on the boot clock; null in rows from before it was kept. */
    boot_ms: number | null;
    boot_id: string | null;
  };
  /** What was done, step by step: the intent is written before the action, the result after it. */
  watchdog_actions: {
    id: string;
    remediation_id: string;
    step: number;
    action: string;
    /** JSON */
    params: string;
    /** As of its remediation, when it began. */
    certain: number;
    /** The agent's generation when the step started: each attempt orders the one after it. Null for a pool. */
    expected_generation: number | null;
    intended_at_ms: number;
    /** `intended_at_ms` on the boot clock; null in rows from before it was kept. */
    boot_ms: number | null;
    boot_id: string | null;
    /** How often it was ordered; counted before the order goes out. */
    attempts: number;
    /** When it is ordered again; null where it is not put off. */
    next_attempt_at_ms: number | null;
    finished_at_ms: number | null;
    /** Null while it is open; `unknown` without an end after an attempt that gave no answer. */
    result: ActionResult | null;
    detail: string | null;
    /** JSON: what each guard saw that let the step begin; null in rows from before it was kept. */
    passed_guards: string | null;
  };
  /** What held a remediation back: one row for each guard, as of `last_at_ms`; `count` is how often it began to. */
  watchdog_suppressions: {
    remediation_id: string;
    guard: Guard;
    reason: string;
    first_at_ms: number;
    last_at_ms: number;
    count: number;
    until_ms: number | null;
  };
  /** Scale overrides that the watchdog keeps up, and takes back when their alert has been over for a while. */
  watchdog_claims: DeadlineColumns & {
    claim_id: string;
    remediation_id: string;
    policy: string;
    pool_id: string;
    ttl_ms: number;
    release_after_ms: number;
    /** Set once the alert has been resolved. */
    release_at_ms: number | null;
    traceparent: string | null;
  };
  /** Whether the watchdog is paused, in a storm, or distrusts itself. */
  watchdog_states: {
    state: WatchdogStateName;
    active: number;
    reason: string;
    changed_by: string;
    changed_at_ms: number;
    /** JSON `[{domain, reason, sinceMs}]` of a storm: the failure domains that are in it; null where nothing is kept. */
    storms: string | null;
  };
  /** While one runs, nothing is done to its target. */
  maintenance_windows: {
    id: string;
    target_kind: MaintenanceKind;
    target_id: string;
    reason: string;
    /** The person or token. */
    started_by: string;
    started_at_ms: number;
    /** `started_at_ms` on the boot clock. */
    boot_ms: number;
    boot_id: string;
    length_ms: number;
    /** Null while it runs. */
    ended_at_ms: number | null;
    /** The person or token; null where it ended by itself. */
    ended_by: string | null;
  };
}
