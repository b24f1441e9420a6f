/** The words of a remediation's record, declared once: its table, its events, the API and the dashboard use these. */

/** States in which something is still to be done. */
export const OPEN_REMEDIATION_STATES = ['planned', 'awaiting_approval', 'executing', 'verifying'] as const;
export type OpenRemediationState = (typeof OPEN_REMEDIATION_STATES)[number];

export const REMEDIATION_STATES = [
  ...OPEN_REMEDIATION_STATES,
  'completed',
  'escalated',
  'cancelled',
] as const;
export type RemediationState = (typeof REMEDIATION_STATES)[number];

/** What a remediation has come to; null on its record while it is open. */
export const REMEDIATION_OUTCOMES = [
  'healed',
  'relapsed',
  'no_effect',
  'worsened',
  'failed',
  'unknown',
  'cancelled',
] as const;
export type RemediationOutcome = (typeof REMEDIATION_OUTCOMES)[number];

/**
 * Why a person should know of a remediation: `given_up`, which the guardian has while its alert still fires; `relapsing`,
 * whose repair did not last while a newer one of its lineage has not ended.
 */
export const REMEDIATION_CONCERNS = ['given_up', 'relapsing'] as const;
export type RemediationConcern = (typeof REMEDIATION_CONCERNS)[number];

/** What a remediation acts on. A pool contains its agents. */
export const TARGET_KINDS = ['agent', 'pool'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

/** What became of a step's action. */
export const ACTION_RESULTS = ['done', 'failed', 'unknown', 'withdrawn'] as const;
export type ActionResult = (typeof ACTION_RESULTS)[number];

/** What can hold a remediation back, in the order in which it is asked: the first that does is named. */
export const GUARDS = [
  'paused',
  'observe',
  'not_managed',
  'not_authorized',
  'maintenance',
  'self_suspicion',
  'storm',
  'one_per_target',
  'cooldown',
  'max_parallel',
  'start_budget',
  'repair_rate',
  'target_withdrawn',
  'target_healthy',
  'new_generation',
  'work_in_flight',
] as const;
export type Guard = (typeof GUARDS)[number];

/** observe: only say what would be done. approve: ask a person. act: do it. */
export const POLICY_MODES = ['observe', 'approve', 'act'] as const;
export type PolicyMode = (typeof POLICY_MODES)[number];

/** What can stop the watchdog as a whole. */
export const WATCHDOG_STATES = ['paused', 'storm', 'self_suspicion'] as const;
export type WatchdogStateName = (typeof WATCHDOG_STATES)[number];
