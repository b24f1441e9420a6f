export interface ActionLimits {
  /** How often a step is ordered before it counts as failed; those of an earlier process count too. */
  readonly maxAttempts: number;
  /** How long an answer of the fleet is waited for. */
  readonly timeLimitMs: number;
  readonly minRetryDelayMs: number;
  readonly maxRetryDelayMs: number;
}

export const DEFAULT_ACTION_LIMITS: ActionLimits = {
  maxAttempts: 5,
  timeLimitMs: 10_000,
  minRetryDelayMs: 1000,
  maxRetryDelayMs: 30_000,
};
