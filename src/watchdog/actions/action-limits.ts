import type { Random } from '#telemetry';

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

/** The pause after the nth failure in a row: doubling, limited, between half and all of it. */
export function retryDelayMs(
  failures: number,
  random: Random,
  limits: Pick<ActionLimits, 'minRetryDelayMs' | 'maxRetryDelayMs'>,
): number {
  const doubled = limits.minRetryDelayMs * 2 ** Math.min(failures - 1, 16);
  return Math.round(Math.min(limits.maxRetryDelayMs, doubled) * (0.5 + random.next() / 2));
}
