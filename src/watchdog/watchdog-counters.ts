import type { Guard, RemediationOutcome, SelfMetrics } from '#telemetry';

/** What the watchdog counts of itself. */
export interface WatchdogCounters {
  ended(outcome: RemediationOutcome): void;
  suppressed(guard: Guard): void;
  /** One order of a step, and how it ended; `retried` where another follows. */
  acted(action: string, result: 'done' | 'failed' | 'unknown' | 'retried'): void;
  /** A transition could not be written and is tried again. */
  transitionFailed(): void;
  /** An alert got no remediation. */
  unplanned(reason: 'no_target' | 'max_open_remediations' | 'not_managed'): void;
  overrideEnded(how: 'released' | 'expired'): void;
}

export function createWatchdogCounters(metrics: SelfMetrics): WatchdogCounters {
  const remediations = metrics.counter('omoi_watchdog_remediations_total', 'Remediations that have ended.');
  const suppressions = metrics.counter(
    'omoi_watchdog_suppressions_total',
    'Remediations that a guard has held back, each once for each guard.',
  );
  const actions = metrics.counter('omoi_watchdog_actions_total', 'Orders to the fleet, by how they ended.');
  const failures = metrics.counter(
    'omoi_watchdog_transition_failures_total',
    'Transitions of remediations that could not be written and were tried again.',
  );
  const unplanned = metrics.counter(
    'omoi_watchdog_unplanned_total',
    'Alerts that a policy matched and that got no remediation.',
  );
  const overrides = metrics.counter(
    'omoi_watchdog_scale_overrides_ended_total',
    'Scale overrides that have ended.',
  );
  return {
    ended: (outcome) => remediations.add(1, { outcome }),
    suppressed: (guard) => suppressions.add(1, { guard }),
    acted: (action, result) => actions.add(1, { action, result }),
    transitionFailed: () => failures.add(1),
    unplanned: (reason) => unplanned.add(1, { reason }),
    overrideEnded: (how) => overrides.add(1, { how }),
  };
}
