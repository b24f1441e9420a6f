/** Where a task stands. One that is `parked` has used up its attempts by losses and waits for a person. */
export const TASK_STATES = ['queued', 'claimed', 'completed', 'failed', 'cancelled', 'parked'] as const;

export type TaskState = (typeof TASK_STATES)[number];

/** Why a task went back to the queue, or was parked, before its holder was done. */
export const TASK_RELEASE_REASONS = [
  'lease_expired',
  'reassigned',
  'handed_off',
  'agent_drained',
  'time_limit',
  'undelivered',
] as const;

export type TaskReleaseReason = (typeof TASK_RELEASE_REASONS)[number];

/** What its holder did to a task so that the loss may count as an attempt. */
export const TASK_LOSS_CAUSES = ['holder_ended', 'holder_hung', 'time_limit'] as const;

export type TaskLossCause = (typeof TASK_LOSS_CAUSES)[number];

/** How a lock is held: beside others of this kind, or alone. */
export const LOCK_MODES = ['shared', 'exclusive'] as const;

export type LockMode = (typeof LOCK_MODES)[number];
