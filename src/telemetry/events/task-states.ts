/** Where a task stands. */
export const TASK_STATES = ['queued', 'claimed', 'completed', 'failed', 'cancelled'] as const;

export type TaskState = (typeof TASK_STATES)[number];

/** How a lock is held: beside others of this kind, or alone. */
export const LOCK_MODES = ['shared', 'exclusive'] as const;

export type LockMode = (typeof LOCK_MODES)[number];
