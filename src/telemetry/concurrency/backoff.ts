import type { Random } from '../random.ts';

export interface BackoffLimits {
  /** The ceiling of the first pause. */
  readonly firstMs: number;
  /** No pause is longer. */
  readonly maxMs: number;
}

/** Beyond this many doublings every limit is reached; the shift stays a finite number. */
const MAX_DOUBLINGS = 32;

/**
 * The pause in ms, rounded, after the nth failure in a row (from 1): exponential with "equal jitter", which leaves the
 * upper half of the ceiling to chance, so that what failed together does not return together.
 * Source: M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(failures: number, { firstMs, maxMs }: BackoffLimits, random: Random): number {
  const doublings = Math.min(Math.max(failures - 1, 0), MAX_DOUBLINGS);
  const ceilingMs = Math.min(maxMs, firstMs * 2 ** doublings);
  return Math.round((ceilingMs / 2) * (1 + random.next()));
}
