import { OmoiError } from '#telemetry';

/**
 * An operation that the data does not allow: `query_failed`, in Prometheus's words. Bytes of a text of the query that are
 * no UTF-8 read as U+FFFD, as in every answer.
 */
export function evaluationError(problem: string): OmoiError {
  return new OmoiError('query_failed', problem.toWellFormed());
}

export const DUPLICATE_LABELS = 'vector cannot contain metrics with the same labelset';
