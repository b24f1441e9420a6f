/** Where an alert, one firing episode of a rule for one label set, stands. */
export const ALERT_STATES = ['firing', 'resolved'] as const;

export type AlertState = (typeof ALERT_STATES)[number];

/**
 * Why an alert is over. `recovered`: its condition became false; `remediated`: the same, after a remediation had acted
 * for it; `data_vanished`: what the condition looks at has no element any more; `evaluation_failed`: its rule could
 * not be evaluated for very long; `manual`: a person resolved it or removed its rule; `expired`: others had posted it, and
 * nobody has posted it again by the end that it was given.
 */
export const RESOLUTION_CAUSES = [
  'recovered',
  'remediated',
  'data_vanished',
  'evaluation_failed',
  'manual',
  'expired',
] as const;

export type ResolutionCause = (typeof RESOLUTION_CAUSES)[number];

/** Where a label set stands for which the condition of a rule holds, as Prometheus calls it. */
export const ACTIVE_ALERT_STATES = ['pending', 'firing'] as const;

export type ActiveAlertState = (typeof ACTIVE_ALERT_STATES)[number];
