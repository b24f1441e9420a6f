import type { Policy, RemediationDetail, Watchdog } from '#watchdog';
import {
  formatDuration,
  toRfc3339,
  toRfc3339OrNull,
  traceIdOf,
  WATCHDOG_STATES,
  type PolicyMode,
} from '#telemetry';
import type { z } from 'zod';
import { GUARD_RELIEF } from './guard-relief.ts';
import {
  MAX_SHOWN_STORMS,
  type policySchema,
  type remediationSchema,
  type watchdogStateSchema,
} from './watchdog-schemas.ts';

export function viewOfStates(watchdog: Watchdog): z.input<typeof watchdogStateSchema> {
  const { states } = watchdog;
  const storms = watchdog.storms();
  const [first] = storms;
  const policies = watchdog.policies.list();
  const count = (mode: PolicyMode): number => policies.filter((policy) => policy.mode === mode).length;
  const active = WATCHDOG_STATES.flatMap((state) => {
    const found = states.get(state);
    if (!found) return [];
    // On record is how it began; people read how it stands.
    const reason = state === 'storm' && first ? `${first.domain}: ${first.reason}` : found.reason;
    return [{ state, reason, by: found.by, since: toRfc3339(found.sinceMs) }];
  });
  return {
    states: active,
    storms: storms
      .slice(0, MAX_SHOWN_STORMS)
      .map(({ domain, reason, sinceMs }) => ({ domain, reason, since: toRfc3339(sinceMs) })),
    more_storms: Math.max(0, storms.length - MAX_SHOWN_STORMS),
    maintenances: watchdog.maintenance.list().length,
    policies: {
      act: count('act'),
      approve: count('approve'),
      observe: count('observe'),
    },
  };
}

/** A policy with its steps as their actions show them. */
export function viewOfPolicy(policy: Policy, { policies }: Watchdog): z.input<typeof policySchema> {
  const { guards } = policy;
  return {
    name: policy.name,
    description: policy.description,
    mode: policy.mode,
    act_on: policies.viewActOn(policy),
    match: policy.match.map(
      (matcher) => `${matcher.name}${matcher.operator}${JSON.stringify(matcher.value)}`,
    ),
    target: { ...policy.target },
    steps: policy.steps.map((step) => ({
      action: step.action,
      verify_within_ms: step.verify.within,
      ...policies.viewStep(step),
    })),
    guards: {
      cooldown_ms: guards.cooldown,
      max_parallel: guards.max_parallel,
      max_starts: guards.max_starts,
      window_ms: guards.window,
      repair_burst: guards.repair_burst,
      repair_every_ms: guards.repair_every,
      spare_healthy: guards.spare_healthy,
    },
    max_attempts: policy.max_attempts,
    relapse_window_ms: policy.relapse_window,
    guardian: policy.guardian,
  };
}

/** A remediation, with what holds it back at this moment. */
export function viewOfRemediation(
  { remediation, plan, actions, suppressions }: RemediationDetail,
  watchdog: Pick<Watchdog, 'heldBy'>,
): z.input<typeof remediationSchema> {
  const holding = watchdog.heldBy(remediation.id);
  return {
    id: remediation.id,
    policy: remediation.policy,
    alert_id: remediation.alert_id,
    rule_id: remediation.rule_id,
    target: { kind: remediation.target_kind, id: remediation.target_id },
    state: remediation.state,
    step: remediation.step + 1,
    outcome: remediation.outcome,
    reason: remediation.reason,
    attempts: remediation.attempts,
    max_attempts: plan.max_attempts,
    guardian: plan.guardian,
    evidence: remediation.evidence,
    last_output: remediation.last_output,
    planned_at: toRfc3339(remediation.planned_at_ms),
    step_started_at: toRfc3339OrNull(remediation.step_started_at_ms),
    verify_until: toRfc3339OrNull(remediation.verify_until_ms),
    verifies: verificationOf(remediation, plan),
    ended_at: toRfc3339OrNull(remediation.ended_at_ms),
    approved_by: remediation.approved_by,
    trace_id: traceIdOf(remediation.traceparent),
    actions: actions.map((action) => ({
      step: action.step + 1,
      action: action.action,
      expected_generation: action.expected_generation,
      intended_at: toRfc3339(action.intended_at_ms),
      attempts: action.attempts,
      next_attempt_at: toRfc3339OrNull(action.next_attempt_at_ms),
      finished_at: toRfc3339OrNull(action.finished_at_ms),
      result: action.result,
      detail: action.detail,
      passed_guards: [...action.passed],
    })),
    suppressions: suppressions.map((suppression) => ({
      guard: suppression.guard,
      reason: (suppression.guard === holding?.suppressed ? holding : suppression).reason,
      first_at: toRfc3339(suppression.first_at_ms),
      last_at: toRfc3339(suppression.last_at_ms),
      count: suppression.count,
      until: toRfc3339OrNull(
        suppression.guard === holding?.suppressed ? holding.untilMs : suppression.until_ms,
      ),
      holds: suppression.guard === holding?.suppressed,
      ...GUARD_RELIEF[suppression.guard],
    })),
  };
}

/** What a step that was started has to bring about, in words; null before the first. */
function verificationOf(
  { step, step_started_at_ms: startedAtMs }: RemediationDetail['remediation'],
  { steps }: RemediationDetail['plan'],
): string | null {
  // The last one is repeated.
  const current = steps[step] ?? steps.at(-1);
  if (!current || startedAtMs === null) return null;
  if (current.action === 'scale') return 'the pool has its agents up, and the alert recovers';
  const { healthy_for: healthyForMs } = current.verify;
  const howLong = healthyForMs === undefined ? 'two heartbeat intervals' : formatDuration(healthyForMs);
  return `the new generation is ready or at work, stays well for ${howLong}, and the alert recovers`;
}
