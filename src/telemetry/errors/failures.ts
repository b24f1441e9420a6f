import { OmoiError, type ErrorCode } from './errors.ts';

/** What says that Omoi's own database, or its disk, is away: whoever relies on what others write may have missed it. */
const OUTAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'commit_unknown',
  'database_failed',
  'server_fenced',
  'storage_failed',
  'storage_full',
]);

/** Whether an error says that Omoi's storage is away, and not that it refused what it was asked. */
export function isOutage(thrown: unknown): thrown is OmoiError {
  return thrown instanceof OmoiError && OUTAGE_CODES.has(thrown.code);
}

/**
 * Whether doing the same again later may succeed: an outage, a stop, a conflict with others. What carries no code (a
 * broken constraint, a programmer's mistake) fails again.
 */
export function isRetryable(thrown: unknown): thrown is OmoiError {
  return thrown instanceof OmoiError && thrown.retryable;
}

/**
 * Whether the database refused the rows themselves (a broken constraint, a text that it cannot hold): trying the same
 * again fails again. Everything that says that the database cannot be used now carries a code.
 */
export function isRefusal(thrown: unknown): boolean {
  return !(thrown instanceof OmoiError);
}
